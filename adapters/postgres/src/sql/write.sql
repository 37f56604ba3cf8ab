-- The write of a task.

-- Writes a task, if the horizon and the account are still as the store read them. Outcomes:
-- - `done`: the task was written.
-- - `repeated`: the account remembers `_token`, so this same write was applied before.
-- - `changed`: nothing was written, because the horizon or the account has changed.
-- - `no room`: nothing was written, because the quota share is used up.
-- - `forgotten`: nothing was written now, and it can't be known any more whether it was before.
--
-- `_key` and `_version` are null if there was no account. `_new_horizon` is set if the store is
-- full: the earliest expired task is then dropped for this one.
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
        -- In this order, so that no write waits for a sweep.
        PERFORM pg_advisory_xact_lock({schema}.sweep_lock());
        PERFORM pg_advisory_xact_lock({schema}.horizon_lock());
    END IF;
    SELECT horizon INTO STRICT _current FROM {schema}.store;

    -- A decision that was made before the horizon moved is not written.
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
            -- Forgetting an account raises the floor to its revision or beyond.
            outcome := CASE
                WHEN _revision > (SELECT floor FROM {schema}.store) THEN 'changed'
                ELSE 'forgotten'
            END;
        ELSIF _token = ANY (_tokens) THEN
            -- The first write may not have reached a synchronous standby yet. This update is
            -- acknowledged once both have.
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
        -- The account may have been forgotten since the store read the floor.
        SELECT floor INTO STRICT _floor FROM {schema}.store FOR SHARE;
        IF _revision <= _floor THEN
            DELETE FROM {schema}.accounts WHERE key = _account;
            outcome := 'changed';
            RETURN;
        END IF;
        INSERT INTO {schema}.queue (account, ticket, ready) VALUES (_account, nextval('{schema}.tickets'), true);
    ELSE
        -- If the account was parked because a clock that is behind may still see expired tasks, a
        -- report may have put off their expiry.
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
