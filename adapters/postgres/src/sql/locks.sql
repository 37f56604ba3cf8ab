-- The functions in this folder, and the locks.
--
-- Each step of a call is one call of one function, so that it takes one round trip, leaves nothing
-- open and needs no prepared statement. The functions know order, counts and instants, and compare
-- versions. They know nothing about what an event does to a task.
--
-- A function that only reads sees one moment. A function that writes is a separate transaction, in
-- which each statement sees what others have committed before it. It therefore needs the isolation
-- level READ COMMITTED. If it meets a state that only a concurrent call can have caused, it fails
-- with the SQLSTATE TL001: nothing is written, and the store reads again.
--
-- Every function sets its search path, so that no name in it depends on the caller: each name
-- belongs to the store's schema or to PostgreSQL.
--
-- The locks are advisory locks that belong to no row. Each is a number derived from the oid of the
-- table `store`.

-- Every write holds this lock in shared mode. A call that moves the horizon holds it exclusively,
-- and so waits for the writes that were decided before.
CREATE OR REPLACE FUNCTION {schema}.horizon_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$ SELECT '{schema}.store'::regclass::oid::bigint * 4 $$;

-- A claim over all accounts holds this lock while it takes a turn.
CREATE OR REPLACE FUNCTION {schema}.turn_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$ SELECT '{schema}.store'::regclass::oid::bigint * 4 + 1 $$;

-- A call that drops tasks holds this lock: a sweep, or a submission that makes room in a full
-- store.
CREATE OR REPLACE FUNCTION {schema}.sweep_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$ SELECT '{schema}.store'::regclass::oid::bigint * 4 + 2 $$;
