//! What a submission or an event reads before it decides.

use tasklife::{AccountClock, AccountId, Revision, StoreConfig, Task, TaskId, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::fault::Fault;
use crate::rows::{
    column, decode, encode_count, encode_instant, read_count, read_instant, read_revision,
    required_instant,
};

/// The row of the whole store, as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreRow {
    pub(super) horizon: Timestamp,
    /// The highest revision of all forgotten accounts.
    pub(super) floor: Revision,
}

/// The row of an account that holds tasks, as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountRow {
    pub(super) key: i64,
    pub(super) version: i64,
    /// The quota share that its tasks count against.
    pub(super) share: i64,
    clock: AccountClock,
}

/// The input of a decision on a submission or an event.
#[derive(Debug)]
pub(super) struct ReadForUpdate {
    pub(super) store: StoreRow,
    pub(super) account: Option<AccountRow>,
    pub(super) found: Option<Task>,
    pub(super) open: usize,
    pub(super) in_progress: usize,
    /// The number of tasks in the whole store and the earliest expiry, if they were asked for or
    /// the limit of open tasks was reached.
    pub(super) held: Option<(usize, Option<Timestamp>)>,
}

/// What to count besides reading the account and the task.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Up to which number to count the visible open tasks; `None` if they are not limited.
    pub(super) open: Option<usize>,
    /// Up to which number to count the visible tasks in progress.
    pub(super) in_progress: usize,
    /// Whether to count the tasks of the whole store, and to find the earliest expiry.
    pub(super) store: bool,
}

impl AccountRow {
    /// Returns the clock for an event at `now`.
    pub(super) fn clock(&self, now: Timestamp) -> AccountClock {
        keep_up_with_time(self.clock, now)
    }
}

impl StoreRow {
    pub(super) fn read(row: &Row) -> Result<Self, Fault> {
        let (horizon, floor) = (required_instant(row, "horizon")?, read_revision(row, "floor")?);
        Ok(Self { horizon, floor })
    }

    /// Returns the clock of an account without a row, for an event at `now`.
    pub(super) fn clock(&self, now: Timestamp) -> AccountClock {
        keep_up_with_time(AccountClock::after(self.floor), now)
    }
}

impl AccountRow {
    pub(super) fn read(row: &Row) -> Result<Option<Self>, Fault> {
        let Some(key) = column(row, "key")? else { return Ok(None) };
        let clock = AccountClock::new(
            read_revision(row, "revision")?,
            required_instant(row, "updated_at")?,
        );
        let (version, share) = (column(row, "version")?, column(row, "share")?);
        Ok(Some(Self { key, version, share, clock }))
    }
}

/// Raises the revision to one that no event before `now` can have reached.
///
/// So a revision that was lost in a failover is not given to another event, as long as clocks
/// don't go back, and differ by less than the failover takes.
fn keep_up_with_time(clock: AccountClock, now: Timestamp) -> AccountClock {
    let revision = clock.revision().max(Revision::unreached_by(now));
    AccountClock::new(revision, clock.updated_at())
}

impl PostgresStore {
    /// Reads what decides on a submission or an event.
    pub(super) async fn read_for_update(
        &self,
        account: &AccountId,
        id: TaskId,
        counts: Counts,
        now: Timestamp,
    ) -> Result<ReadForUpdate, Fault> {
        let (name, at, uuid) = (account.as_str(), encode_instant(now), id.as_uuid());
        let (open, in_progress) = (counts.open.map(encode_count), encode_count(counts.in_progress));
        let values = [
            (&name as _, Type::TEXT),
            (&at as _, Type::BYTEA),
            (&uuid as _, Type::UUID),
            (&open as _, Type::INT8),
            (&in_progress as _, Type::INT8),
            (&counts.store as _, Type::BOOL),
        ];
        let rows =
            self.shared.database.query(&self.shared.statements.read_for_update, &values).await?;
        let row = rows.first().ok_or(Fault::Damaged("a row of the account"))?;
        let record: Option<&str> = column(row, "record")?;
        let held = match column::<Option<i64>>(row, "held")? {
            Some(_) => Some((read_count(row, "held")?, read_instant(row, "first_expiry")?)),
            None => None,
        };
        Ok(ReadForUpdate {
            store: StoreRow::read(row)?,
            account: AccountRow::read(row)?,
            found: record.map(|record| decode(record, id)).transpose()?,
            open: read_count(row, "open")?,
            in_progress: read_count(row, "in_progress")?,
            held,
        })
    }
}

/// Returns how many open tasks a submission has to count, or `None` if the number is unlimited.
pub(super) fn count_open(config: &StoreConfig) -> Option<usize> {
    (config.max_open() < usize::MAX).then_some(config.max_open())
}
