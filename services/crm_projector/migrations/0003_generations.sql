-- Blue and green: the projected tables stand once per generation, as quote_1, quote_2 ...; what people read are
-- views of the same names as before, which point at the current generation. Docs: docs/adr/0017.
-- Generation 0 is the pattern: empty for ever. A later migration adds a column to it, then calls
-- point_views_at(current), then a rebuild makes a generation that has the column.

CREATE TABLE generation (
    number integer PRIMARY KEY,
    stage text NOT NULL CHECK (stage IN ('folding', 'catching_up', 'comparing', 'current', 'previous',
                                           'stepping', 'retired')),
    facts_until bigint NOT NULL DEFAULT 0,
    deals_until uuid,
    report jsonb NOT NULL DEFAULT '{}',
    trouble text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    swapped_at timestamptz
);
COMMENT ON TABLE generation IS 'The generations of the projected tables that exist. The live path feeds comparing, current and previous.';
COMMENT ON COLUMN generation.stage IS 'Built in the first three, read while current, kept for a rollback as previous, dropped once retired.';
COMMENT ON COLUMN generation.facts_until IS 'While it is built: the seq of fact_log up to which it is folded.';
COMMENT ON COLUMN generation.deals_until IS 'While folding or comparing: the deal up to which this is done, in the order of ids.';
CREATE SEQUENCE generation_number START 2;
CREATE TABLE feeding (epoch bigint NOT NULL);
COMMENT ON TABLE feeding IS 'One row. Its epoch rises with every change of what the live path must feed.';
INSERT INTO feeding VALUES (1);

-- A fact that is parked was copied and not folded; once it is handled, it takes the place in which it was.
ALTER TABLE fact_log ADD COLUMN held boolean NOT NULL DEFAULT false;
UPDATE fact_log SET held = true WHERE id IN (
    SELECT header ->> 1 FROM parked, json_array_elements(headers) header
    WHERE headers::text NOT LIKE '%\u0000%' AND header ->> 0 = 'ce_id'
);
CREATE INDEX fact_log_held ON fact_log (deal_id) WHERE held;
COMMENT ON COLUMN fact_log.held IS 'Parked when it was copied: the live path has not folded it, so a rebuild does not.';
COMMENT ON COLUMN fact_log.seq IS 'The order in which facts were taken up; one that was parked stands where its retry was.';

CREATE FUNCTION projected() RETURNS text[] LANGUAGE sql IMMUTABLE AS
$$ SELECT ARRAY['deal_state', 'opportunity', 'quote', 'quote_revision', 'approval'] $$;

-- Writers of the live path share this lock for their transaction; who must see all they wrote, or changes
-- what they must write, takes it alone for a moment.
CREATE FUNCTION stop_the_feeding() RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS
$$ SELECT pg_advisory_xact_lock('generation'::regclass::oid::bigint) $$;

CREATE FUNCTION feed(expected bigint) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared('generation'::regclass::oid::bigint);
    IF expected IS NOT NULL AND (SELECT epoch FROM feeding) <> expected THEN
        RAISE EXCEPTION 'the generations to feed have changed' USING ERRCODE = 'serialization_failure';
    END IF;
END $$;

CREATE FUNCTION create_writer(n integer) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $make$
DECLARE
    name text; keys text; news text; body text := '';
BEGIN
    FOREACH name IN ARRAY projected() LOOP
        CONTINUE WHEN name = 'deal_state';
        SELECT string_agg(quote_ident(a.attname), ', ') FILTER (WHERE a.attnum = ANY (x.indkey)),
               string_agg(format('%1$I = excluded.%1$I', a.attname), ', ') FILTER (WHERE a.attnum <> ALL (x.indkey))
        INTO keys, news
        FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE x.indrelid = format('%s_%s', name, n)::regclass AND x.indisprimary;
        body := body || format(
            'INSERT INTO %1$I SELECT * FROM json_populate_recordset(NULL::%1$I, %2$I)'
            ' ON CONFLICT (%3$s) DO UPDATE SET %4$s; ',
            format('%s_%s', name, n), name || '_rows', keys, news);
    END LOOP;
    -- Optimistic: who folds a deal names the revision it started from, 0 for a new one.
    EXECUTE format($f$
        CREATE FUNCTION %1$I(states json, opportunity_rows json, quote_rows json, quote_revision_rows json,
                             approval_rows json) RETURNS void
        LANGUAGE plpgsql SET search_path FROM CURRENT AS $save$
        DECLARE missed bigint;
        BEGIN
            WITH told AS MATERIALIZED (
                SELECT * FROM json_to_recordset(states) AS t (deal_id uuid, expected bigint, state jsonb)
            ), fresh AS (
                INSERT INTO %2$I AS d (deal_id, revision, state)
                SELECT deal_id, 1, state FROM told WHERE expected = 0
                ON CONFLICT (deal_id) DO NOTHING RETURNING 1
            ), grown AS (
                UPDATE %2$I AS d SET revision = d.revision + 1, state = t.state
                FROM told t WHERE t.expected > 0 AND d.deal_id = t.deal_id AND d.revision = t.expected
                RETURNING 1
            )
            SELECT (SELECT count(*) FROM told) - (SELECT count(*) FROM fresh) - (SELECT count(*) FROM grown)
            INTO missed;
            IF missed > 0 THEN
                RAISE EXCEPTION '%% deals were folded by somebody else', missed
                    USING ERRCODE = 'serialization_failure';
            END IF;
            %3$s
        END $save$
    $f$, 'save_' || n, 'deal_state_' || n, body);
END $make$;

CREATE FUNCTION create_generation(n integer) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY projected() LOOP
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', format('%s_%s', name, n), name || '_0');
    END LOOP;
    PERFORM create_writer(n);
END $$;

CREATE FUNCTION drop_generation(n integer) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE name text;
BEGIN
    EXECUTE format('DROP FUNCTION IF EXISTS %I (json, json, json, json, json)', 'save_' || n);
    FOREACH name IN ARRAY projected() LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', format('%s_%s', name, n));
    END LOOP;
END $$;

-- The columns of the pattern; what the generation does not have yet is NULL until the next rebuild.
CREATE FUNCTION point_views_at(n integer) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE name text; columns text;
BEGIN
    FOREACH name IN ARRAY projected() LOOP
        SELECT string_agg(CASE WHEN own.attname IS NULL
                               THEN format('NULL::%s AS %I', format_type(p.atttypid, p.atttypmod), p.attname)
                               ELSE quote_ident(p.attname) END, ', ' ORDER BY p.attnum)
        INTO columns
        FROM pg_attribute p
        LEFT JOIN pg_attribute own ON own.attrelid = format('%s_%s', name, n)::regclass
            AND own.attname = p.attname AND own.attnum > 0 AND NOT own.attisdropped
        WHERE p.attrelid = (name || '_0')::regclass AND p.attnum > 0 AND NOT p.attisdropped;
        EXECUTE format('CREATE OR REPLACE VIEW %I AS SELECT %s FROM %I', name, columns, format('%s_%s', name, n));
    END LOOP;
END $$;

-- What stands becomes generation 1. The views of bi are made again with the same text: their names now mean the
-- views that point at the current generation; comments and grants stay.
DO $$
DECLARE name text; told record; texts jsonb := '{}';
BEGIN
    FOR told IN SELECT c.oid, c.relname FROM pg_class c
                WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind = 'v' LOOP
        texts := texts || jsonb_build_object(told.relname, pg_get_viewdef(told.oid));
    END LOOP;
    FOREACH name IN ARRAY projected() LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_1');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name || '_0', name || '_1');
    END LOOP;
    PERFORM create_writer(1);
    PERFORM point_views_at(1);
    FOR told IN SELECT key, value FROM jsonb_each_text(texts) LOOP
        EXECUTE format('CREATE OR REPLACE VIEW bi.%I AS %s', told.key, told.value);
    END LOOP;
    INSERT INTO generation (number, stage, swapped_at) VALUES (1, 'current', clock_timestamp());
END $$;
DROP FUNCTION save_deal(uuid, bigint, jsonb);
COMMENT ON VIEW deal_state IS 'The fold of all facts of one deal, current generation.';
COMMENT ON VIEW opportunity IS 'One row per opportunity, as the CRM and our quotes tell it now; current generation.';
COMMENT ON VIEW quote IS 'One row per quote: its newest revision, its outcome, what it waits for; current generation.';
COMMENT ON VIEW quote_revision IS 'One row per revision of a quote; current generation. margin and margin_percent are internal.';
COMMENT ON VIEW approval IS 'One row per approval case; current generation.';
