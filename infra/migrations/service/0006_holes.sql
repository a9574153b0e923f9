-- A key is what a sender made it: a btree entry would refuse a long one, and parking must never fail.
DROP INDEX parked_key;
CREATE INDEX parked_key ON parked USING hash (key);

-- Where a parked record stands in its stream; and in its deal, if that is before a record that came
-- earlier but is a later one of the same stream.
ALTER TABLE parked ADD COLUMN stream text, ADD COLUMN version integer, ADD COLUMN place bigint;
DROP INDEX parked_retry;
-- Until now the version moved past a hole, and a retry took the record as it was.
UPDATE parked SET code = 'parked.behind' WHERE code = 'parked.missing';
CREATE INDEX parked_retry ON parked (topic, partition, (COALESCE(place, id)), version, id) WHERE retry;

-- Park a record. The same bytes once more are a second delivery of what lies here already.
-- What a later record of its stream waits for goes before that one, and the deal is tried again, unless
-- something of it waits for a person.
CREATE FUNCTION park(
    of_topic text, of_partition integer, at_offset bigint, of_key bytea, raw_headers json,
    raw_value bytea, why text, with_code text, of_stream text, of_version integer
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
BEGIN
    PERFORM hold_deal(of_key);
    IF EXISTS (
        SELECT FROM parked
        WHERE key = of_key AND value = raw_value AND headers::text = raw_headers::text
    ) THEN
        -- Published again, after what was missing: it waits for nothing but its turn now.
        IF with_code = 'parked.behind' THEN
            UPDATE parked SET code = with_code, reason = why
            WHERE key = of_key AND value = raw_value AND headers::text = raw_headers::text
            AND code = 'parked.missing';
            IF FOUND AND NOT EXISTS (
                SELECT FROM parked WHERE key = of_key AND code NOT IN ('parked.missing', 'parked.behind')
            ) THEN
                UPDATE parked SET retry = true WHERE key = of_key AND NOT retry;
            END IF;
        END IF;
        RETURN;
    END IF;
    SELECT min(COALESCE(place, id)) INTO before FROM parked
    WHERE key = of_key AND stream = of_stream AND version > of_version;
    INSERT INTO parked (
        topic, partition, offset_, key, headers, value, reason, code, retry, stream, version, place
    ) VALUES (
        of_topic, of_partition, at_offset, of_key, raw_headers, raw_value, why, with_code,
        -- What it was to wait behind was discarded a moment ago: nobody else would free it.
        with_code = 'parked.behind' AND NOT EXISTS (SELECT FROM parked WHERE key = of_key)
        -- Or what it goes before is being tried: it must not be skipped.
        OR before IS NOT NULL AND EXISTS (SELECT FROM parked WHERE key = of_key AND retry),
        of_stream, of_version, before
    ) ON CONFLICT DO NOTHING;
    IF before IS NOT NULL AND NOT EXISTS (
        SELECT FROM parked WHERE key = of_key AND code NOT IN ('parked.missing', 'parked.behind')
    ) THEN
        UPDATE parked SET retry = true WHERE key = of_key AND NOT retry;
    END IF;
END $$;

-- A reminder is carried out once: whoever does it finds it as he read it, or writes nothing.
CREATE FUNCTION fired(of_key text, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM reminders WHERE key = of_key AND due_at = at;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'somebody else has carried the reminder out' USING ERRCODE = 'QW004';
    END IF;
END $$;
