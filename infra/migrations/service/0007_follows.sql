-- The version of its stream that a parked record waits for; none, if the record came in its turn.
-- Its own column, since code and reason say why the record failed last, which may be something else.
ALTER TABLE parked ADD COLUMN follows integer;
UPDATE parked SET follows = version - 1 WHERE code = 'parked.missing';

-- What was given up is not waited for by what comes later.
ALTER TABLE discarded ADD COLUMN stream text, ADD COLUMN version integer;
CREATE INDEX discarded_key ON discarded USING hash (key);

-- Park a record. The same bytes once more are a second delivery of what lies here already.
-- What a later record of its stream waits for goes before that one, and the deal is tried again, unless
-- something of it waits for a person.
CREATE OR REPLACE FUNCTION park(
    of_topic text, of_partition integer, at_offset bigint, of_key bytea, raw_headers json,
    raw_value bytea, why text, with_code text, of_stream text, of_version integer
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    waits_for integer;
BEGIN
    PERFORM hold_deal(of_key);
    IF EXISTS (
        SELECT FROM parked
        WHERE key = of_key AND value = raw_value AND headers::text = raw_headers::text
    ) THEN
        -- Published again, after what it waited for: now it has come in its turn.
        UPDATE parked SET follows = NULL
        WHERE key = of_key AND value = raw_value AND headers::text = raw_headers::text
        AND with_code <> 'parked.missing';
        RETURN;
    END IF;
    IF with_code = 'parked.missing' THEN
        waits_for := of_version - 1;
        WHILE EXISTS (
            SELECT FROM discarded WHERE key = of_key AND stream = of_stream AND version = waits_for
        ) LOOP
            waits_for := waits_for - 1;
        END LOOP;
    END IF;
    SELECT min(COALESCE(place, id)) INTO before FROM parked
    WHERE key = of_key AND stream = of_stream AND version > of_version;
    INSERT INTO parked (
        topic, partition, offset_, key, headers, value, reason, code, retry, stream, version, place, follows
    ) VALUES (
        of_topic, of_partition, at_offset, of_key, raw_headers, raw_value, why, with_code,
        -- What it was to wait behind was discarded a moment ago: nobody else would free it.
        with_code = 'parked.behind' AND NOT EXISTS (SELECT FROM parked WHERE key = of_key)
        -- Or what it goes before is being tried: it must not be skipped.
        OR before IS NOT NULL AND EXISTS (SELECT FROM parked WHERE key = of_key AND retry)
        -- Or what it waits for may be here already.
        OR COALESCE(waits_for < of_version - 1, false),
        of_stream, of_version, before, waits_for
    ) ON CONFLICT DO NOTHING;
    IF before IS NOT NULL AND NOT EXISTS (
        SELECT FROM parked WHERE key = of_key AND code NOT IN ('parked.missing', 'parked.behind')
    ) THEN
        UPDATE parked SET retry = true WHERE key = of_key AND NOT retry;
    END IF;
END $$;
