-- Schema bi: what analysts read, with plain SQL, in any tool. Every view and column says what it means.
-- Exact numerics, no JSON, no arrays; times in UTC. Definitions: README.md.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'bi') THEN
        CREATE SCHEMA bi;
    END IF;
END $$;
COMMENT ON SCHEMA bi IS 'Quotewright for analysts: read-only views on opportunities, quotes and approvals.';

-- Wilson score interval, 95 %: z = 1.959964. Source: Wilson (1927), JASA 22:209-212.
CREATE FUNCTION bi.wilson(hits bigint, n bigint, side integer) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    WITH c (z, p, m) AS (SELECT 1.959964::numeric, hits::numeric / nullif(n, 0), nullif(n, 0)::numeric)
    SELECT CASE WHEN n > 0 THEN round(least(1, greatest(0, (
        p + z * z / (2 * m) + side * z * sqrt(p * (1 - p) / m + z * z / (4 * m * m))
    ) / (1 + z * z / m))), 6) END
    FROM c
$$;
COMMENT ON FUNCTION bi.wilson(bigint, bigint, integer) IS
    'Bound of the 95 % Wilson interval of hits out of n: side -1 the lower, 1 the upper; NULL for n = 0.';

CREATE VIEW bi.opportunity AS
SELECT deal_id, crm, record_id, name, account_id, account_name, customer_tier,
       coalesce(quoted_tier, customer_tier) AS quoted_tier, region, selling_unit, owner_id, stage,
       stage_since AS stage_since_at, amount, currency, expected_close AS expected_close_date,
       next_follow_up AS next_follow_up_date, outcome, outcome_at, crm_outcome, is_disputed, lost_reason,
       deal_status = 'open' AS is_deal_open, n_quotes, representative_quote_id, representative_revision,
       opened_at, first_priced_at, first_presented_at, accepted_at, ordered_at, changed_at
FROM opportunity;
COMMENT ON VIEW bi.opportunity IS 'One row per opportunity.';
COMMENT ON COLUMN bi.opportunity.deal_id IS 'Our id of the opportunity.';
COMMENT ON COLUMN bi.opportunity.crm IS 'The CRM it lives in, crm://<name>.';
COMMENT ON COLUMN bi.opportunity.record_id IS 'Its record id in that CRM.';
COMMENT ON COLUMN bi.opportunity.name IS 'Its name in the CRM.';
COMMENT ON COLUMN bi.opportunity.account_id IS 'The customer''s id in the CRM.';
COMMENT ON COLUMN bi.opportunity.account_name IS 'The customer''s name.';
COMMENT ON COLUMN bi.opportunity.customer_tier IS 'The customer''s tier as the CRM tells it now.';
COMMENT ON COLUMN bi.opportunity.quoted_tier IS 'The tier that the representative revision was priced for; before one exists, the tier now.';
COMMENT ON COLUMN bi.opportunity.region IS 'Sales region.';
COMMENT ON COLUMN bi.opportunity.selling_unit IS 'Our selling unit.';
COMMENT ON COLUMN bi.opportunity.owner_id IS 'Who owns it in the CRM, by id.';
COMMENT ON COLUMN bi.opportunity.stage IS 'The last open stage; how it ended stands in outcome.';
COMMENT ON COLUMN bi.opportunity.stage_since_at IS 'Since when it is in that stage.';
COMMENT ON COLUMN bi.opportunity.amount IS 'The CRM''s own estimate, in currency.';
COMMENT ON COLUMN bi.opportunity.currency IS 'ISO 4217 code of amount.';
COMMENT ON COLUMN bi.opportunity.expected_close_date IS 'Expected close, as the CRM tells it.';
COMMENT ON COLUMN bi.opportunity.next_follow_up_date IS 'Next follow-up, as the CRM tells it.';
COMMENT ON COLUMN bi.opportunity.outcome IS 'won: a quote is accepted, or the CRM says won. lost: the CRM says lost and nothing is accepted. Else open.';
COMMENT ON COLUMN bi.opportunity.outcome_at IS 'When it was accepted, else when the CRM closed it.';
COMMENT ON COLUMN bi.opportunity.crm_outcome IS 'What the CRM alone says: open, won or lost.';
COMMENT ON COLUMN bi.opportunity.is_disputed IS 'Lost in the CRM though accepted, or won in the CRM with quotes of which none is accepted.';
COMMENT ON COLUMN bi.opportunity.lost_reason IS 'The CRM''s reason of the loss.';
COMMENT ON COLUMN bi.opportunity.is_deal_open IS 'Whether the deal takes further quotes.';
COMMENT ON COLUMN bi.opportunity.n_quotes IS 'Number of quotes, alternatives included.';
COMMENT ON COLUMN bi.opportunity.representative_quote_id IS 'The accepted quote, else the one presented last.';
COMMENT ON COLUMN bi.opportunity.representative_revision IS 'Its accepted revision, else its last presented one.';
COMMENT ON COLUMN bi.opportunity.opened_at IS 'When the CRM opened it.';
COMMENT ON COLUMN bi.opportunity.first_priced_at IS 'When a revision had a price for the first time.';
COMMENT ON COLUMN bi.opportunity.first_presented_at IS 'When a revision was presented for the first time.';
COMMENT ON COLUMN bi.opportunity.accepted_at IS 'When the customer accepted.';
COMMENT ON COLUMN bi.opportunity.ordered_at IS 'When the order was placed.';
COMMENT ON COLUMN bi.opportunity.changed_at IS 'Time of the newest fact of this deal.';

CREATE VIEW bi.quote AS
SELECT q.quote_id, q.deal_id, q.number, q.clone_of, q.status, q.outcome, q.outcome_at, q.reason_code, q.reason,
       q.revision, q.representative_revision, r.tier, r.region, r.currency, r.list AS list_amount,
       r.net AS net_amount, 1 - r.net / nullif(r.list, 0) AS discount_rate,
       r.sales_discount_percent / 100 AS sales_discount_rate, r.margin AS internal_margin_amount,
       r.margin_percent / 100 AS internal_margin_rate, r.approved_how, r.approved_by_rule, r.approved_by,
       r.valid_until AS valid_until_date, r.presented_at, r.viewed_at, r.document_sha256, q.order_id,
       q.drafted_at, q.drafted_by, q.first_priced_at, q.first_presented_at, q.changed_at
FROM quote q
LEFT JOIN quote_revision r
    ON r.quote_id = q.quote_id AND r.revision = coalesce(q.representative_revision, q.revision);
COMMENT ON VIEW bi.quote IS 'One row per quote; figures of its representative revision, before one is presented of its newest.';
COMMENT ON COLUMN bi.quote.quote_id IS 'Our id of the quote.';
COMMENT ON COLUMN bi.quote.deal_id IS 'The opportunity it belongs to.';
COMMENT ON COLUMN bi.quote.number IS 'The number that people use.';
COMMENT ON COLUMN bi.quote.clone_of IS 'The quote it was cloned from.';
COMMENT ON COLUMN bi.quote.status IS 'Draft, Configured, Priced, PendingApproval, Approved, Presented, Accepted, Ordered, Declined, Expired, Withdrawn or Returned.';
COMMENT ON COLUMN bi.quote.outcome IS 'open, accepted, ordered, declined or withdrawn; expiry is a status of a revision.';
COMMENT ON COLUMN bi.quote.outcome_at IS 'When the outcome happened.';
COMMENT ON COLUMN bi.quote.reason_code IS 'Why the customer declined: price, timing, competitor, scope or other.';
COMMENT ON COLUMN bi.quote.reason IS 'Comment on the decline, or why the quote was withdrawn.';
COMMENT ON COLUMN bi.quote.revision IS 'Number of the newest revision.';
COMMENT ON COLUMN bi.quote.representative_revision IS 'The accepted revision, else the last presented one.';
COMMENT ON COLUMN bi.quote.tier IS 'Customer tier it was priced for.';
COMMENT ON COLUMN bi.quote.region IS 'Region it was priced for.';
COMMENT ON COLUMN bi.quote.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN bi.quote.list_amount IS 'Total at list prices.';
COMMENT ON COLUMN bi.quote.net_amount IS 'Total the customer pays.';
COMMENT ON COLUMN bi.quote.discount_rate IS '1 - net / list, exact; 0.10 is 10 %.';
COMMENT ON COLUMN bi.quote.sales_discount_rate IS 'The part of the discount that a seller granted.';
COMMENT ON COLUMN bi.quote.internal_margin_amount IS 'INTERNAL: net less cost.';
COMMENT ON COLUMN bi.quote.internal_margin_rate IS 'INTERNAL: margin / net.';
COMMENT ON COLUMN bi.quote.approved_how IS 'rule: within authority; approvers: somebody decided; NULL: not approved.';
COMMENT ON COLUMN bi.quote.approved_by_rule IS 'The rule of the policy that let it pass.';
COMMENT ON COLUMN bi.quote.approved_by IS 'Who approved, by id, in turn.';
COMMENT ON COLUMN bi.quote.valid_until_date IS 'Last day of validity, inclusive, in the selling unit''s zone.';
COMMENT ON COLUMN bi.quote.presented_at IS 'When this revision was presented.';
COMMENT ON COLUMN bi.quote.viewed_at IS 'When the customer first opened it.';
COMMENT ON COLUMN bi.quote.document_sha256 IS 'Hash of the PDF.';
COMMENT ON COLUMN bi.quote.order_id IS 'The order it became.';
COMMENT ON COLUMN bi.quote.drafted_at IS 'When it was drafted.';
COMMENT ON COLUMN bi.quote.drafted_by IS 'Who drafted it.';
COMMENT ON COLUMN bi.quote.first_priced_at IS 'When it first had a price.';
COMMENT ON COLUMN bi.quote.first_presented_at IS 'When it was first presented.';
COMMENT ON COLUMN bi.quote.changed_at IS 'Time of its newest fact.';

CREATE VIEW bi.approval AS
SELECT a.case_id, a.deal_id, a.quote_id, q.number, a.revision, a.outcome, a.n_steps, a.step, a.level, a.approvers,
       a.decided_by, a.requested_by, a.requested_at, a.due_at, a.decided_at,
       extract(epoch FROM a.decided_at - a.requested_at) AS turnaround_seconds,
       a.outcome = 'pending' AS is_pending, a.reason, a.rationale, a.currency, a.net AS net_amount,
       a.discount_percent / 100 AS discount_rate
FROM approval a LEFT JOIN quote q ON q.quote_id = a.quote_id;
COMMENT ON VIEW bi.approval IS 'One row per approval case; pending ones are in it, with no turnaround yet.';
COMMENT ON COLUMN bi.approval.case_id IS 'Our id of the case.';
COMMENT ON COLUMN bi.approval.deal_id IS 'The opportunity.';
COMMENT ON COLUMN bi.approval.quote_id IS 'The quote.';
COMMENT ON COLUMN bi.approval.number IS 'The quote''s number.';
COMMENT ON COLUMN bi.approval.revision IS 'The revision that was submitted.';
COMMENT ON COLUMN bi.approval.outcome IS 'pending, granted, rejected or recalled.';
COMMENT ON COLUMN bi.approval.n_steps IS 'How many steps the policy asks for.';
COMMENT ON COLUMN bi.approval.step IS 'The step that is due, or at which the case ended.';
COMMENT ON COLUMN bi.approval.level IS 'Authority level of that step.';
COMMENT ON COLUMN bi.approval.approvers IS 'Who may decide that step, by id.';
COMMENT ON COLUMN bi.approval.decided_by IS 'Who decided, by id, in turn.';
COMMENT ON COLUMN bi.approval.requested_by IS 'Who submitted.';
COMMENT ON COLUMN bi.approval.requested_at IS 'When the case was opened.';
COMMENT ON COLUMN bi.approval.due_at IS 'When a decision is due.';
COMMENT ON COLUMN bi.approval.decided_at IS 'When the case was closed.';
COMMENT ON COLUMN bi.approval.turnaround_seconds IS 'From request to close; NULL while pending.';
COMMENT ON COLUMN bi.approval.is_pending IS 'Whether somebody still has to decide.';
COMMENT ON COLUMN bi.approval.reason IS 'Words of the last decision.';
COMMENT ON COLUMN bi.approval.rationale IS 'The seller''s reasons for the discounts, one per line.';
COMMENT ON COLUMN bi.approval.currency IS 'ISO 4217 code of net_amount.';
COMMENT ON COLUMN bi.approval.net_amount IS 'Net total that was submitted.';
COMMENT ON COLUMN bi.approval.discount_rate IS 'Discount that was submitted, 0 to 1.';

CREATE VIEW bi.win_rate_by_tier AS
SELECT tier, n_won, n_lost, n_open, n_won + n_lost AS n_decided,
       round(n_won::numeric / nullif(n_won + n_lost, 0), 6) AS win_rate,
       bi.wilson(n_won, n_won + n_lost, -1) AS win_rate_low,
       bi.wilson(n_won, n_won + n_lost, 1) AS win_rate_high,
       n_won + n_lost < 5 AS is_small_sample
FROM (
    SELECT coalesce(quoted_tier, customer_tier) AS tier,
           count(*) FILTER (WHERE outcome = 'won') AS n_won,
           count(*) FILTER (WHERE outcome = 'lost') AS n_lost,
           count(*) FILTER (WHERE outcome = 'open') AS n_open
    FROM opportunity GROUP BY 1
) t;
COMMENT ON VIEW bi.win_rate_by_tier IS 'Win rate of opportunities (never of quotes or revisions) by the tier that was quoted; open ones stand beside it.';
COMMENT ON COLUMN bi.win_rate_by_tier.tier IS 'Customer tier as quoted.';
COMMENT ON COLUMN bi.win_rate_by_tier.n_won IS 'Won opportunities.';
COMMENT ON COLUMN bi.win_rate_by_tier.n_lost IS 'Lost opportunities.';
COMMENT ON COLUMN bi.win_rate_by_tier.n_open IS 'Open opportunities; not in the rate.';
COMMENT ON COLUMN bi.win_rate_by_tier.n_decided IS 'won + lost.';
COMMENT ON COLUMN bi.win_rate_by_tier.win_rate IS 'won / (won + lost); NULL while nothing is decided.';
COMMENT ON COLUMN bi.win_rate_by_tier.win_rate_low IS 'Lower bound of the 95 % Wilson interval.';
COMMENT ON COLUMN bi.win_rate_by_tier.win_rate_high IS 'Upper bound of the 95 % Wilson interval.';
COMMENT ON COLUMN bi.win_rate_by_tier.is_small_sample IS 'Fewer than five decided: show it grey.';

CREATE VIEW bi.discount_trend AS
SELECT date_trunc('month', r.presented_at AT TIME ZONE 'UTC')::date AS month_date, r.currency,
       count(*) AS n_opportunities, sum(r.list) AS list_amount, sum(r.net) AS net_amount,
       1 - sum(r.net) / nullif(sum(r.list), 0) AS discount_rate,
       avg(1 - r.net / nullif(r.list, 0)) AS mean_discount_rate
FROM opportunity o
JOIN quote_revision r
    ON r.quote_id = o.representative_quote_id AND r.revision = o.representative_revision
WHERE r.presented_at IS NOT NULL AND r.list IS NOT NULL
GROUP BY 1, 2;
COMMENT ON VIEW bi.discount_trend IS 'Discount by month of presentation and currency: one representative revision per opportunity.';
COMMENT ON COLUMN bi.discount_trend.month_date IS 'First day of the month (UTC) in which the revision was presented.';
COMMENT ON COLUMN bi.discount_trend.currency IS 'ISO 4217 code; amounts of different currencies are never added.';
COMMENT ON COLUMN bi.discount_trend.n_opportunities IS 'How many opportunities the figures come from.';
COMMENT ON COLUMN bi.discount_trend.list_amount IS 'Sum at list prices.';
COMMENT ON COLUMN bi.discount_trend.net_amount IS 'Sum of what was offered.';
COMMENT ON COLUMN bi.discount_trend.discount_rate IS 'Weighted: 1 - sum(net) / sum(list).';
COMMENT ON COLUMN bi.discount_trend.mean_discount_rate IS 'Unweighted mean of the revisions'' rates.';

CREATE VIEW bi.waiting AS
SELECT q.quote_id, q.number, q.deal_id, o.name AS opportunity_name, o.account_name, o.owner_id, q.revision,
       q.status, q.waits_for, q.waits_since AS waits_since_at, q.who_can_move_it, q.movers,
       q.waits_reason AS reason, q.currency, q.net AS net_amount
FROM quote q LEFT JOIN opportunity o ON o.deal_id = q.deal_id
WHERE q.waits_for IS NOT NULL;
COMMENT ON VIEW bi.waiting IS 'What every open quote waits for, and every closed one that the CRM contradicts.';
COMMENT ON COLUMN bi.waiting.quote_id IS 'Our id of the quote.';
COMMENT ON COLUMN bi.waiting.number IS 'The quote''s number.';
COMMENT ON COLUMN bi.waiting.deal_id IS 'The opportunity.';
COMMENT ON COLUMN bi.waiting.opportunity_name IS 'Its name in the CRM.';
COMMENT ON COLUMN bi.waiting.account_name IS 'The customer''s name.';
COMMENT ON COLUMN bi.waiting.owner_id IS 'Owner of the opportunity.';
COMMENT ON COLUMN bi.waiting.revision IS 'Newest revision.';
COMMENT ON COLUMN bi.waiting.status IS 'Status of the quote.';
COMMENT ON COLUMN bi.waiting.waits_for IS 'configuration, price, submission, approval, document, presentation, answer, change, renewal, repair, order, acceptance (won in the CRM, none accepted) or crm_outcome (lost in the CRM, though accepted).';
COMMENT ON COLUMN bi.waiting.waits_since_at IS 'Since when.';
COMMENT ON COLUMN bi.waiting.who_can_move_it IS 'seller, approver, customer, admin, or nobody: a service is at work.';
COMMENT ON COLUMN bi.waiting.movers IS 'Ids of those people, where known.';
COMMENT ON COLUMN bi.waiting.reason IS 'Why, in words.';
COMMENT ON COLUMN bi.waiting.currency IS 'ISO 4217 code of net_amount.';
COMMENT ON COLUMN bi.waiting.net_amount IS 'Net total of the newest revision, once priced.';

CREATE VIEW bi.time_to_quote AS
SELECT deal_id, customer_tier, region, owner_id, opened_at, first_priced_at, first_presented_at,
       extract(epoch FROM first_priced_at - opened_at) AS seconds_to_price,
       extract(epoch FROM first_presented_at - opened_at) AS seconds_to_quote,
       first_presented_at IS NULL AND outcome = 'open' AS is_pending
FROM opportunity;
COMMENT ON VIEW bi.time_to_quote IS 'One row per opportunity: how long until its first quote; pending ones are in it.';
COMMENT ON COLUMN bi.time_to_quote.deal_id IS 'The opportunity.';
COMMENT ON COLUMN bi.time_to_quote.customer_tier IS 'The customer''s tier now.';
COMMENT ON COLUMN bi.time_to_quote.region IS 'Sales region.';
COMMENT ON COLUMN bi.time_to_quote.owner_id IS 'Owner of the opportunity.';
COMMENT ON COLUMN bi.time_to_quote.opened_at IS 'When the CRM opened it.';
COMMENT ON COLUMN bi.time_to_quote.first_priced_at IS 'When a revision first had a price.';
COMMENT ON COLUMN bi.time_to_quote.first_presented_at IS 'When a revision was first presented.';
COMMENT ON COLUMN bi.time_to_quote.seconds_to_price IS 'From opened to first priced.';
COMMENT ON COLUMN bi.time_to_quote.seconds_to_quote IS 'From opened to first presented; NULL while pending.';
COMMENT ON COLUMN bi.time_to_quote.is_pending IS 'Open, and nothing presented yet.';

CREATE VIEW bi.loss_reason AS
SELECT 'opportunity lost' AS kind, coalesce(lost_reason, 'not told') AS reason, count(*) AS n
FROM opportunity WHERE outcome = 'lost' GROUP BY 2
UNION ALL
SELECT 'quote declined', reason_code, count(*) FROM quote WHERE outcome = 'declined' GROUP BY 2;
COMMENT ON VIEW bi.loss_reason IS 'Why opportunities were lost (the CRM''s words) and quotes declined (the customer''s code).';
COMMENT ON COLUMN bi.loss_reason.kind IS 'opportunity lost, or quote declined.';
COMMENT ON COLUMN bi.loss_reason.reason IS 'The reason.';
COMMENT ON COLUMN bi.loss_reason.n IS 'How often.';

-- The analysts' role is made by whoever provisions the database; without it there is nothing to grant.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'quotewright_analyst') THEN
        GRANT USAGE ON SCHEMA bi TO quotewright_analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA bi TO quotewright_analyst;
    END IF;
END $$;
