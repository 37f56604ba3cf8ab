//! The tables, and the statements that read and write them.

mod census;
mod list;
mod queue;

use rusqlite::{Connection, Row, params};
use tasklife::kit::{instant_from_bytes, instant_to_bytes};
use tasklife::{AccountClock, AccountId, MAX_TIME, Revision, Task, TaskId, TaskRecord, Timestamp};

use crate::fault::Fault;

/// Access to the tables in a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tables<'c>(&'c Connection);

/// The row of the whole store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreRow {
    pub(crate) horizon: Timestamp,
    /// The highest revision of all forgotten accounts.
    pub(crate) floor: Revision,
    last_ticket: i64,
    /// The number of all tasks.
    pub(crate) tasks: usize,
}

/// The row of an account that has tasks.
#[derive(Debug)]
pub(crate) struct AccountRow {
    pub(crate) key: i64,
    pub(crate) clock: AccountClock,
    pub(crate) ticket: i64,
}

/// The next account in the ready queue.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) ticket: i64,
    pub(crate) name: String,
    /// The row of the account, or why it can't be read.
    pub(crate) account: Result<AccountRow, Fault>,
}

/// A task that may be dropped once it has expired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExpiringRow {
    key: i64,
    account: i64,
    pub(crate) expires_at: Timestamp,
}

impl StoreRow {
    /// Returns a ticket behind all others.
    pub(crate) fn next_ticket(&mut self) -> i64 {
        self.last_ticket = self.last_ticket.saturating_add(1);
        self.last_ticket
    }
}

impl<'c> Tables<'c> {
    pub(crate) const fn new(connection: &'c Connection) -> Self {
        Self(connection)
    }

    pub(crate) fn store(self) -> Result<StoreRow, Fault> {
        let mut statement =
            self.0.prepare_cached("SELECT horizon, floor, last_ticket, tasks FROM store")?;
        let mut rows = statement.query([])?;
        let row = rows.next()?.ok_or(Fault::Damaged("the row of the whole store"))?;
        Ok(StoreRow {
            horizon: instant(row, 0)?,
            floor: revision(row, 1)?,
            last_ticket: row.get(2)?,
            tasks: usize::try_from(row.get::<_, i64>(3)?)
                .map_err(|_| Fault::Damaged("a number of tasks"))?,
        })
    }

    pub(crate) fn write_store(self, store: &StoreRow) -> Result<(), Fault> {
        let mut statement = self.0.prepare_cached(
            "UPDATE store SET horizon = ?1, floor = ?2, last_ticket = ?3, tasks = ?4",
        )?;
        let StoreRow { horizon, floor, last_ticket, tasks } = *store;
        let tasks = i64::try_from(tasks).unwrap_or(i64::MAX);
        statement.execute(params![instant_to_bytes(horizon), number(floor), last_ticket, tasks])?;
        Ok(())
    }

    pub(crate) fn account(self, name: &AccountId) -> Result<Option<AccountRow>, Fault> {
        let mut statement = self.0.prepare_cached(
            "SELECT key, revision, updated_at, ticket FROM accounts WHERE name = ?1",
        )?;
        let mut rows = statement.query([name.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(AccountRow {
            key: row.get(0)?,
            clock: AccountClock::new(revision(row, 1)?, instant(row, 2)?),
            ticket: row.get(3)?,
        }))
    }

    /// Inserts an account that is new or was forgotten.
    pub(crate) fn add_account(
        self,
        name: &AccountId,
        store: &mut StoreRow,
    ) -> Result<AccountRow, Fault> {
        let clock = AccountClock::after(store.floor);
        let ticket = store.next_ticket();
        let mut statement = self.0.prepare_cached(
            "INSERT INTO accounts (name, revision, updated_at, ticket, ready)
             VALUES (?1, ?2, ?3, ?4, 0)",
        )?;
        let updated_at = instant_to_bytes(clock.updated_at());
        let key = statement.insert(params![
            name.as_str(),
            number(clock.revision()),
            updated_at,
            ticket
        ])?;
        Ok(AccountRow { key, clock, ticket })
    }

    /// Reads a task of an account, visible or not.
    pub(crate) fn task(self, account: &AccountRow, id: TaskId) -> Result<Option<Task>, Fault> {
        let mut statement =
            self.0.prepare_cached("SELECT record FROM tasks WHERE account = ?1 AND id = ?2")?;
        let mut rows = statement.query(params![account.key, id.as_uuid().as_bytes()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        decode(row, 0, id).map(Some)
    }

    /// Writes a new task. It replaces an expired one with the same id.
    pub(crate) fn insert_task(self, account: &AccountRow, task: &Task) -> Result<(), Fault> {
        let mut statement = self.0.prepare_cached(
            "INSERT INTO tasks (account, id, status, revision, expires_at, record)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (account, id) DO UPDATE SET
                status = excluded.status, revision = excluded.revision,
                expires_at = excluded.expires_at, record = excluded.record",
        )?;
        statement.execute(params![
            account.key,
            task.id().as_uuid().as_bytes(),
            task.status() as u8,
            number(task.revision()),
            instant_to_bytes(task.expires_at()),
            encode(task)?,
        ])?;
        Ok(())
    }

    /// Writes a changed task.
    pub(crate) fn update_task(self, account: &AccountRow, task: &Task) -> Result<(), Fault> {
        let mut update = self.0.prepare_cached(
            "UPDATE tasks SET status = ?3, revision = ?4, record = ?6
             WHERE account = ?1 AND id = ?2 AND expires_at = ?5",
        )?;
        let (uuid, record) = (task.id().as_uuid(), encode(task)?);
        let values = params![
            account.key,
            uuid.as_bytes(),
            task.status() as u8,
            number(task.revision()),
            instant_to_bytes(task.expires_at()),
            record,
        ];
        if update.execute(values)? == 0 {
            // The expiry has changed. Usually it hasn't, and its indexes need no update.
            let mut update = self.0.prepare_cached(
                "UPDATE tasks SET status = ?3, revision = ?4, expires_at = ?5, record = ?6
                 WHERE account = ?1 AND id = ?2",
            )?;
            update.execute(values)?;
        }
        Ok(())
    }

    /// Counts the open tasks of an account that are visible at an instant, up to a limit.
    pub(crate) fn count_open(
        self,
        account: &AccountRow,
        instant: Timestamp,
        limit: usize,
    ) -> Result<usize, Fault> {
        let mut open = 0;
        for status in 0..3 {
            open += self.count_in_status(account, status, instant, limit - open)?;
        }
        Ok(open)
    }

    /// Counts the tasks in progress of an account that are visible at an instant, up to a limit.
    pub(crate) fn count_in_progress(
        self,
        account: &AccountRow,
        instant: Timestamp,
        limit: usize,
    ) -> Result<usize, Fault> {
        self.count_in_status(account, 2, instant, limit)
    }

    fn count_in_status(
        self,
        account: &AccountRow,
        status: u8,
        instant: Timestamp,
        limit: usize,
    ) -> Result<usize, Fault> {
        let mut statement = self.0.prepare_cached(
            "SELECT count(*) FROM (
                SELECT 1 FROM tasks
                WHERE account = ?1 AND status = ?2 AND status NOT IN (3, 4) AND expires_at > ?3
                LIMIT ?4
             )",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let instant = instant_to_bytes(instant);
        let count: i64 =
            statement.query_one(params![account.key, status, instant, limit], |row| row.get(0))?;
        usize::try_from(count).map_err(|_| Fault::Damaged("a number of tasks"))
    }

    /// Returns the task with the earliest expiry.
    pub(crate) fn expires_first(self) -> Result<Option<ExpiringRow>, Fault> {
        Ok(self.expiring(MAX_TIME, 1)?.pop())
    }

    /// Returns up to `limit` tasks that expire at or before an instant, the earliest first.
    pub(crate) fn expiring(self, by: Timestamp, limit: usize) -> Result<Vec<ExpiringRow>, Fault> {
        let mut statement = self.0.prepare_cached(
            "SELECT key, account, expires_at FROM tasks WHERE expires_at <= ?1
             ORDER BY expires_at LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![instant_to_bytes(by), limit])?;
        let mut expiring = Vec::new();
        while let Some(row) = rows.next()? {
            let (key, account) = (row.get(0)?, row.get(1)?);
            expiring.push(ExpiringRow { key, account, expires_at: instant(row, 2)? });
        }
        Ok(expiring)
    }

    /// Drops tasks, and forgets accounts without tasks. Their revisions raise the floor.
    pub(crate) fn drop_tasks(
        self,
        tasks: &[ExpiringRow],
        store: &mut StoreRow,
    ) -> Result<(), Fault> {
        let mut delete = self.0.prepare_cached("DELETE FROM tasks WHERE key = ?1")?;
        let mut accounts: Vec<i64> = tasks.iter().map(|task| task.account).collect();
        for task in tasks {
            delete.execute([task.key])?;
        }
        store.tasks = store.tasks.saturating_sub(tasks.len());
        accounts.sort_unstable();
        accounts.dedup();
        let mut forget = self.0.prepare_cached(
            "DELETE FROM accounts WHERE key = ?1
                AND NOT EXISTS (SELECT 1 FROM tasks WHERE account = ?1)
             RETURNING revision",
        )?;
        for account in accounts {
            let mut forgotten = forget.query([account])?;
            if let Some(row) = forgotten.next()? {
                store.floor = store.floor.max(revision(row, 0)?);
            }
        }
        Ok(())
    }

    /// Reads a visible task in one statement.
    pub(crate) fn get(
        self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, Fault> {
        let mut statement = self.0.prepare_cached(
            "SELECT record FROM tasks
             WHERE account = (SELECT key FROM accounts WHERE name = ?1) AND id = ?2
                AND expires_at > ?3 AND expires_at > (SELECT horizon FROM store)",
        )?;
        let (uuid, now) = (id.as_uuid(), instant_to_bytes(now));
        let mut rows = statement.query(params![account.as_str(), uuid.as_bytes(), now])?;
        let Some(row) = rows.next()? else {
            // If the row of the store is missing, this reports it.
            self.store()?;
            return Ok(None);
        };
        decode(row, 0, id).map(Some)
    }
}

fn encode(task: &Task) -> Result<String, Fault> {
    serde_json::to_string(&TaskRecord::from(task))
        .map_err(|source| Fault::Json { id: task.id(), source })
}

fn decode(row: &Row<'_>, column: usize, id: TaskId) -> Result<Task, Fault> {
    let text = row.get_ref(column)?.as_str().map_err(|_| Fault::Damaged("a record in text"))?;
    let record: TaskRecord =
        serde_json::from_str(text).map_err(|source| Fault::Json { id, source })?;
    let task = Task::try_from(record)?;
    if task.id() == id { Ok(task) } else { Err(Fault::Foreign { id, got: task.id() }) }
}

/// Encodes a revision as it is stored.
fn number(revision: Revision) -> i64 {
    i64::try_from(revision.get()).unwrap_or(i64::MAX)
}

fn revision(row: &Row<'_>, column: usize) -> Result<Revision, Fault> {
    let number = u64::try_from(row.get::<_, i64>(column)?).ok();
    let revision = number.and_then(|number| Revision::try_from(number).ok());
    revision.ok_or(Fault::Damaged("a revision"))
}

fn instant(row: &Row<'_>, column: usize) -> Result<Timestamp, Fault> {
    optional_instant(row, column)?.ok_or(Fault::Damaged("an instant"))
}

fn optional_instant(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, Fault> {
    let Some(bytes) =
        row.get_ref(column)?.as_blob_or_null().map_err(|_| Fault::Damaged("an instant"))?
    else {
        return Ok(None);
    };
    instant_from_bytes(bytes).map(Some).ok_or(Fault::Damaged("an instant"))
}
