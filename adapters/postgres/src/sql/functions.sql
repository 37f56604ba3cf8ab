-- What the store calls: each of its steps is one call of one of these, so that it takes one round trip, leaves
-- nothing open, and needs no statement that was prepared before. They know order, counts and instants, and compare
-- versions; of what an event does to a task they know nothing.
--
-- No name in them means anything else for whoever calls: each is of the store's schema, or PostgreSQL's own.
--
-- Those that read see one moment. Those that write are transactions of their own, in which each statement sees what
-- others have committed before it: so they must run at the level READ COMMITTED.
--
-- Where they come upon something that only another call at this moment can have brought about, they fail with the
-- state TL001: nothing is written, and the store reads again.
--
-- Three locks belong to no row. Each is a number made from that of the table `store`.

-- Held by whoever writes, shared; and alone by whoever moves the horizon, who so waits for the writes that were
-- decided on before.
CREATE OR REPLACE FUNCTION {schema}.horizon_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$ SELECT '{schema}.store'::regclass::oid::bigint * 4 $$;

-- Held by whoever takes a turn.
CREATE OR REPLACE FUNCTION {schema}.turn_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$ SELECT '{schema}.store'::regclass::oid::bigint * 4 + 1 $$;

-- Held by whoever drops tasks: a sweep, or who makes room in a full store.
CREATE OR REPLACE FUNCTION {schema}.sweep_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$ SELECT '{schema}.store'::regclass::oid::bigint * 4 + 2 $$;

-- Reads a visible task.
CREATE OR REPLACE FUNCTION {schema}.get(_name text, _now bytea, _id uuid, OUT record text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    SELECT tasks.record INTO record
    FROM {schema}.store, {schema}.accounts JOIN {schema}.tasks ON account = key
    WHERE name = _name AND id = _id AND expires_at > greatest(_now, horizon);
END $$;

-- Reads a page: a row of the account's revision, and then the tasks with theirs. `_statuses` has a bit for each.
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
    -- Each part is ordered and ends by itself: otherwise all of its tasks would be read, and sorted.
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

-- Reads what decides on a submission or an event: the store, the account, where there is one, what is under the id,
-- and how many unfinished tasks and tasks in progress are visible, up to a limit. Where that of the unfinished ones
-- is reached, or it is asked, also how many tasks there are in all, and when the first one expires.
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

-- Reads what an account, of a key or a name, has to hand out: the visible task in progress with the lowest revision,
-- where that is asked; the visible received one; from when on its lane of a width has room, if it has none; and where
-- there is nothing to start, until when a clock that is behind would see what has expired.
CREATE OR REPLACE FUNCTION {schema}.read_for_claim(
    _key bigint, _name text, _now bytea, _takes_over boolean, _lane bigint,
    OUT horizon bytea, OUT floor bigint,
    OUT key bigint, OUT version bigint, OUT revision bigint, OUT updated_at bytea, OUT share bigint, OUT name text,
    OUT in_progress_id uuid, OUT in_progress text, OUT received_id uuid, OUT received text,
    OUT full_until bytea, OUT hidden_until bytea)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
-- Otherwise each call makes its plans anew, which takes longer than what they are for.
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    _instant bytea;
BEGIN
    SELECT horizon, floor INTO STRICT horizon, floor FROM {schema}.store;
    -- By one or the other: a plan that is kept would look at all accounts for both.
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
        -- As these are ordered, only one index will do, whatever is known of the table: that of all tasks by their
        -- expiry may have to be read for long.
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

-- The account whose turn it is: it gets a new ticket, behind all others. Before that, those are made ready that were
-- parked until now. Nobody waits for the disk: whoever loses this has the turn again.
CREATE OR REPLACE FUNCTION {schema}.take_turn(_now bytea, OUT account bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    _instant bytea;
    _account bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_advisory_xact_lock({schema}.turn_lock());
    SELECT greatest(_now, horizon) INTO STRICT _instant FROM {schema}.store;
    -- Mostly there is none, which three looks into indexes tell.
    IF EXISTS (SELECT FROM {schema}.queue WHERE parked_past < _now)
        OR EXISTS (SELECT FROM {schema}.queue WHERE parked_until <= _instant)
        OR EXISTS (SELECT FROM {schema}.queue WHERE parked_unless_before > _instant)
    THEN
        UPDATE {schema}.queue
        SET ready = true, ticket = nextval('{schema}.tickets'),
            parked_past = NULL, parked_until = NULL, parked_unless_before = NULL
        WHERE account IN (
            SELECT account FROM {schema}.queue WHERE parked_past < _now
            UNION SELECT account FROM {schema}.queue WHERE parked_until <= _instant
            UNION SELECT account FROM {schema}.queue WHERE parked_unless_before > _instant
        ) AND NOT ready;
    END IF;
    LOOP
        SELECT account INTO _account FROM {schema}.queue WHERE ready ORDER BY ticket LIMIT 1;
        EXIT WHEN NOT FOUND;
        -- Whoever parks or forgets it at this moment is waited for.
        UPDATE {schema}.queue SET ticket = nextval('{schema}.tickets') WHERE account = _account AND ready;
        IF FOUND THEN
            account := _account;
            EXIT;
        END IF;
    END LOOP;
END $$;

-- Parks an account that has nothing to hand out, unless it was written to since.
CREATE OR REPLACE FUNCTION {schema}.park(
    _key bigint, _version bigint, _past bytea, _until bytea, _unless_before bytea, OUT parked boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM FROM {schema}.accounts WHERE key = _key AND version = _version FOR NO KEY UPDATE;
    parked := FOUND;
    IF parked THEN
        UPDATE {schema}.queue
        SET ready = false, parked_past = _past, parked_until = _until, parked_unless_before = _unless_before
        WHERE account = _key AND ready;
    END IF;
END $$;

-- What `read_for_claim` reads of the account whose turn it is.
CREATE OR REPLACE FUNCTION {schema}.claim_turn(
    _now bytea, _takes_over boolean, _lane bigint,
    OUT horizon bytea, OUT floor bigint,
    OUT key bigint, OUT version bigint, OUT revision bigint, OUT updated_at bytea, OUT share bigint, OUT name text,
    OUT in_progress_id uuid, OUT in_progress text, OUT received_id uuid, OUT received text,
    OUT full_until bytea, OUT hidden_until bytea)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    _account bigint;
BEGIN
    LOOP
        _account := {schema}.take_turn(_now);
        EXIT WHEN _account IS NULL;
        SELECT read.* INTO horizon, floor, key, version, revision, updated_at, share, name,
            in_progress_id, in_progress, received_id, received, full_until, hidden_until
        FROM {schema}.read_for_claim(_account, NULL, _now, _takes_over, _lane) AS read;
        -- It may be forgotten at this moment.
        EXIT WHEN key IS NOT NULL;
    END LOOP;
END $$;

-- Shares out the places that are left, so that a share has one; false where there is none.
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

-- Drops the task that expired first, and moves the horizon there, so that a share of a full store has a place. The
-- locks of sweeps and of the horizon are held.
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

-- Forgets accounts that have no task: their revisions raise the floor. One that is written to at this moment is
-- noted, and looked at next time. The lock of sweeps is held.
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
    -- What was committed before they were locked is seen now.
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

-- Moves the horizon to an instant, if it was before.
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

-- Drops so many tasks that are due, and says whether more are.
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
        -- Where there were more than there may be, nothing that becomes free is granted to anybody yet.
        IF (SELECT sum(granted) FROM {schema}.places) > (SELECT max_tasks FROM {schema}.store) THEN
            UPDATE {schema}.places SET granted = taken;
        END IF;
    END IF;
    more := EXISTS (SELECT FROM {schema}.tasks WHERE expires_at <= _horizon);
END $$;

-- Writes a task, if its account is as it was read: `done`. A second time it does nothing: `repeated`. Otherwise
-- nothing is written: `changed`, as the account or the horizon is another; `no room`, as the share of the account has
-- no place left; `forgotten`, as it can't be told any more whether this was written before.
--
-- `_key` and `_version` are none where there was no account. Where there is a new horizon, the store is full, and the
-- task that expired first is dropped for this one.
CREATE OR REPLACE FUNCTION {schema}.write(
    _name text, _key bigint, _version bigint, _share bigint, _horizon bytea, _token bigint,
    _id uuid, _status smallint, _revision bigint, _updated_at bytea, _expires_at bytea, _record text,
    _is_new boolean, _makes_ready boolean, _max_tasks bigint, _new_horizon bytea,
    OUT outcome text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    _account bigint := _key;
    _found bigint;
    _tokens bigint[];
    _current bytea;
    _floor bigint;
    _written boolean := false;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'expected the isolation level read committed, got %', current_setting('transaction_isolation')
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF _new_horizon IS NULL THEN
        PERFORM pg_advisory_xact_lock_shared({schema}.horizon_lock());
    ELSE
        -- In this order, so that nobody who writes waits for a sweep.
        PERFORM pg_advisory_xact_lock({schema}.sweep_lock());
        PERFORM pg_advisory_xact_lock({schema}.horizon_lock());
    END IF;
    SELECT horizon INTO STRICT _current FROM {schema}.store;

    -- Nothing is written for what was decided before the horizon moved.
    IF _current = _horizon THEN
        IF _is_new AND _new_horizon IS NULL
            AND NOT EXISTS (SELECT FROM {schema}.places WHERE share = _share AND taken < granted)
            AND NOT EXISTS (
                SELECT FROM {schema}.accounts LEFT JOIN {schema}.tasks ON account = key AND id = _id
                WHERE name = _name AND (id IS NOT NULL OR _token = ANY (tokens))
            )
        THEN
            outcome := 'no room';
            RETURN;
        END IF;
        IF _key IS NOT NULL THEN
            UPDATE {schema}.accounts
            SET version = version + 1, tokens = (_token || tokens)[1:8],
                revision = _revision, updated_at = _updated_at
            WHERE key = _key AND version = _version;
        ELSE
            INSERT INTO {schema}.accounts (name, share, version, tokens, revision, updated_at)
            VALUES (_name, _share, 1, ARRAY[_token], _revision, _updated_at)
            ON CONFLICT (name) DO NOTHING
            RETURNING key INTO _account;
        END IF;
        _written := FOUND;
    END IF;

    IF NOT _written THEN
        SELECT version, tokens INTO _found, _tokens FROM {schema}.accounts
        WHERE name = _name AND key = coalesce(_key, key);
        IF NOT FOUND THEN
            -- Whoever forgets an account raises the floor at least to its revision.
            outcome := CASE
                WHEN _revision > (SELECT floor FROM {schema}.store) THEN 'changed'
                ELSE 'forgotten'
            END;
        ELSIF _token = ANY (_tokens) THEN
            -- What was written may not be with a standby yet: this is acknowledged when it is.
            UPDATE {schema}.accounts SET tokens = tokens WHERE name = _name;
            outcome := 'repeated';
        ELSIF _found - coalesce(_version, 0) > 8 THEN
            outcome := 'forgotten';
        ELSE
            outcome := 'changed';
        END IF;
        RETURN;
    END IF;

    IF _key IS NULL THEN
        -- The account may have been forgotten since the floor was read.
        SELECT floor INTO STRICT _floor FROM {schema}.store FOR SHARE;
        IF _revision <= _floor THEN
            DELETE FROM {schema}.accounts WHERE key = _account;
            outcome := 'changed';
            RETURN;
        END IF;
        INSERT INTO {schema}.queue (account, ticket, ready) VALUES (_account, nextval('{schema}.tickets'), true);
    ELSE
        -- What a clock that is behind may see of an account, a report may have put off.
        UPDATE {schema}.queue
        SET ready = true, ticket = nextval('{schema}.tickets'),
            parked_past = NULL, parked_until = NULL, parked_unless_before = NULL
        WHERE account = _account AND NOT ready AND (_makes_ready OR parked_unless_before IS NOT NULL);
    END IF;
    UPDATE {schema}.tasks
    SET status = _status, revision = _revision, expires_at = _expires_at, record = _record
    WHERE account = _account AND id = _id;
    IF NOT FOUND THEN
        IF NOT _is_new THEN
            RAISE 'expected the task % of the account %', _id, _name USING ERRCODE = 'data_corrupted';
        END IF;
        INSERT INTO {schema}.tasks (account, id, status, revision, expires_at, record)
        VALUES (_account, _id, _status, _revision, _expires_at, _record);
        IF _new_horizon IS NOT NULL THEN
            PERFORM {schema}.make_room(_share, _max_tasks, _new_horizon);
        END IF;
        UPDATE {schema}.places SET taken = taken + 1 WHERE share = _share AND taken < granted;
        IF NOT FOUND THEN
            RAISE 'expected a place in the share %', _share USING ERRCODE = 'TL001';
        END IF;
    END IF;
    outcome := 'done';
END $$;

-- Prepares the store for a configuration: accounts that were parked under another are made ready, and the places are
-- shared out anew where there are more or fewer.
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

-- Counts the tasks of each status: the visible ones, and those that have expired.
CREATE OR REPLACE FUNCTION {schema}.census(_now bytea)
RETURNS TABLE (status smallint, visible bigint, expired bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT status,
        count(*) FILTER (WHERE expires_at > greatest(_now, horizon)),
        count(*) FILTER (WHERE expires_at <= greatest(_now, horizon))
    FROM {schema}.tasks, {schema}.store GROUP BY status
$$;

-- Reads the visible received task that has waited longest, of each account: along the revisions of an account, times
-- never go back.
CREATE OR REPLACE FUNCTION {schema}.waiting(_now bytea) RETURNS TABLE (id uuid, record text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    _instant bytea;
BEGIN
    SELECT greatest(_now, horizon) INTO STRICT _instant FROM {schema}.store;
    RETURN QUERY SELECT first.id, first.record FROM {schema}.accounts CROSS JOIN LATERAL (
        SELECT id, record FROM {schema}.tasks
        WHERE account = key AND status = 1 AND expires_at > _instant ORDER BY revision LIMIT 1
    ) AS first;
END $$;
