-- Segment, channel and partner for analysts: of an opportunity as the CRM tells them now, of a revision as it was
-- priced. Revisions that were priced before have them with the next rebuild.
DO $$
DECLARE n integer;
BEGIN
    FOR n IN SELECT 0 UNION ALL SELECT number FROM generation WHERE stage <> 'retired' LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN segment text, ADD COLUMN channel text, ADD COLUMN partner text',
                       'quote_revision_' || n);
        CONTINUE WHEN n = 0;
        EXECUTE format('DROP FUNCTION %I (json, json, json, json, json)', 'save_' || n);
        PERFORM create_writer(n);
    END LOOP;
    PERFORM point_views_at(number) FROM generation WHERE stage = 'current';
END $$;

CREATE OR REPLACE VIEW bi.opportunity AS
SELECT deal_id, crm, record_id, name, account_id, account_name, customer_tier,
       coalesce(quoted_tier, customer_tier) AS quoted_tier, region, selling_unit, owner_id, stage,
       stage_since AS stage_since_at, amount, currency, expected_close AS expected_close_date,
       next_follow_up AS next_follow_up_date, outcome, outcome_at, crm_outcome, is_disputed, lost_reason,
       deal_status = 'open' AS is_deal_open, n_quotes, representative_quote_id, representative_revision,
       opened_at, first_priced_at, first_presented_at, accepted_at, ordered_at, changed_at,
       segment, channel, partner
FROM opportunity;
COMMENT ON COLUMN bi.opportunity.segment IS 'The customer''s segment as the CRM tells it now; NULL: it says nothing.';
COMMENT ON COLUMN bi.opportunity.channel IS 'The sales channel as the CRM tells it now; NULL: it says nothing.';
COMMENT ON COLUMN bi.opportunity.partner IS 'Who sells it on, as the CRM tells it now; NULL: it says nothing.';

CREATE OR REPLACE VIEW bi.quote AS
SELECT q.quote_id, q.deal_id, q.number, q.clone_of, q.status, q.outcome, q.outcome_at, q.reason_code, q.reason,
       q.revision, q.representative_revision, r.tier, r.region, r.currency, r.list AS list_amount,
       r.net AS net_amount, 1 - r.net / nullif(r.list, 0) AS discount_rate,
       r.sales_discount_percent / 100 AS sales_discount_rate, r.margin AS internal_margin_amount,
       r.margin_percent / 100 AS internal_margin_rate, r.approved_how, r.approved_by_rule, r.approved_by,
       r.valid_until AS valid_until_date, r.presented_at, r.viewed_at, r.document_sha256, q.order_id,
       q.drafted_at, q.drafted_by, q.first_priced_at, q.first_presented_at, q.changed_at,
       r.segment, r.channel, r.partner
FROM quote q
LEFT JOIN quote_revision r
    ON r.quote_id = q.quote_id AND r.revision = coalesce(q.representative_revision, q.revision);
COMMENT ON COLUMN bi.quote.segment IS 'Segment it was priced for; NULL: the CRM said nothing of it.';
COMMENT ON COLUMN bi.quote.channel IS 'Channel it was priced for; NULL: the CRM said nothing of it.';
COMMENT ON COLUMN bi.quote.partner IS 'Partner it was priced for; NULL: the CRM said nothing of it.';

CREATE OR REPLACE VIEW bi.time_to_quote AS
SELECT deal_id, customer_tier, region, owner_id, opened_at, first_priced_at, first_presented_at,
       extract(epoch FROM first_priced_at - opened_at) AS seconds_to_price,
       extract(epoch FROM first_presented_at - opened_at) AS seconds_to_quote,
       first_presented_at IS NULL AND outcome = 'open' AS is_pending,
       segment, channel, partner
FROM opportunity;
COMMENT ON COLUMN bi.time_to_quote.segment IS 'The customer''s segment now; NULL: the CRM says nothing.';
COMMENT ON COLUMN bi.time_to_quote.channel IS 'The sales channel now; NULL: the CRM says nothing.';
COMMENT ON COLUMN bi.time_to_quote.partner IS 'Who sells it on now; NULL: the CRM says nothing.';

-- Win rate and discount by each of the three; the same figures as by tier and by month, and as defined there.
DO $make$
DECLARE sold_by text; told record;
BEGIN
    FOREACH sold_by IN ARRAY ARRAY['segment', 'channel', 'partner'] LOOP
        -- A representative revision has a tier; what it was priced for counts, also that nothing was said.
        EXECUTE format($view$
            CREATE VIEW bi.%1$I AS
            SELECT %2$I, n_won, n_lost, n_open, n_won + n_lost AS n_decided,
                   round(n_won::numeric / nullif(n_won + n_lost, 0), 6) AS win_rate,
                   bi.wilson(n_won, n_won + n_lost, -1) AS win_rate_low,
                   bi.wilson(n_won, n_won + n_lost, 1) AS win_rate_high,
                   n_won + n_lost < 5 AS is_small_sample
            FROM (
                SELECT CASE WHEN r.tier IS NULL THEN o.%2$I ELSE r.%2$I END AS %2$I,
                       count(*) FILTER (WHERE o.outcome = 'won') AS n_won,
                       count(*) FILTER (WHERE o.outcome = 'lost') AS n_lost,
                       count(*) FILTER (WHERE o.outcome = 'open') AS n_open
                FROM opportunity o
                LEFT JOIN quote_revision r
                    ON r.quote_id = o.representative_quote_id AND r.revision = o.representative_revision
                GROUP BY 1
            ) t
        $view$, 'win_rate_by_' || sold_by, sold_by);
        EXECUTE format($view$
            CREATE VIEW bi.%1$I AS
            SELECT date_trunc('month', r.presented_at AT TIME ZONE 'UTC')::date AS month_date, r.currency, r.%2$I,
                   count(*) AS n_opportunities, sum(r.list) AS list_amount, sum(r.net) AS net_amount,
                   1 - sum(r.net) / nullif(sum(r.list), 0) AS discount_rate,
                   avg(1 - r.net / nullif(r.list, 0)) AS mean_discount_rate
            FROM opportunity o
            JOIN quote_revision r
                ON r.quote_id = o.representative_quote_id AND r.revision = o.representative_revision
            WHERE r.presented_at IS NOT NULL AND r.list IS NOT NULL
            GROUP BY 1, 2, 3
        $view$, 'discount_trend_by_' || sold_by, sold_by);
        EXECUTE format('COMMENT ON VIEW bi.%I IS %L', 'win_rate_by_' || sold_by,
            format('Win rate of opportunities by the %s that was quoted, before one is presented by that of now.',
                   sold_by));
        EXECUTE format('COMMENT ON VIEW bi.%I IS %L', 'discount_trend_by_' || sold_by,
            format('Discount by month of presentation, currency and %s: one representative revision per opportunity.',
                   sold_by));
        -- A column means what the one of the same name means in the view by tier, or by month.
        FOR told IN
            SELECT 'discount_trend_by_' || sold_by AS view, a.attname AS name,
                   col_description(a.attrelid, a.attnum) AS meaning
            FROM pg_attribute a
            WHERE a.attrelid = 'bi.discount_trend'::regclass AND a.attnum > 0
            UNION ALL
            SELECT 'win_rate_by_' || sold_by, a.attname, col_description(a.attrelid, a.attnum)
            FROM pg_attribute a
            WHERE a.attrelid = 'bi.win_rate_by_tier'::regclass AND a.attnum > 0 AND a.attname <> 'tier'
            UNION ALL
            SELECT kind || '_by_' || sold_by, sold_by, format('The %s; NULL: the CRM said nothing of it.', sold_by)
            FROM unnest(ARRAY['win_rate', 'discount_trend']) AS kind
        LOOP
            EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', told.view, told.name, told.meaning);
        END LOOP;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'quotewright_analyst') THEN
        GRANT SELECT ON ALL TABLES IN SCHEMA bi TO quotewright_analyst;
    END IF;
END $make$;
