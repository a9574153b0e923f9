-- What-ifs: a draft book tried on past asks. They make no fact and no price; what they found is kept.
CREATE TABLE what_ifs (
    what_if_id  uuid        PRIMARY KEY,
    name        text        NOT NULL,
    asked_by    text        NOT NULL,
    asked_at    timestamptz NOT NULL,
    chosen      jsonb       NOT NULL,
    changes     jsonb       NOT NULL,
    book        bytea       NOT NULL,
    state       text        NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'running', 'done', 'cancelled', 'failed')),
    until_seq   bigint      NOT NULL,
    quotes      integer     NOT NULL,
    cursor_seq  bigint      NOT NULL DEFAULT 0,
    quotes_done integer     NOT NULL DEFAULT 0,
    lines_done  bigint      NOT NULL DEFAULT 0,
    begun_at    timestamptz,
    ended_at    timestamptz,
    trouble     text,
    report      jsonb
);
CREATE INDEX what_ifs_asked ON what_ifs (asked_at DESC, what_if_id);

COMMENT ON TABLE what_ifs IS 'One row per what-if: which book on which asks, how far it is, what it found';
COMMENT ON COLUMN what_ifs.until_seq IS 'Asks up to and with this one were there when it was asked; later ones do not count';
COMMENT ON COLUMN what_ifs.book IS 'The whole draft as canonical JSON, so that the same can be tried again';

CREATE TABLE what_if_parts (
    what_if_id uuid    NOT NULL REFERENCES what_ifs ON DELETE CASCADE,
    number     integer NOT NULL,
    tally      jsonb   NOT NULL,
    rows       bytea   NOT NULL,
    PRIMARY KEY (what_if_id, number)
);
COMMENT ON TABLE what_if_parts IS 'What is found so far, part by part: sums, and one row per quote (JSON, gzip)';
