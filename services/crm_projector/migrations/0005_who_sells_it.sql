-- What decides prices where a price book says so, beside tier and region. Deals that were folded before have it with
-- their next fact, or with the next rebuild.
DO $$
DECLARE n integer;
BEGIN
    FOR n IN SELECT 0 UNION ALL SELECT number FROM generation WHERE stage <> 'retired' LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN segment text, ADD COLUMN channel text, ADD COLUMN partner text',
                       'opportunity_' || n);
        CONTINUE WHEN n = 0;
        EXECUTE format('DROP FUNCTION %I (json, json, json, json, json)', 'save_' || n);
        PERFORM create_writer(n);
    END LOOP;
    PERFORM point_views_at(number) FROM generation WHERE stage = 'current';
END $$;
