-- The turns of claims over all accounts, and parking.

-- Takes the next turn: the account gets a new ticket, behind all others. Before that, accounts that
-- were parked until now become ready. The commit does not wait for the disk: if it is lost, the
-- account has its turn again.
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
    -- Usually there is none, which three index lookups find out.
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
        -- This waits for a call that is parking or forgetting the account.
        UPDATE {schema}.queue SET ticket = nextval('{schema}.tickets') WHERE account = _account AND ready;
        IF FOUND THEN
            account := _account;
            EXIT;
        END IF;
    END LOOP;
END $$;

-- Parks an account that has nothing to claim, unless it was written to since `_version`.
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

-- Takes the next turn, and reads what that account has to claim (`read_for_claim`).
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
        -- The account may have been forgotten in the meantime.
        EXIT WHEN key IS NOT NULL;
    END LOOP;
END $$;
