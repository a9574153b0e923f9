-- A crash of the server may lose the newest rows, which nobody waited for on the disk, and with them the numbers that
-- they had. Who has read them goes on after them; so these numbers are never given out a second time.
CREATE UNLOGGED TABLE uncrashed (one boolean PRIMARY KEY DEFAULT true CHECK (one));
COMMENT ON TABLE uncrashed IS 'Its row is gone after a crash, as every unlogged row is: the next record leaps ahead';

CREATE FUNCTION leap() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = bus AS $$
BEGIN
    IF TG_WHEN = 'AFTER' THEN  -- the statement may have chosen not to wait for the disk
        IF current_setting('bus.leapt', true) = 'yes' THEN
            PERFORM set_config('synchronous_commit', 'on', true);
        END IF;
    ELSIF NOT EXISTS (SELECT FROM uncrashed) THEN
        PERFORM pg_advisory_xact_lock('log'::regclass::oid::bigint);
        IF NOT EXISTS (SELECT FROM uncrashed) THEN
            -- Far more than are written before the disk has them.
            PERFORM setval('log_position_seq', nextval('log_position_seq') + 100000);
            PERFORM set_config('bus.leapt', 'yes', true);
            INSERT INTO uncrashed DEFAULT VALUES;
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER leap_before BEFORE INSERT ON log FOR EACH STATEMENT EXECUTE FUNCTION leap();
CREATE TRIGGER leap_after AFTER INSERT ON log FOR EACH STATEMENT EXECUTE FUNCTION leap();
-- Nothing was lost so far.
INSERT INTO uncrashed DEFAULT VALUES;
