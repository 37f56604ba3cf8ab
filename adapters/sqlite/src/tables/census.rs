//! Numbers for metrics: the census and the accounts.

use std::num::NonZeroUsize;

use rusqlite::params;
use tasklife::kit::instant_to_bytes;
use tasklife::uuid::Uuid;
use tasklife::{AccountId, Census, TaskId, TaskStatus, Timestamp};

use super::{Tables, decode};
use crate::fault::Fault;

impl Tables<'_> {
    /// Counts the tasks and accounts. It reads every row of two indexes, and the record of each
    /// account's longest-waiting task.
    pub(crate) fn census(self, instant: Timestamp) -> Result<Census, Fault> {
        let instant = instant_to_bytes(instant);
        let number = |count: i64| usize::try_from(count).unwrap_or_default();
        let mut census = Census::new();
        let mut by_status = self.0.prepare_cached(
            "SELECT status, count(*) FROM tasks WHERE expires_at > ?1 GROUP BY status",
        )?;
        let mut rows = by_status.query([instant])?;
        let mut visible = 0;
        while let Some(row) = rows.next()? {
            let status = TaskStatus::ALL.get(usize::from(row.get::<_, u8>(0)?));
            let status = status.ok_or(Fault::Damaged("the number of a status"))?;
            let count = number(row.get(1)?);
            visible += count;
            census = census.with_visible(*status, count);
        }
        let held = self.store()?.tasks;
        let mut accounts = self.0.prepare_cached("SELECT count(*) FROM accounts")?;
        let accounts = accounts.query_one([], |row| row.get(0)).map(number)?;
        census = census.with_expired(held.saturating_sub(visible)).with_accounts(accounts);

        // Times never go back along the revisions of an account, so the lowest has waited longest.
        let mut waiting = self.0.prepare_cached(
            "SELECT tasks.id, tasks.record FROM accounts CROSS JOIN tasks ON tasks.key = (
                SELECT first.key FROM tasks AS first
                WHERE first.account = accounts.key AND first.status = 1 AND first.expires_at > ?1
                ORDER BY first.revision LIMIT 1
             )",
        )?;
        let mut rows = waiting.query([instant])?;
        let mut oldest = Census::new();
        while let Some(row) = rows.next()? {
            let id = TaskId::from(Uuid::from_bytes(row.get(0)?));
            oldest.record(&decode(row, 1, id)?, tasklife::MIN_TIME);
        }
        Ok(census.with_oldest_waiting(oldest.oldest_waiting().cloned()))
    }

    /// Lists accounts that hold tasks, in the order of their names.
    pub(crate) fn accounts(
        self,
        after: Option<&AccountId>,
        limit: NonZeroUsize,
    ) -> Result<Vec<AccountId>, Fault> {
        let mut statement = self
            .0
            .prepare_cached("SELECT name FROM accounts WHERE name > ?1 ORDER BY name LIMIT ?2")?;
        let after = after.map_or("", AccountId::as_str);
        let limit = i64::try_from(limit.get()).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![after, limit])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            names.push(name.parse().map_err(|_| Fault::Damaged("a name of an account"))?);
        }
        Ok(names)
    }
}
