-- How often a partition was claimed since somebody gave it back in order; above 1: an unclean end.
ALTER TABLE positions ADD COLUMN unreleased integer NOT NULL DEFAULT 0;

-- How often a retry began without anybody coming back to say how it ended.
ALTER TABLE parked ADD COLUMN begun integer NOT NULL DEFAULT 0;
CREATE INDEX parked_retry ON parked (topic, partition, id) WHERE retry;

-- What somebody gave up, raw, with who and why.
CREATE TABLE discarded (
    id           bigint      PRIMARY KEY,  -- the number it was parked under
    topic        text        NOT NULL,
    partition    integer     NOT NULL,
    offset_      bigint      NOT NULL,
    key          bytea       NOT NULL,
    headers      json        NOT NULL,
    value        bytea       NOT NULL,
    reason       text        NOT NULL,
    code         text        NOT NULL,
    attempts     integer     NOT NULL,
    parked_at    timestamptz NOT NULL,
    discarded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    discarded_by text        NOT NULL,
    why          text        NOT NULL CHECK (why <> '')
);
COMMENT ON TABLE discarded IS 'Audit: parked records that somebody gave up; nothing is ever changed or removed';

CREATE FUNCTION keep_discarded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'discarded records are kept for ever';
END $$;
CREATE TRIGGER keep_discarded BEFORE UPDATE OR DELETE ON discarded
FOR EACH ROW EXECUTE FUNCTION keep_discarded();
CREATE TRIGGER keep_all_discarded BEFORE TRUNCATE ON discarded
FOR EACH STATEMENT EXECUTE FUNCTION keep_discarded();

-- Hold a deal to the end of the transaction: who parks behind it, frees it or discards of it goes in turn.
CREATE FUNCTION hold_deal(of_key bytea) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(
        hashtextextended('quotewright:' || current_schema() || ':parked:' || encode(of_key, 'hex'), 0)
    )
$$;

-- Park a record. The same bytes once more are a second delivery of what lies here already.
CREATE FUNCTION park(
    of_topic text, of_partition integer, at_offset bigint, of_key bytea, raw_headers json,
    raw_value bytea, why text, with_code text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hold_deal(of_key);
    INSERT INTO parked (topic, partition, offset_, key, headers, value, reason, code, retry)
    SELECT of_topic, of_partition, at_offset, of_key, raw_headers, raw_value, why, with_code,
        -- What it was to wait behind was discarded a moment ago: nobody else would free it.
        with_code = 'parked.behind' AND NOT EXISTS (SELECT FROM parked WHERE key = of_key)
    WHERE NOT EXISTS (
        SELECT FROM parked
        WHERE key = of_key AND value = raw_value AND headers::text = raw_headers::text
    )
    ON CONFLICT DO NOTHING;
END $$;

-- Drop parked records that were handled, if they are there and the partition is still the caller's.
-- The rest of their deals is tried too, also what was parked behind them after somebody asked.
CREATE FUNCTION unparked(
    of_topic text, of_partition integer, by_epoch bigint, keys bytea[], ids bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone integer;
BEGIN
    PERFORM hold_deal(key) FROM (SELECT DISTINCT unnest(keys) AS key ORDER BY 1) AS deals;
    PERFORM FROM positions
    WHERE topic = of_topic AND partition = of_partition AND epoch = by_epoch FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another process consumes this partition' USING ERRCODE = 'QW001';
    END IF;
    DELETE FROM parked WHERE id = ANY (ids);
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone <> cardinality(ids) THEN
        RAISE EXCEPTION 'a record was discarded meanwhile' USING ERRCODE = 'QW002';
    END IF;
    UPDATE parked SET retry = true WHERE key = ANY (keys) AND NOT retry;
END $$;
