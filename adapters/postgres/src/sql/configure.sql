-- The configuration of the store.

-- Prepares the store for a configuration. Accounts that were parked under another one become ready.
-- If max_tasks has changed, the quota is redistributed.
CREATE OR REPLACE FUNCTION {schema}.configure(_parked_under text, _max_tasks bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT FROM {schema}.store WHERE parked_under <> _parked_under) THEN
        UPDATE {schema}.queue
        SET ready = true, ticket = nextval('{schema}.tickets'),
            parked_past = NULL, parked_until = NULL, parked_unless_before = NULL
        WHERE NOT ready;
        UPDATE {schema}.store SET parked_under = _parked_under;
    END IF;
    IF EXISTS (SELECT FROM {schema}.store WHERE max_tasks <> _max_tasks) THEN
        UPDATE {schema}.store SET max_tasks = _max_tasks;
        PERFORM {schema}.share_out(0, _max_tasks);
    END IF;
END $$;
