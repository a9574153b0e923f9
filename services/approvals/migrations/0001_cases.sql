-- Approval cases for lists; written with their facts, can be built again from the streams.
CREATE TABLE cases (
    case_id          uuid PRIMARY KEY,
    deal_id          uuid NOT NULL,
    quote_id         uuid NOT NULL,
    revision         integer NOT NULL CHECK (revision >= 1),
    number           text NOT NULL,
    content_key      text NOT NULL,
    policy           text NOT NULL,
    state            text NOT NULL CHECK (state IN ('open', 'granted', 'rejected', 'recalled')),
    step             integer,
    steps            integer NOT NULL CHECK (steps >= 1),
    level            text,
    approvers        text[] NOT NULL,
    requested_by     text NOT NULL,
    discount_percent numeric NOT NULL,
    net_amount       numeric NOT NULL,
    currency         text NOT NULL,
    opened_at        timestamptz NOT NULL,
    due_at           timestamptz NOT NULL,
    overdue          boolean NOT NULL DEFAULT false,
    closed_at        timestamptz,
    CHECK ((state = 'open') = (step IS NOT NULL)),
    CHECK ((state = 'open') = (closed_at IS NULL))
);
CREATE INDEX cases_by_urgency ON cases (state, due_at, case_id);
CREATE INDEX cases_by_revision ON cases (quote_id, revision);

COMMENT ON TABLE cases IS 'One row per approval case; the stream approvals.case/<case_id> is the truth';
COMMENT ON COLUMN cases.approvers IS 'Who can grant the current step today; empty: an administrator must act';
