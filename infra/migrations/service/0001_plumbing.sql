-- What every service owns beside its own tables. The event table is the outbox.
CREATE TABLE events (
    position    bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
    stream      text        NOT NULL,
    version     integer     NOT NULL,
    topic       text        NOT NULL,  -- <wire type>/<schema version>
    state       bytea       NOT NULL,  -- canonical JSON of the fact
    deal_id     uuid,
    meta        jsonb,                 -- CloudEvents attributes that the columns do not hold
    command_id  text,
    ordinal     integer,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT events_stream PRIMARY KEY (stream, version),
    CONSTRAINT events_position UNIQUE (position),
    CONSTRAINT events_command UNIQUE (command_id, ordinal)
);
COMMENT ON TABLE events IS 'Facts of this service in the order of commit numbers; append-only; the outbox';

-- How far the relay has published, and who may say so.
CREATE TABLE relay (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL DEFAULT 0,
    epoch    bigint NOT NULL DEFAULT 0
);
INSERT INTO relay DEFAULT VALUES;

-- How far this service has consumed: the next position to read, and the epoch of who may say so.
CREATE TABLE positions (
    topic     text    NOT NULL,
    partition integer NOT NULL,
    position  bigint  NOT NULL DEFAULT 0,
    epoch     bigint  NOT NULL DEFAULT 0,
    attempts  integer NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
);

-- The last version consumed of each stream; anything not above it is a duplicate.
CREATE TABLE inbox (
    stream  text    PRIMARY KEY,
    version integer NOT NULL
) WITH (fillfactor = 70);

-- Say that a slice is consumed: versions, and the position if it stands where we found it and is ours.
CREATE FUNCTION consumed(
    of_topic text, of_partition integer, by_epoch bigint, before bigint, after bigint,
    streams text[], versions integer[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inbox SELECT * FROM unnest(streams, versions)
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version
    WHERE inbox.version < excluded.version;
    UPDATE positions SET position = after, attempts = 0
    WHERE topic = of_topic AND partition = of_partition AND epoch = by_epoch AND position = before;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another process consumes this partition' USING ERRCODE = 'QW001';
    END IF;
END $$;

-- What could not be handled, raw, and everything of the same deal that came after it.
CREATE TABLE parked (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text        NOT NULL,
    partition  integer     NOT NULL,
    offset_    bigint      NOT NULL,
    key        bytea       NOT NULL,
    headers    json        NOT NULL,  -- not jsonb: a foreign header may hold NUL
    value      bytea       NOT NULL,
    reason     text        NOT NULL,
    code       text        NOT NULL,
    attempts   integer     NOT NULL DEFAULT 1,
    retry      boolean     NOT NULL DEFAULT false,
    parked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (topic, partition, offset_)
);
CREATE INDEX parked_key ON parked (key, id);

CREATE TABLE bodies (
    sha256     text        PRIMARY KEY,
    media_type text        NOT NULL,
    content    bytea       NOT NULL,
    kept_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE names (
    name   text PRIMARY KEY,
    stream text NOT NULL
);

CREATE TABLE numbers (
    series text   PRIMARY KEY,
    last   bigint NOT NULL
);

CREATE TABLE reminders (
    key      text        PRIMARY KEY,
    kind     text        NOT NULL,
    due_at   timestamptz NOT NULL,
    deal_id  uuid        NOT NULL,
    body     jsonb       NOT NULL,
    attempts integer     NOT NULL DEFAULT 0
);
CREATE INDEX reminders_due ON reminders (due_at);

-- Outgoing webhooks: the newest state per key until a receiver has taken it.
CREATE TABLE deliveries (
    key         text        PRIMARY KEY,
    target      text        NOT NULL,
    event_type  text        NOT NULL,
    body        jsonb       NOT NULL,
    deal_id     uuid        NOT NULL,
    generation  integer     NOT NULL DEFAULT 1,
    attempts    integer     NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    state       text        NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'stuck')),
    last_error  text,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX deliveries_due ON deliveries (due_at);

-- The last generation delivered per key, so that ids of webhooks stay unique after a row is gone.
CREATE TABLE delivered (
    key        text        PRIMARY KEY,
    generation integer     NOT NULL,
    taken_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Signatures of incoming webhooks seen inside the time window: the same request twice is a replay.
CREATE TABLE webhook_seen (
    signature_sha256 text        PRIMARY KEY,
    seen_at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX webhook_seen_at ON webhook_seen (seen_at);
