-- The tables of a store. `{schema}` stands for the name of its schema.
--
-- An instant is stored in 12 bytes that sort by time (`tasklife::kit::instant_to_bytes`), because
-- PostgreSQL's timestamps have no nanoseconds. Each revision is one of its account.

-- The whole store: one row.
CREATE TABLE {schema}.store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- The version of these tables.
    version bigint NOT NULL,
    -- A task that expires at or before this instant is visible to nobody.
    horizon bytea NOT NULL,
    -- The highest revision of all forgotten accounts.
    floor bigint NOT NULL,
    -- The configuration under which accounts were parked, and the limit that the quota was
    -- distributed for.
    parked_under text NOT NULL,
    max_tasks bigint NOT NULL
);

-- The limit of all tasks, in quota shares, so that submissions of different accounts rarely wait
-- for the same row. The tasks of an account count against one share: `taken` is how many it holds,
-- `granted` how many it may hold. No row has the total: a share that is used up gets more from the
-- others (`share_out`).
CREATE TABLE {schema}.places (
    share bigint PRIMARY KEY,
    taken bigint NOT NULL,
    granted bigint NOT NULL
) WITH (fillfactor = 10);

-- The accounts that hold tasks.
CREATE TABLE {schema}.accounts (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    -- The quota share that its tasks count against.
    share bigint NOT NULL,
    -- The number of writes to the account. A write compares it with what the store read.
    version bigint NOT NULL,
    -- The tokens of the last 8 writes, the latest first. They identify a write whose answer was
    -- lost.
    tokens bigint[] NOT NULL,
    revision bigint NOT NULL,
    updated_at bytea NOT NULL
) WITH (fillfactor = 70);

-- The queue of accounts: those that may have something to claim are ready, in the order of their
-- tickets. The others are parked.
CREATE TABLE {schema}.queue (
    account bigint PRIMARY KEY,
    ticket bigint NOT NULL,
    ready boolean NOT NULL,
    -- When the account becomes ready again (`tasklife::kit::Parked`).
    parked_past bytea,
    parked_until bytea,
    parked_unless_before bytea
) WITH (fillfactor = 70);
CREATE INDEX queue_ready ON {schema}.queue (ticket) WHERE ready;
CREATE INDEX queue_past ON {schema}.queue (parked_past) WHERE parked_past IS NOT NULL;
CREATE INDEX queue_until ON {schema}.queue (parked_until) WHERE parked_until IS NOT NULL;
CREATE INDEX queue_unless_before ON {schema}.queue (parked_unless_before) WHERE parked_unless_before IS NOT NULL;
CREATE SEQUENCE {schema}.tickets;

-- Accounts without tasks that a sweep could not forget, because another call was writing to them.
-- The next sweep tries again.
CREATE TABLE {schema}.emptied (account bigint PRIMARY KEY);

-- The tasks. Each has its record in JSON (`tasklife::TaskRecord`) and the columns that the indexes
-- need.
CREATE TABLE {schema}.tasks (
    account bigint NOT NULL,
    id uuid NOT NULL,
    -- 0 initialized, 1 received, 2 processing-in-progress, 3 processing-completed,
    -- 4 processing-error.
    status smallint NOT NULL,
    revision bigint NOT NULL,
    expires_at bytea NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX tasks_order ON {schema}.tasks (account, status, revision);
CREATE INDEX tasks_unfinished ON {schema}.tasks (account, status, expires_at) WHERE status < 3;
CREATE INDEX tasks_expiry ON {schema}.tasks (expires_at);

INSERT INTO {schema}.store (version, horizon, floor, parked_under, max_tasks)
VALUES (1, decode('000000000000000000000000', 'hex'), 0, '', 0);
INSERT INTO {schema}.places SELECT share, 0, 0 FROM generate_series(0, 31) AS share;

COMMENT ON SCHEMA {schema} IS 'The tasks of a tasklife store';
