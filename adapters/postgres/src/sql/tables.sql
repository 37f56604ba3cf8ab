-- What the store keeps. `{schema}` stands for the name of its schema.
--
-- Instants are 12 bytes, whose order is theirs (`tasklife::kit::instant_to_bytes`): PostgreSQL's own ones end at
-- the microsecond. Revisions are those of the account.

CREATE TABLE {schema}.store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- The version of these tables.
    version bigint NOT NULL,
    -- What expires by then is visible to nobody.
    horizon bytea NOT NULL,
    -- The highest revision of the accounts that were forgotten.
    floor bigint NOT NULL,
    -- The configuration under which accounts were parked, and for which the places were shared out.
    parked_under text NOT NULL,
    max_tasks bigint NOT NULL
);

-- The places for tasks, in shares, so that submissions of different accounts rarely wait for the same row. An
-- account takes its places from one share. How many there are in all is in no row: a share that is used
-- up gets more from the others (`share_out`).
CREATE TABLE {schema}.places (
    share bigint PRIMARY KEY,
    taken bigint NOT NULL,
    granted bigint NOT NULL
) WITH (fillfactor = 10);

-- The accounts that hold tasks.
CREATE TABLE {schema}.accounts (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    -- From which share its tasks take their places.
    share bigint NOT NULL,
    -- How often it was written to. Whoever writes compares this with what was read.
    version bigint NOT NULL,
    -- The tokens of the last writes, the latest first: by them a write whose answer was lost is found again.
    tokens bigint[] NOT NULL,
    revision bigint NOT NULL,
    updated_at bytea NOT NULL
) WITH (fillfactor = 70);

-- Whose turn it is: the accounts that may have something to hand out, by their tickets; the others are parked.
CREATE TABLE {schema}.queue (
    account bigint PRIMARY KEY,
    ticket bigint NOT NULL,
    ready boolean NOT NULL,
    -- Until when it is parked (`tasklife::kit::Parked`).
    parked_past bytea,
    parked_until bytea,
    parked_unless_before bytea
) WITH (fillfactor = 70);
CREATE INDEX queue_ready ON {schema}.queue (ticket) WHERE ready;
CREATE INDEX queue_past ON {schema}.queue (parked_past) WHERE parked_past IS NOT NULL;
CREATE INDEX queue_until ON {schema}.queue (parked_until) WHERE parked_until IS NOT NULL;
CREATE INDEX queue_unless_before ON {schema}.queue (parked_unless_before) WHERE parked_unless_before IS NOT NULL;
CREATE SEQUENCE {schema}.tickets;

-- Accounts that had no task left when somebody wrote to them: they are to be looked at again, and forgotten.
CREATE TABLE {schema}.emptied (account bigint PRIMARY KEY);

-- The tasks: each with its record in JSON (`tasklife::TaskRecord`), and what the indexes need of it.
CREATE TABLE {schema}.tasks (
    account bigint NOT NULL,
    id uuid NOT NULL,
    -- 0 initialized, 1 received, 2 processing-in-progress, 3 processing-completed, 4 processing-error.
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
