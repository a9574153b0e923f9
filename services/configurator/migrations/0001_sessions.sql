-- Configuration sessions: what a person has decided so far, private to its owner. No facts: only the quote has them.
CREATE TABLE sessions (
    session_id  uuid        PRIMARY KEY,
    owner       text        NOT NULL,
    product     text        NOT NULL,
    name        text,
    deal_id     uuid,
    quote       text,
    item_id     text,
    copied_from uuid,
    begun_at    timestamptz NOT NULL,
    revision    integer     NOT NULL CHECK (revision >= 1),
    touched_at  timestamptz NOT NULL,
    submitted   boolean     NOT NULL DEFAULT false,
    CHECK (item_id IS NULL OR quote IS NOT NULL)
);
CREATE INDEX sessions_of_owner ON sessions (owner, touched_at DESC, session_id);
CREATE INDEX sessions_touched ON sessions (touched_at);

COMMENT ON TABLE sessions IS 'One row per configuration session; revision, touched_at and submitted follow its entries';
COMMENT ON COLUMN sessions.owner IS 'The actor who began it, and the only one who sees it';

CREATE TABLE session_entries (
    session_id     uuid        NOT NULL REFERENCES sessions ON DELETE CASCADE,
    revision       integer     NOT NULL CHECK (revision >= 1),
    kind           text        NOT NULL
                   CHECK (kind IN ('begun', 'decided', 'moved', 'undone', 'redone', 'submitted')),
    body           jsonb       NOT NULL,
    by             text        NOT NULL,
    at             timestamptz NOT NULL,
    command_id     text        NOT NULL,
    request_sha256 text,
    PRIMARY KEY (session_id, revision),
    UNIQUE (session_id, command_id)
);
COMMENT ON TABLE session_entries IS 'What was decided, taken back, undone: append-only; goes with its session';

CREATE FUNCTION entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR EXISTS (SELECT FROM sessions WHERE session_id = OLD.session_id) THEN
        RAISE EXCEPTION 'an entry of a session never changes, and goes with its session only';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE ON session_entries
    FOR EACH ROW EXECUTE FUNCTION entry_stays();

-- Begin a session, if its owner has less than `most`; who lost a race decides again (QW003).
CREATE FUNCTION session_begins(head jsonb, entry jsonb, most integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    mine sessions := jsonb_populate_record(NULL::sessions, head);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sessions'), hashtext(mine.owner));
    IF (SELECT count(*) FROM sessions WHERE owner = mine.owner) >= most THEN
        RAISE EXCEPTION 'the owner has too many sessions' USING ERRCODE = 'QW003';
    END IF;
    INSERT INTO sessions SELECT mine.* ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the session was begun already' USING ERRCODE = 'QW003';
    END IF;
    INSERT INTO session_entries SELECT * FROM jsonb_populate_record(NULL::session_entries, entry);
END $$;

-- Append an entry to a session that stands at the revision before it.
CREATE FUNCTION session_grows(entry jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one session_entries := jsonb_populate_record(NULL::session_entries, entry);
BEGIN
    UPDATE sessions SET revision = one.revision, touched_at = one.at,
        submitted = submitted OR one.kind = 'submitted'
    WHERE session_id = one.session_id AND revision = one.revision - 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the session has grown, or is gone' USING ERRCODE = 'QW003';
    END IF;
    INSERT INTO session_entries SELECT one.*;
END $$;
