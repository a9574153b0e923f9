-- Which log the positions of a topic count in: Kafka gives a topic that is made again a new id.
CREATE TABLE topics (
    topic         text        PRIMARY KEY,
    id            text        NOT NULL,
    first_read_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
