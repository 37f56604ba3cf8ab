-- What calls read before they answer or decide.

-- Reads a visible task.
CREATE OR REPLACE FUNCTION {schema}.get(_name text, _now bytea, _id uuid, OUT record text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    SELECT tasks.record INTO record
    FROM {schema}.store, {schema}.accounts JOIN {schema}.tasks ON account = key
    WHERE name = _name AND id = _id AND expires_at > greatest(_now, horizon);
END $$;

-- Reads a page: first a row with the account's revision, then the tasks. `_statuses` has a bit for
-- each status.
CREATE OR REPLACE FUNCTION {schema}.list(
    _name text, _now bytea, _statuses integer, _below bigint, _above bigint, _count bigint)
RETURNS TABLE (revision bigint, id uuid, record text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    _account bigint;
    _revision bigint;
    _instant bytea;
BEGIN
    SELECT greatest(_now, horizon) INTO STRICT _instant FROM {schema}.store;
    SELECT key, revision INTO _account, _revision FROM {schema}.accounts WHERE name = _name;
    IF NOT FOUND THEN
        RETURN QUERY SELECT floor, NULL::uuid, NULL::text FROM {schema}.store;
        RETURN;
    END IF;
    RETURN QUERY SELECT _revision, NULL::uuid, NULL::text;
    -- Each part has an order and a limit of its own. Otherwise PostgreSQL would read all of its
    -- tasks and sort them.
    RETURN QUERY
        (SELECT revision, id, record FROM {schema}.tasks
         WHERE account = _account AND status = 0 AND _statuses & 1 <> 0
             AND revision < _below AND revision > _above AND expires_at > _instant
         ORDER BY revision DESC LIMIT _count)
        UNION ALL
        (SELECT revision, id, record FROM {schema}.tasks
         WHERE account = _account AND status = 1 AND _statuses & 2 <> 0
             AND revision < _below AND revision > _above AND expires_at > _instant
         ORDER BY revision DESC LIMIT _count)
        UNION ALL
        (SELECT revision, id, record FROM {schema}.tasks
         WHERE account = _account AND status = 2 AND _statuses & 4 <> 0
             AND revision < _below AND revision > _above AND expires_at > _instant
         ORDER BY revision DESC LIMIT _count)
        UNION ALL
        (SELECT revision, id, record FROM {schema}.tasks
         WHERE account = _account AND status = 3 AND _statuses & 8 <> 0
             AND revision < _below AND revision > _above AND expires_at > _instant
         ORDER BY revision DESC LIMIT _count)
        UNION ALL
        (SELECT revision, id, record FROM {schema}.tasks
         WHERE account = _account AND status = 4 AND _statuses & 16 <> 0
             AND revision < _below AND revision > _above AND expires_at > _instant
         ORDER BY revision DESC LIMIT _count)
        ORDER BY revision DESC LIMIT _count;
END $$;

-- Reads what decides on a submission or an event: the row of the store, the account if there is
-- one, the task with the id, and the numbers of visible open tasks and of visible tasks in
-- progress, each up to a limit. If the limit of open tasks is reached or `_looks_for_room` is set,
-- it also reads the number of all tasks and the earliest expiry.
CREATE OR REPLACE FUNCTION {schema}.read_for_update(
    _name text, _now bytea, _id uuid, _count_open bigint, _count_in_progress bigint, _looks_for_room boolean,
    OUT horizon bytea, OUT floor bigint,
    OUT key bigint, OUT version bigint, OUT revision bigint, OUT updated_at bytea, OUT share bigint,
    OUT record text, OUT open bigint, OUT in_progress bigint, OUT held bigint, OUT first_expiry bytea)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    _instant bytea;
    _account bigint;
BEGIN
    SELECT horizon, floor INTO STRICT horizon, floor FROM {schema}.store;
    SELECT key, version, revision, updated_at, share INTO key, version, revision, updated_at, share
    FROM {schema}.accounts WHERE name = _name;
    _account := key;
    open := 0;
    in_progress := 0;
    IF _account IS NOT NULL THEN
        SELECT record INTO record FROM {schema}.tasks WHERE account = _account AND id = _id;
        _instant := greatest(_now, horizon);
        IF _count_open IS NOT NULL THEN
            SELECT count(*) INTO open FROM (
                SELECT FROM {schema}.tasks
                WHERE account = _account AND status IN (0, 1, 2) AND status < 3 AND expires_at > _instant
                LIMIT _count_open
            ) AS counted;
        END IF;
        IF _count_in_progress > 0 THEN
            SELECT count(*) INTO in_progress FROM (
                SELECT FROM {schema}.tasks
                WHERE account = _account AND status = 2 AND status < 3 AND expires_at > _instant
                LIMIT _count_in_progress
            ) AS counted;
        END IF;
    END IF;
    IF _looks_for_room OR open >= _count_open THEN
        SELECT sum(taken) INTO held FROM {schema}.places;
        SELECT expires_at INTO first_expiry FROM {schema}.tasks ORDER BY expires_at LIMIT 1;
    END IF;
END $$;

-- Reads what an account, given by its key or name, has to claim:
-- - if `_takes_over` is set, the visible task in progress with the lowest revision
-- - the visible received task with the lowest revision
-- - if its lane of the width `_lane` is full, the instant at which expiry makes room in it
-- - if there is nothing to start, the instant before which a clock that is behind would still see
--   one of the expired tasks
CREATE OR REPLACE FUNCTION {schema}.read_for_claim(
    _key bigint, _name text, _now bytea, _takes_over boolean, _lane bigint,
    OUT horizon bytea, OUT floor bigint,
    OUT key bigint, OUT version bigint, OUT revision bigint, OUT updated_at bytea, OUT share bigint, OUT name text,
    OUT in_progress_id uuid, OUT in_progress text, OUT received_id uuid, OUT received text,
    OUT full_until bytea, OUT hidden_until bytea)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
-- Otherwise each call would plan its queries again, which takes longer than running them.
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    _instant bytea;
BEGIN
    SELECT horizon, floor INTO STRICT horizon, floor FROM {schema}.store;
    -- Two queries: the cached plan of a single one for both cases would read all accounts.
    IF _key IS NULL THEN
        SELECT key INTO _key FROM {schema}.accounts WHERE name = _name;
    END IF;
    SELECT key, version, revision, updated_at, share, name INTO key, version, revision, updated_at, share, name
    FROM {schema}.accounts WHERE key = _key;
    IF key IS NULL THEN RETURN; END IF;
    _instant := greatest(_now, horizon);
    IF _takes_over THEN
        SELECT id, record INTO in_progress_id, in_progress FROM {schema}.tasks
        WHERE account = _key AND status = 2 AND expires_at > _instant ORDER BY revision LIMIT 1;
    END IF;
    SELECT id, record INTO received_id, received FROM {schema}.tasks
    WHERE account = _key AND status = 1 AND expires_at > _instant ORDER BY revision LIMIT 1;
    IF received_id IS NOT NULL AND _lane IS NOT NULL THEN
        SELECT expires_at INTO full_until FROM {schema}.tasks
        WHERE account = _key AND status = 2 AND status < 3 AND expires_at > _instant
        ORDER BY expires_at DESC LIMIT 1 OFFSET _lane - 1;
    END IF;
    IF received_id IS NULL OR full_until IS NOT NULL THEN
        -- The order forces the index on (account, status, expires_at), whatever the statistics say.
        -- The index on expires_at alone could take long to read.
        SELECT greatest(
            (SELECT expires_at FROM {schema}.tasks
             WHERE status < 3 AND (account, status, expires_at) >= (_key, 1::smallint, ''::bytea)
                 AND (account, status, expires_at) <= (_key, 1::smallint, _instant)
             ORDER BY account DESC, status DESC, expires_at DESC LIMIT 1),
            (SELECT expires_at FROM {schema}.tasks
             WHERE status < 3 AND (account, status, expires_at) >= (_key, 2::smallint, ''::bytea)
                 AND (account, status, expires_at) <= (_key, 2::smallint, _instant)
             ORDER BY account DESC, status DESC, expires_at DESC LIMIT 1)
        ) INTO hidden_until;
    END IF;
END $$;
