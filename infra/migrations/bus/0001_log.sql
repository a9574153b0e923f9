-- The embedded bus: one log that every service may read and append to, and nobody may change.
CREATE TABLE log (
    position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    topic    text   NOT NULL,
    key      bytea  NOT NULL,
    headers  json   NOT NULL,  -- [[name, value as Latin-1], ...]; not jsonb: a value may hold NUL
    value    bytea  NOT NULL
) WITH (autovacuum_freeze_max_age = 1000000000);
COMMENT ON TABLE log IS 'The embedded bus: what Kafka holds in the other mode; append-only';
