-- The projector's own copy of every fact, and the rows that people read, made from it alone.
-- NULLs follow from the life of a quote; what the domain guarantees is NOT NULL.

CREATE TABLE fact_log (
    seq bigserial NOT NULL UNIQUE,
    id text PRIMARY KEY,
    source text NOT NULL,
    type text NOT NULL,
    version integer NOT NULL,
    deal_id uuid NOT NULL,
    subject text NOT NULL,
    time timestamptz NOT NULL,
    correlation text NOT NULL,
    causation text,
    actor text,
    traceparent text,
    value bytea NOT NULL
);
CREATE INDEX fact_log_deal ON fact_log (deal_id, seq);
COMMENT ON TABLE fact_log IS 'Every fact of the log, raw, in the order in which we heard it; never changed. Rebuilds read nothing else.';

CREATE TABLE deal_state (
    deal_id uuid PRIMARY KEY,
    revision bigint NOT NULL,
    state jsonb NOT NULL
);
COMMENT ON TABLE deal_state IS 'The fold of all facts of one deal; its rows are made from it.';

-- Optimistic: whoever folds a deal names the revision it started from. A rebuild and the live path may
-- meet; the later one gets a serialization failure, which the plumbing answers by deciding again.
CREATE FUNCTION save_deal(of_deal uuid, expected bigint, new_state jsonb) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF expected = 0 THEN
        INSERT INTO deal_state (deal_id, revision, state) VALUES (of_deal, 1, new_state)
        ON CONFLICT (deal_id) DO NOTHING;
    ELSE
        UPDATE deal_state SET revision = revision + 1, state = new_state
        WHERE deal_id = of_deal AND revision = expected;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deal % was folded by somebody else', of_deal USING ERRCODE = 'serialization_failure';
    END IF;
END $$;

CREATE TABLE opportunity (
    deal_id uuid PRIMARY KEY,
    crm text NOT NULL,
    record_id text NOT NULL,
    name text NOT NULL,
    account_id text NOT NULL,
    account_name text NOT NULL,
    customer_tier text NOT NULL,
    region text NOT NULL,
    currency text NOT NULL,
    selling_unit text NOT NULL,
    owner_id text NOT NULL,
    stage text NOT NULL,
    stage_since timestamptz,
    amount numeric,
    expected_close date,
    next_follow_up date,
    crm_outcome text NOT NULL,
    outcome text NOT NULL,
    outcome_at timestamptz,
    is_disputed boolean NOT NULL,
    lost_reason text,
    deal_status text NOT NULL,
    n_quotes integer NOT NULL,
    representative_quote_id uuid,
    representative_revision integer,
    quoted_tier text,
    opened_at timestamptz NOT NULL,
    first_priced_at timestamptz,
    first_presented_at timestamptz,
    accepted_at timestamptz,
    ordered_at timestamptz,
    changed_at timestamptz NOT NULL
);
CREATE INDEX opportunity_owner ON opportunity (owner_id, outcome);
CREATE INDEX opportunity_changed ON opportunity (changed_at DESC, deal_id);
COMMENT ON TABLE opportunity IS 'One row per opportunity, as the CRM and our quotes tell it now.';

CREATE TABLE quote (
    quote_id uuid PRIMARY KEY,
    deal_id uuid NOT NULL,
    number text NOT NULL,
    clone_of uuid,
    revision integer NOT NULL,
    status text NOT NULL,
    currency text,
    list numeric,
    net numeric,
    discount_percent numeric,
    valid_until date,
    document_sha256 text,
    presented_at timestamptz,
    expires_at timestamptz,
    representative_revision integer,
    outcome text NOT NULL,
    outcome_at timestamptz,
    reason_code text,
    reason text,
    order_id uuid,
    drafted_at timestamptz NOT NULL,
    drafted_by text NOT NULL,
    first_priced_at timestamptz,
    first_presented_at timestamptz,
    waits_for text,
    waits_since timestamptz,
    who_can_move_it text,
    movers text,
    waits_reason text,
    changed_at timestamptz NOT NULL
);
CREATE INDEX quote_number ON quote (number);
CREATE INDEX quote_deal ON quote (deal_id);
CREATE INDEX quote_waits ON quote (waits_since) WHERE waits_for IS NOT NULL;
COMMENT ON TABLE quote IS 'One row per quote: its newest revision, its outcome, what it waits for.';

CREATE TABLE quote_revision (
    quote_id uuid NOT NULL,
    revision integer NOT NULL,
    deal_id uuid NOT NULL,
    stage text NOT NULL,
    since timestamptz NOT NULL,
    is_representative boolean NOT NULL,
    tier text,
    region text,
    currency text,
    list numeric,
    net numeric,
    discount_percent numeric,
    sales_discount_percent numeric,
    margin numeric,
    margin_percent numeric,
    valid_until date,
    approved_how text,
    approved_by_rule text,
    approved_by text,
    document_sha256 text,
    presented_at timestamptz,
    viewed_at timestamptz,
    expires_at timestamptz,
    expired_at timestamptz,
    returned_from text,
    reason_code text,
    reason text,
    PRIMARY KEY (quote_id, revision)
);
CREATE INDEX quote_revision_deal ON quote_revision (deal_id);
COMMENT ON TABLE quote_revision IS 'One row per revision of a quote. margin and margin_percent are internal.';

CREATE TABLE approval (
    case_id uuid PRIMARY KEY,
    deal_id uuid NOT NULL,
    quote_id uuid NOT NULL,
    revision integer NOT NULL,
    outcome text NOT NULL,
    n_steps integer NOT NULL,
    step integer NOT NULL,
    level text NOT NULL,
    approvers text NOT NULL,
    decided_by text,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    decided_at timestamptz,
    reason text,
    rationale text,
    currency text NOT NULL,
    net numeric NOT NULL,
    discount_percent numeric NOT NULL
);
CREATE INDEX approval_deal ON approval (deal_id);
COMMENT ON TABLE approval IS 'One row per approval case.';
