-- Links in mails by which an approver decides one step once. The token itself stands nowhere.
CREATE TABLE mail_links (
    case_id      uuid        NOT NULL,
    step         integer     NOT NULL CHECK (step >= 1),
    approver     text        NOT NULL,
    token_sha256 text        NOT NULL UNIQUE,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz,
    PRIMARY KEY (case_id, step, approver)
);

COMMENT ON TABLE mail_links IS 'One row per mail that asks an approver for one step: the hash of its link, until when it is good, when it was used';
