-- Version 1 of the file. An instant is stored in 12 bytes that sort by time
-- (`tasklife::kit::instant_to_bytes`).

-- The whole store: one row.
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    horizon BLOB NOT NULL,
    -- The highest revision of all forgotten accounts.
    floor INTEGER NOT NULL,
    last_ticket INTEGER NOT NULL,
    -- The number of all tasks.
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
    -- Its position in the queue of accounts.
    ticket INTEGER NOT NULL,
    -- Whether it may have something to claim. If not, it is parked until the instants below
    -- (`tasklife::kit::Parked`).
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

-- The tasks. Each has its record in JSON (`tasklife::TaskRecord`) and the columns that the indexes
-- need.
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
-- For lists and claims.
CREATE UNIQUE INDEX tasks_by_revision ON tasks (account, status, revision);
-- For counting visible open tasks, and for when a lane has room. A statement repeats the condition
-- on the status, so that SQLite knows that it may use this index. It would scan `status < 3` as a
-- range.
CREATE INDEX tasks_unfinished ON tasks (account, status, expires_at) WHERE status NOT IN (3, 4);
-- For sweeps and for making room in a full store.
CREATE INDEX tasks_by_expiry ON tasks (expires_at);
