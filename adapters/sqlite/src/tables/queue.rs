//! What accounts have to hand out, and whose turn it is.

use rusqlite::{CachedStatement, params};
use tasklife::kit::{
    Call, ClaimCandidates, Lane, Parked, PlannedClaim, instant_from_bytes, instant_to_bytes,
};
use tasklife::uuid::Uuid;
use tasklife::{AccountClock, Now, StoreConfig, Task, TaskId, TaskStatus, clamp_time};

use super::{AccountRow, Ready, Tables, decode, instant, number, revision};
use crate::fault::Fault;

impl<'c> Tables<'c> {
    /// What an account hands out; if nothing, for how long.
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
            // Only an account that has nothing is asked what is hidden.
            Err(parked) => {
                let wake_before = self.hidden_until(account, instant)?;
                Ok(Err(Parked { wake_before, ..parked }))
            }
        }
    }

    /// Whether an account has a task to start. No record is read for that.
    fn has_a_start(self, account: &AccountRow, call: &Call<'_>) -> Result<bool, Fault> {
        let received = TaskStatus::Received as u8;
        Ok(self.count_in_status(account, received, call.effective_now(), 1)? > 0
            && self.lane(account, call)? == Lane::Room)
    }

    fn first_in(
        self,
        account: &AccountRow,
        status: TaskStatus,
        instant: Now,
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

    /// Whether a lane has room. It is full until the task expires of which as many expire later, or none
    /// sooner, as would fill it but for one.
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

    fn hidden_until(self, account: &AccountRow, instant: Now) -> Result<Option<Now>, Fault> {
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

    /// Writes an account to which something happened: its clock, its ticket, and whether it is ready.
    pub(crate) fn write_account(self, account: &AccountRow, call: &Call<'_>) -> Result<(), Fault> {
        if self.has_a_start(account, call)? {
            return self.write_queue_entry(account, None);
        }
        let parked = match self.next(account, call) {
            Ok(next) => next.err(),
            // Another task of the account, which a claim tells of.
            Err(fault) if fault.is_of_a_row() => None,
            Err(fault) => return Err(fault),
        };
        self.write_queue_entry(account, parked)
    }

    /// Parks an account that has nothing to hand out, or makes it ready.
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

    /// Whether accounts were parked under a configuration that parks them as this one does.
    pub(crate) fn are_parked_under(self, config: &StoreConfig) -> Result<bool, Fault> {
        let mut statement = self.0.prepare_cached("SELECT parked_under = ?1 FROM store")?;
        let mut rows = statement.query([parking(config)])?;
        let row = rows.next()?.ok_or(Fault::Damaged("a row that tells of the whole store"))?;
        Ok(row.get(0)?)
    }

    /// Makes all accounts ready: from now on they are parked under this configuration.
    pub(crate) fn park_under(self, config: &StoreConfig) -> Result<(), Fault> {
        let mut statement = self.0.prepare_cached("UPDATE store SET parked_under = ?1")?;
        statement.execute([parking(config)])?;
        self.wake("ready = 0")?.execute([])?;
        Ok(())
    }

    /// Makes ready what a clock says should be.
    pub(crate) fn wake_overdue(self, call: &Call<'_>) -> Result<(), Fault> {
        let now = instant_to_bytes(clamp_time(call.now()));
        let instant = instant_to_bytes(call.effective_now());
        // Mostly there is none, which three looks into indexes tell.
        let mut is_any = self.0.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE parked_past < ?1)
                OR EXISTS (SELECT 1 FROM accounts WHERE parked_until <= ?2)
                OR EXISTS (SELECT 1 FROM accounts WHERE parked_unless_before > ?2)",
        )?;
        if !is_any.query_one([now, instant], |row| row.get(0))? {
            return Ok(());
        }
        let overdue = [
            ("parked_past < ?1", now),
            ("parked_until <= ?1", instant),
            ("parked_unless_before > ?1", instant),
        ];
        for (is_over, instant) in overdue {
            self.wake(is_over)?.execute([instant])?;
        }
        Ok(())
    }

    /// The statement that makes accounts ready where something is so.
    fn wake(self, is_so: &str) -> Result<CachedStatement<'c>, Fault> {
        Ok(self.0.prepare_cached(&format!(
            "UPDATE accounts SET ready = 1, parked_past = NULL, parked_until = NULL,
                parked_unless_before = NULL
             WHERE {is_so}"
        ))?)
    }

    /// The account whose turn it is, of those with a ticket behind one, if any may have something to hand out.
    pub(crate) fn next_ready(self, behind: i64) -> Result<Option<Ready>, Fault> {
        let mut statement = self.0.prepare_cached(
            "SELECT key, revision, updated_at, ticket, name FROM accounts
             WHERE ready = 1 AND ticket > ?1 ORDER BY ticket LIMIT 1",
        )?;
        let mut rows = statement.query([behind])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (key, ticket, name) = (row.get(0)?, row.get(3)?, row.get(4)?);
        let clock =
            revision(row, 1).and_then(|revision| Ok(AccountClock::new(revision, instant(row, 2)?)));
        let account = clock.map(|clock| AccountRow { key, clock, ticket });
        Ok(Some(Ready { ticket, name, account }))
    }
}

/// What parks accounts in a configuration.
fn parking(config: &StoreConfig) -> String {
    let (lane, takeover) = (config.max_in_progress(), config.takeover_after());
    format!("max_in_progress {lane:?}, takeover_after {takeover:?}")
}
