-- Say no if a stream has grown past the version that something was decided on.
-- LIMIT keeps the check a look into an index, whatever the planner thinks of the table's size.
CREATE FUNCTION unmoved(streams text[], versions integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM unnest(streams, versions) AS stands (stream, version)
        CROSS JOIN LATERAL (
            SELECT FROM events WHERE events.stream = stands.stream
            AND events.version = stands.version + 1 LIMIT 1) AS grown
    ) THEN
        RAISE EXCEPTION 'a stream has grown since it was decided on' USING ERRCODE = 'QW003';
    END IF;
END $$;
