-- Version 1 of the file. Instants are 12 bytes whose order is theirs (`tasklife::kit::instant_to_bytes`).

-- What holds for the whole store: one row.
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    horizon BLOB NOT NULL,
    -- The highest revision of the accounts that were forgotten.
    floor INTEGER NOT NULL,
    last_ticket INTEGER NOT NULL,
    -- How many tasks there are.
    tasks INTEGER NOT NULL,
    -- The configuration under which accounts were parked.
    parked_under TEXT NOT NULL
) STRICT;

-- The accounts that have tasks.
CREATE TABLE accounts (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    updated_at BLOB NOT NULL,
    -- Its place among the accounts that take turns.
    ticket INTEGER NOT NULL,
    -- Whether it may have something to hand out; if not, when it may have.
    ready INTEGER NOT NULL,
    parked_past BLOB,
    parked_until BLOB,
    parked_unless_before BLOB
) STRICT;
CREATE INDEX accounts_ready ON accounts (ticket) WHERE ready = 1;
CREATE INDEX accounts_past ON accounts (parked_past) WHERE parked_past IS NOT NULL;
CREATE INDEX accounts_until ON accounts (parked_until) WHERE parked_until IS NOT NULL;
CREATE INDEX accounts_unless_before ON accounts (parked_unless_before)
    WHERE parked_unless_before IS NOT NULL;

-- The tasks, each with its record (`tasklife::TaskRecord`, in JSON).
CREATE TABLE tasks (
    key INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    id BLOB NOT NULL,
    -- From 0, initialized, to 4, processing-error.
    status INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    expires_at BLOB NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX tasks_by_id ON tasks (account, id);
-- Lists, and the order in which tasks are handed out.
CREATE UNIQUE INDEX tasks_by_revision ON tasks (account, status, revision);
-- How many unfinished tasks are visible, and when a lane has room. A statement says the same of the status, so that
-- SQLite knows that it may use this index; `status < 3` it would take for a range to look through.
CREATE INDEX tasks_unfinished ON tasks (account, status, expires_at) WHERE status NOT IN (3, 4);
-- Sweeps, and a full store that makes room.
CREATE INDEX tasks_by_expiry ON tasks (expires_at);
