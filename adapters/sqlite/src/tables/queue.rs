//! What each account has to claim, and the queue of accounts.

use rusqlite::{CachedStatement, params};
use tasklife::kit::{
    Call, ClaimCandidates, Lane, Parked, PlannedClaim, instant_from_bytes, instant_to_bytes,
};
use tasklife::uuid::Uuid;
use tasklife::{AccountClock, StoreConfig, Task, TaskId, TaskStatus, Timestamp, clamp_time};

use super::{AccountRow, Ready, Tables, decode, instant, number, revision};
use crate::fault::Fault;

impl<'c> Tables<'c> {
    /// Returns what an account hands out, or how to park it if it has nothing.
    pub(crate) fn next(
        self,
        account: &AccountRow,
        call: &Call<'_>,
    ) -> Result<Result<PlannedClaim, Parked>, Fault> {
        let config = call.config();
        let instant = call.effective_now();
        let received = self.first_in(account, TaskStatus::Received, instant)?;
        let in_progress = match config.takeover_after() {
            Some(_) => self.first_in(account, TaskStatus::ProcessingInProgress, instant)?,
            None => None,
        };
        let lane = if received.is_some() { self.lane(account, call)? } else { Lane::Room };
        match call.next_claim(ClaimCandidates { in_progress, received, lane, hidden_until: None }) {
            Ok(planned) => Ok(Ok(planned)),
            // Expired tasks, which a clock that is behind may still see, matter only now.
            Err(parked) => {
                let wake_before = self.hidden_until(account, instant)?;
                Ok(Err(Parked { wake_before, ..parked }))
            }
        }
    }

    /// Returns whether an account has a task to start, without reading a record.
    fn has_task_to_start(self, account: &AccountRow, call: &Call<'_>) -> Result<bool, Fault> {
        let received = TaskStatus::Received as u8;
        Ok(self.count_in_status(account, received, call.effective_now(), 1)? > 0
            && self.lane(account, call)? == Lane::Room)
    }

    /// Reads the visible task in a status with the lowest revision.
    fn first_in(
        self,
        account: &AccountRow,
        status: TaskStatus,
        instant: Timestamp,
    ) -> Result<Option<Task>, Fault> {
        let mut statement = self.0.prepare_cached(
            "SELECT id, record FROM tasks WHERE account = ?1 AND status = ?2 AND expires_at > ?3
             ORDER BY revision LIMIT 1",
        )?;
        let mut rows =
            statement.query(params![account.key, status as u8, instant_to_bytes(instant)])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let id = TaskId::from(Uuid::from_bytes(row.get(0)?));
        let task = decode(row, 1, id)?;
        match task.status() {
            got if got != status => Err(Fault::Status { id, expected: status, got }),
            _ => Ok(Some(task)),
        }
    }

    /// Returns whether a lane has room, or until when expiry leaves it full.
    ///
    /// With a width of 2 and tasks in progress that expire at 10 s, 20 s and 30 s, the lane is full
    /// until 20 s: from then on, only one of them is left.
    fn lane(self, account: &AccountRow, call: &Call<'_>) -> Result<Lane, Fault> {
        let Some(width) = call.config().max_in_progress() else { return Ok(Lane::Room) };
        let mut statement = self.0.prepare_cached(
            "SELECT expires_at FROM tasks
             WHERE account = ?1 AND status = 2 AND status NOT IN (3, 4) AND expires_at > ?2
             ORDER BY expires_at DESC LIMIT 1 OFFSET ?3",
        )?;
        let instant = instant_to_bytes(call.effective_now());
        let mut rows = statement.query(params![account.key, instant, width.get() - 1])?;
        Ok(match rows.next()? {
            Some(row) => Lane::FullUntil(Some(super::instant(row, 0)?)),
            None => Lane::Room,
        })
    }

    /// Returns the latest expiry of the expired tasks that are received or in progress. Before that
    /// instant, a clock that is behind may still see one.
    fn hidden_until(
        self,
        account: &AccountRow,
        instant: Timestamp,
    ) -> Result<Option<Timestamp>, Fault> {
        let mut statement = self.0.prepare_cached(
            "SELECT max(latest) FROM (
                SELECT max(expires_at) AS latest FROM tasks
                WHERE account = ?1 AND status = 1 AND status NOT IN (3, 4) AND expires_at <= ?2
                UNION ALL
                SELECT max(expires_at) FROM tasks
                WHERE account = ?1 AND status = 2 AND status NOT IN (3, 4) AND expires_at <= ?2
             )",
        )?;
        let latest: Option<Vec<u8>> = statement
            .query_one(params![account.key, instant_to_bytes(instant)], |row| row.get(0))?;
        let Some(bytes) = latest else { return Ok(None) };
        instant_from_bytes(&bytes).map(Some).ok_or(Fault::Damaged("an instant"))
    }

    /// Writes an account after a change: its clock, its ticket, and whether it is ready or parked.
    pub(crate) fn write_account(self, account: &AccountRow, call: &Call<'_>) -> Result<(), Fault> {
        if self.has_task_to_start(account, call)? {
            return self.write_queue_entry(account, None);
        }
        let parked = match self.next(account, call) {
            Ok(next) => next.err(),
            // Another task of the account can't be read. A claim reports that.
            Err(fault) if fault.is_unreadable_row() => None,
            Err(fault) => return Err(fault),
        };
        self.write_queue_entry(account, parked)
    }

    /// Writes an account, and parks it or makes it ready.
    pub(crate) fn write_queue_entry(
        self,
        account: &AccountRow,
        parked: Option<Parked>,
    ) -> Result<(), Fault> {
        let mut statement = self.0.prepare_cached(
            "UPDATE accounts SET revision = ?2, updated_at = ?3, ticket = ?4, ready = ?5,
                parked_past = ?6, parked_until = ?7, parked_unless_before = ?8
             WHERE key = ?1",
        )?;
        let AccountRow { key, clock, ticket, .. } = account;
        let Parked { wake_after, wake_at, wake_before } = parked.unwrap_or_default();
        statement.execute(params![
            key,
            number(clock.revision()),
            instant_to_bytes(clock.updated_at()),
            ticket,
            parked.is_none(),
            wake_after.map(instant_to_bytes),
            wake_at.map(instant_to_bytes),
            wake_before.map(instant_to_bytes),
        ])?;
        Ok(())
    }

    /// Returns whether the accounts were parked under an equivalent configuration.
    pub(crate) fn are_parked_under(self, config: &StoreConfig) -> Result<bool, Fault> {
        let mut statement = self.0.prepare_cached("SELECT parked_under = ?1 FROM store")?;
        let mut rows = statement.query([parking(config)])?;
        let row = rows.next()?.ok_or(Fault::Damaged("the row of the whole store"))?;
        Ok(row.get(0)?)
    }

    /// Makes all accounts ready, and records the configuration under which they will be parked.
    pub(crate) fn park_under(self, config: &StoreConfig) -> Result<(), Fault> {
        let mut statement = self.0.prepare_cached("UPDATE store SET parked_under = ?1")?;
        statement.execute([parking(config)])?;
        self.make_ready_where("ready = 0")?.execute([])?;
        Ok(())
    }

    /// Makes the accounts ready that were parked until now.
    pub(crate) fn make_due_accounts_ready(self, call: &Call<'_>) -> Result<(), Fault> {
        let now = instant_to_bytes(clamp_time(call.now()));
        let instant = instant_to_bytes(call.effective_now());
        // Usually there is none, which three index lookups find out.
        let mut is_any = self.0.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE parked_past < ?1)
                OR EXISTS (SELECT 1 FROM accounts WHERE parked_until <= ?2)
                OR EXISTS (SELECT 1 FROM accounts WHERE parked_unless_before > ?2)",
        )?;
        if !is_any.query_one([now, instant], |row| row.get(0))? {
            return Ok(());
        }
        let conditions = [
            ("parked_past < ?1", now),
            ("parked_until <= ?1", instant),
            ("parked_unless_before > ?1", instant),
        ];
        for (condition, instant) in conditions {
            self.make_ready_where(condition)?.execute([instant])?;
        }
        Ok(())
    }

    /// Returns the statement that makes the accounts ready that meet a condition.
    fn make_ready_where(self, condition: &str) -> Result<CachedStatement<'c>, Fault> {
        Ok(self.0.prepare_cached(&format!(
            "UPDATE accounts SET ready = 1, parked_past = NULL, parked_until = NULL,
                parked_unless_before = NULL
             WHERE {condition}"
        ))?)
    }

    /// Returns the ready account with the lowest ticket above `after_ticket`.
    pub(crate) fn next_ready(self, after_ticket: i64) -> Result<Option<Ready>, Fault> {
        let mut statement = self.0.prepare_cached(
            "SELECT key, revision, updated_at, ticket, name FROM accounts
             WHERE ready = 1 AND ticket > ?1 ORDER BY ticket LIMIT 1",
        )?;
        let mut rows = statement.query([after_ticket])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (key, ticket, name) = (row.get(0)?, row.get(3)?, row.get(4)?);
        let clock =
            revision(row, 1).and_then(|revision| Ok(AccountClock::new(revision, instant(row, 2)?)));
        let account = clock.map(|clock| AccountRow { key, clock, ticket });
        Ok(Some(Ready { ticket, name, account }))
    }
}

/// Describes the settings that decide when an account is parked.
fn parking(config: &StoreConfig) -> String {
    let (lane, takeover) = (config.max_in_progress(), config.takeover_after());
    format!("max_in_progress {lane:?}, takeover_after {takeover:?}")
}
