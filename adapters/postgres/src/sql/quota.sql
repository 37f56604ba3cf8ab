-- The limit of all tasks, in quota shares (the table `places`).

-- Redistributes the unused quota, so that `_share` gets some. `has_room` is false if nothing is
-- left.
CREATE OR REPLACE FUNCTION {schema}.share_out(_share bigint, _max_tasks bigint, OUT has_room boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    _left bigint;
BEGIN
    PERFORM FROM {schema}.places ORDER BY share FOR UPDATE;
    SELECT _max_tasks - sum(taken) INTO _left FROM {schema}.places;
    has_room := _left > 0;
    UPDATE {schema}.places SET granted = taken + CASE
        WHEN NOT has_room THEN 0
        WHEN share = _share THEN _left / 32 + _left % 32
        ELSE _left / 32
    END;
END $$;

-- Drops the earliest expired task and moves the horizon to its expiry, so that `_share` of a full
-- store has room for one task. The caller holds the sweep lock and the horizon lock.
CREATE OR REPLACE FUNCTION {schema}.make_room(_share bigint, _max_tasks bigint, _new_horizon bytea) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    _account bigint;
    _id uuid;
    _expires_at bytea;
BEGIN
    PERFORM FROM {schema}.places ORDER BY share FOR UPDATE;
    SELECT account, id, expires_at INTO _account, _id, _expires_at
    FROM {schema}.tasks ORDER BY expires_at LIMIT 1;
    IF _max_tasks > (SELECT sum(taken) FROM {schema}.places)
        OR _new_horizon IS DISTINCT FROM (SELECT greatest(horizon, _expires_at) FROM {schema}.store)
    THEN
        RAISE 'expected a full store' USING ERRCODE = 'TL001';
    END IF;
    DELETE FROM {schema}.tasks WHERE account = _account AND id = _id;
    IF NOT FOUND THEN
        RAISE 'expected the task that expired first' USING ERRCODE = 'TL001';
    END IF;
    UPDATE {schema}.store SET horizon = _new_horizon;
    UPDATE {schema}.places SET taken = taken - 1, granted = granted - 1
    WHERE share = (SELECT share FROM {schema}.accounts WHERE key = _account);
    UPDATE {schema}.places SET granted = taken + 1 WHERE share = _share;
    PERFORM {schema}.forget(ARRAY[_account]);
END $$;
