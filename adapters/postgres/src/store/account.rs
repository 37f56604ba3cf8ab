//! What is read of an account before something is decided.

use tasklife::{AccountClock, AccountId, Now, Revision, StoreConfig, Task, TaskId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::fault::Fault;
use crate::rows::{
    column, decode, instant, limit, read_count, read_instant, read_revision, required_instant,
};

/// What holds for the whole store, as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreRow {
    pub(super) horizon: Now,
    /// The highest revision of the accounts that were forgotten.
    pub(super) floor: Revision,
}

/// An account that holds tasks, as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountRow {
    pub(super) key: i64,
    pub(super) version: i64,
    /// Where its tasks take their places.
    pub(super) share: i64,
    clock: AccountClock,
}

/// What decides on a submission or an event.
#[derive(Debug)]
pub(super) struct ReadForUpdate {
    pub(super) store: StoreRow,
    pub(super) account: Option<AccountRow>,
    pub(super) found: Option<Task>,
    pub(super) open: usize,
    pub(super) in_progress: usize,
    /// How many tasks there are in all, and when the first one expires, where that was asked.
    pub(super) held: Option<(usize, Option<Now>)>,
}

impl AccountRow {
    /// Its clock. Revisions keep up with time: what was given out, and lost in a fail-over, is not given out again for
    /// something else.
    pub(super) fn clock(&self, now: Now) -> AccountClock {
        up_to(self.clock, now)
    }
}

impl StoreRow {
    pub(super) fn read(row: &Row) -> Result<Self, Fault> {
        let (horizon, floor) = (required_instant(row, "horizon")?, read_revision(row, "floor")?);
        Ok(Self { horizon, floor })
    }

    /// The clock of an account that is not there.
    pub(super) fn clock(&self, now: Now) -> AccountClock {
        up_to(AccountClock::after(self.floor), now)
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

fn up_to(clock: AccountClock, now: Now) -> AccountClock {
    let revision = clock.revision().max(Revision::unreached_by(now));
    AccountClock::new(revision, clock.updated_at())
}

impl PostgresStore {
    pub(super) async fn read_for_update(
        &self,
        account: &AccountId,
        id: TaskId,
        counted_open: Option<usize>,
        counted_in_progress: usize,
        looks_for_room: bool,
        now: Now,
    ) -> Result<ReadForUpdate, Fault> {
        let (name, at, uuid) = (account.as_str(), instant(now), id.as_uuid());
        let (open, in_progress) = (counted_open.map(limit), limit(counted_in_progress));
        let values = [
            (&name as _, Type::TEXT),
            (&at as _, Type::BYTEA),
            (&uuid as _, Type::UUID),
            (&open as _, Type::INT8),
            (&in_progress as _, Type::INT8),
            (&looks_for_room as _, Type::BOOL),
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

/// Up to how many unfinished tasks a submission has to count: none, where an account may have any number.
pub(super) fn counted_open(config: &StoreConfig) -> Option<usize> {
    (config.max_open() < usize::MAX).then_some(config.max_open())
}
