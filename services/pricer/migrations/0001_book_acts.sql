-- What was done to versions of price books and FX tables that are kept here, beside those of the catalogue's files.
-- Append-only: the newest act on a version says what it is now. The document is a body, kept under its content hash.
CREATE TABLE book_acts (
    position       bigint      PRIMARY KEY,
    kind           text        NOT NULL CHECK (kind IN ('book', 'fx')),
    id             text        NOT NULL,
    version        integer     NOT NULL CHECK (version >= 1),
    act            text        NOT NULL CHECK (act IN ('drafted', 'published', 'retired', 'discarded')),
    sha256         text        NOT NULL,
    first_day      date        NOT NULL,
    last_day       date,
    about          jsonb       NOT NULL,
    by             text        NOT NULL,
    at             timestamptz NOT NULL,
    reason         text,
    command_id     text        NOT NULL UNIQUE,
    request_sha256 text,
    CHECK (act NOT IN ('published', 'retired') OR reason IS NOT NULL)
);
CREATE INDEX book_acts_of_version ON book_acts (kind, id, version, position DESC);

COMMENT ON TABLE book_acts IS 'Every act on a version of a price book or FX table: who, when, why; append-only';
COMMENT ON COLUMN book_acts.position IS 'Rises by one in the order of commits: who has read up to it has read all';
COMMENT ON COLUMN book_acts.sha256 IS 'Content hash of the document; the body of the same hash is the document itself';

CREATE FUNCTION book_act_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an act on a price book never changes';
END $$;
CREATE TRIGGER book_act_stays BEFORE UPDATE OR DELETE ON book_acts
    FOR EACH ROW EXECUTE FUNCTION book_act_stays();

-- Append an act that was decided on all acts up to `seen`; who lost a race decides again (QW003).
CREATE FUNCTION book_act(told jsonb, seen bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('book_acts'));
    IF (SELECT coalesce(max(position), 0) FROM book_acts) <> seen THEN
        RAISE EXCEPTION 'another act came first' USING ERRCODE = 'QW003';
    END IF;
    INSERT INTO book_acts
    SELECT * FROM jsonb_populate_record(NULL::book_acts, told || jsonb_build_object('position', seen + 1));
END $$;
