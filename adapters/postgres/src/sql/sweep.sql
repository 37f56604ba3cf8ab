-- The horizon, dropping due tasks and forgetting accounts.

-- Forgets accounts without tasks; their revisions raise the floor. An account that another call is
-- writing to is noted in `emptied`, and the next sweep tries again. The caller holds the sweep lock.
CREATE OR REPLACE FUNCTION {schema}.forget(_accounts bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    _empty bigint[];
    _locked bigint[];
    _revision bigint;
BEGIN
    SELECT array_agg(key) INTO _empty FROM {schema}.accounts
    WHERE (key = ANY (_accounts) OR key IN (SELECT account FROM {schema}.emptied))
        AND NOT EXISTS (SELECT FROM {schema}.tasks WHERE account = key);
    DELETE FROM {schema}.emptied;
    IF _empty IS NULL THEN RETURN; END IF;
    SELECT array_agg(locked.key) INTO _locked FROM (
        SELECT key FROM {schema}.accounts JOIN {schema}.queue ON account = key
        WHERE key = ANY (_empty) FOR UPDATE SKIP LOCKED
    ) AS locked;
    INSERT INTO {schema}.emptied SELECT unnest(_empty) EXCEPT SELECT unnest(_locked);
    -- This statement sees what was committed before the accounts were locked.
    WITH forgotten AS (
        DELETE FROM {schema}.accounts
        WHERE key = ANY (_locked) AND NOT EXISTS (SELECT FROM {schema}.tasks WHERE account = key)
        RETURNING key, revision
    ), dequeued AS (
        DELETE FROM {schema}.queue WHERE account IN (SELECT key FROM forgotten)
    )
    SELECT max(revision) INTO _revision FROM forgotten;
    UPDATE {schema}.store SET floor = _revision WHERE floor < _revision;
END $$;

-- Moves the horizon to an instant, unless it is later already.
CREATE OR REPLACE FUNCTION {schema}.move_horizon(_instant bytea, OUT horizon bytea)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    SELECT horizon INTO STRICT horizon FROM {schema}.store;
    IF horizon < _instant THEN
        PERFORM pg_advisory_xact_lock({schema}.horizon_lock());
        UPDATE {schema}.store SET horizon = greatest(horizon, _instant) RETURNING horizon INTO STRICT horizon;
    END IF;
END $$;

-- Drops up to `_limit` due tasks, and says whether more are due.
CREATE OR REPLACE FUNCTION {schema}.drop_due(_horizon bytea, _limit bigint, OUT dropped bigint, OUT more boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    _accounts bigint[];
    _shares bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock({schema}.sweep_lock());
    WITH due AS MATERIALIZED (
        SELECT account, id FROM {schema}.tasks WHERE expires_at <= _horizon ORDER BY expires_at LIMIT _limit
    ), gone AS (
        DELETE FROM {schema}.tasks USING due
        WHERE tasks.account = due.account AND tasks.id = due.id AND tasks.expires_at <= _horizon
        RETURNING tasks.account
    )
    SELECT array_agg(gone.account), count(*) INTO _accounts, dropped FROM gone;
    IF dropped > 0 OR EXISTS (SELECT FROM {schema}.emptied) THEN
        SELECT array_agg(share) INTO _shares
        FROM unnest(_accounts) AS dropped_of JOIN {schema}.accounts ON key = dropped_of;
        PERFORM {schema}.forget(ARRAY(SELECT DISTINCT unnest(_accounts)));
        PERFORM FROM {schema}.places ORDER BY share FOR UPDATE;
        UPDATE {schema}.places SET taken = taken - freed.places
        FROM (SELECT of_share, count(*) AS places FROM unnest(_shares) AS of_share GROUP BY of_share) AS freed
        WHERE share = freed.of_share;
        -- While the store holds more tasks than max_tasks allows, what becomes free is not granted
        -- again.
        IF (SELECT sum(granted) FROM {schema}.places) > (SELECT max_tasks FROM {schema}.store) THEN
            UPDATE {schema}.places SET granted = taken;
        END IF;
    END IF;
    more := EXISTS (SELECT FROM {schema}.tasks WHERE expires_at <= _horizon);
END $$;
