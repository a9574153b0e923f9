-- An owner of a partition lives through a crash of the database, what was not flushed does not: its
-- memory may then be ahead of what is stored. A crash empties this table, so such an owner finds its
-- mark gone, is fenced, and begins again where the stored position says.
CREATE UNLOGGED TABLE marks (
    topic     text    NOT NULL,
    partition integer NOT NULL,
    epoch     bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- The epoch whose owner has left a mark; owners of an older release leave none.
ALTER TABLE positions ADD COLUMN marked bigint;

CREATE OR REPLACE FUNCTION consumed(
    of_topic text, of_partition integer, by_epoch bigint, before bigint, after bigint,
    streams text[], versions integer[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inbox SELECT * FROM unnest(streams, versions)
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version
    WHERE inbox.version < excluded.version;
    UPDATE positions SET position = after, attempts = 0
    WHERE topic = of_topic AND partition = of_partition AND epoch = by_epoch AND position = before
    AND (marked IS DISTINCT FROM by_epoch OR EXISTS (
        SELECT FROM marks
        WHERE topic = of_topic AND partition = of_partition AND marks.epoch = by_epoch
    ));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another process consumes this partition' USING ERRCODE = 'QW001';
    END IF;
END $$;
