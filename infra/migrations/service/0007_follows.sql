-- The version of its stream that a parked record waits for; none, if the record came in its turn.
-- Its own column, since code and reason say why the record failed last, which may be something else.
ALTER TABLE parked ADD COLUMN follows integer;
UPDATE parked SET follows = version - 1 WHERE code = 'parked.missing';
-- What has come since, and woke nobody.
UPDATE parked SET retry = true
WHERE key IN (SELECT key FROM parked JOIN inbox USING (stream) WHERE follows <= inbox.version)
AND key NOT IN (SELECT key FROM parked WHERE code NOT IN ('parked.missing', 'parked.behind'));

-- What was given up is not waited for by what comes later.
ALTER TABLE discarded ADD COLUMN stream text, ADD COLUMN version integer;
CREATE INDEX discarded_key ON discarded USING hash (key);

-- The version that a record behind a hole waits for: the last before it that nobody has given up.
CREATE FUNCTION waits_for(of_key bytea, of_stream text, of_version integer) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT COALESCE(min(version), of_version) - 1 FROM (
        SELECT version, version + dense_rank() OVER (ORDER BY version DESC) AS ends_before FROM discarded
        WHERE key = of_key AND stream = of_stream AND version < of_version
    ) AS given_up WHERE ends_before = of_version
$$;

-- Have a deal tried again, unless something of it waits for a person.
CREATE FUNCTION wake_deal(of_key bytea) RETURNS void LANGUAGE sql AS $$
    UPDATE parked SET retry = true WHERE key = of_key AND NOT retry AND NOT EXISTS (
        SELECT FROM parked AS other
        WHERE other.key = of_key AND other.code NOT IN ('parked.missing', 'parked.behind')
    )
$$;

-- Park a record. The same bytes, or the same place in a stream, once more are a second delivery of
-- what lies here already. What a later record of its stream waits for goes before that one.
CREATE OR REPLACE FUNCTION park(
    of_topic text, of_partition integer, at_offset bigint, of_key bytea, raw_headers json,
    raw_value bytea, why text, with_code text, of_stream text, of_version integer
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    lies bigint;
    waits integer;
BEGIN
    PERFORM hold_deal(of_key);
    SELECT id INTO lies FROM parked WHERE key = of_key AND (
        value = raw_value AND headers::text = raw_headers::text
        OR stream = of_stream AND version = of_version
    ) LIMIT 1;
    IF FOUND THEN
        -- It has come in its turn now, and a process of an earlier release goes by the code.
        UPDATE parked SET follows = NULL,
            code = CASE WHEN code = 'parked.missing' THEN with_code ELSE code END,
            reason = CASE WHEN code = 'parked.missing' THEN why ELSE reason END
        WHERE id = lies AND follows IS NOT NULL AND with_code <> 'parked.missing';
        IF FOUND THEN
            PERFORM wake_deal(of_key);
        END IF;
        RETURN;
    END IF;
    IF with_code = 'parked.missing' THEN
        waits := waits_for(of_key, of_stream, of_version);
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
        OR before IS NOT NULL AND EXISTS (SELECT FROM parked WHERE key = of_key AND retry),
        of_stream, of_version, before, waits
    ) ON CONFLICT DO NOTHING;
    -- What a later one waited for is here; or what this one waits for, since the rest was given up.
    IF before IS NOT NULL OR waits < of_version - 1 THEN
        PERFORM wake_deal(of_key);
    END IF;
END $$;
