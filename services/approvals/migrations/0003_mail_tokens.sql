-- A link of its own in every mail, also in one that is sent again: each is good for its own 72 hours, and a decision
-- by one uses up all of its step and approver. Only hashes stand here; what is long over is forgotten (links.py).
CREATE TABLE mail_tokens (
    token_sha256 text        PRIMARY KEY,
    case_id      uuid        NOT NULL,
    step         integer     NOT NULL CHECK (step >= 1),
    approver     text        NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);
CREATE INDEX mail_tokens_step ON mail_tokens (case_id, step, approver);
CREATE INDEX mail_tokens_over ON mail_tokens (expires_at);

COMMENT ON TABLE mail_tokens IS 'One row per mail that asks an approver for one step: the hash of its link, until when it is good, when its step was decided by mail';

INSERT INTO mail_tokens (token_sha256, case_id, step, approver, expires_at, used_at)
SELECT token_sha256, case_id, step, approver, expires_at, used_at FROM mail_links;
COMMENT ON TABLE mail_links IS 'Of the release before; mail_tokens has its rows. To be dropped with the release after.';
