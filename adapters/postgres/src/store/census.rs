//! Numbers for metrics: the census and the accounts.

use std::num::NonZeroUsize;
use std::time::Duration;

use tasklife::{AccountId, BackendError, Census, MIN_TIME, TaskStatus, Timestamp};
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::fault::Fault;
use crate::rows::{column, encode_count, encode_instant, read_count, read_task};

/// The time limit of each statement of the census.
const LIMIT: Duration = Duration::from_mins(1);

impl PostgresStore {
    /// Counts the tasks and accounts, for metrics and for finding work after a restart.
    ///
    /// The time it takes grows with the number of all tasks and accounts. Each of its three
    /// statements sees a moment of its own, may take a minute, and is not retried.
    ///
    /// # Errors
    ///
    /// Returns [`BackendError`] if the database fails, or if the record of the longest-waiting task
    /// of an account can't be read.
    pub async fn census(&self, now: Timestamp) -> Result<Census, BackendError> {
        let (database, statements) = (&self.shared.database, &self.shared.statements);
        let at = encode_instant(now);
        let values = [(&at as _, Type::BYTEA)];
        let (mut census, mut expired) = (Census::new(), 0);
        for row in &database.query_within(LIMIT, &statements.census, &values).await? {
            let status = usize::try_from(column::<i16>(row, "status")?).ok();
            let status = status.and_then(|number| TaskStatus::ALL.get(number));
            let status = status.ok_or(Fault::Damaged("the number of a status"))?;
            census = census.with_visible(*status, read_count(row, "visible")?);
            expired += read_count(row, "expired")?;
        }
        let rows = database.query_within(LIMIT, &statements.count_accounts, &[]).await?;
        let row = rows.first().ok_or(Fault::Damaged("a number of accounts"))?;
        census = census.with_expired(expired).with_accounts(read_count(row, "count")?);
        // Another census finds the oldest of these. At `MIN_TIME`, all of them count as visible.
        let mut oldest = Census::new();
        for row in &database.query_within(LIMIT, &statements.waiting, &values).await? {
            if let Some(task) = read_task(row, "id", "record")? {
                oldest.record(&task, MIN_TIME);
            }
        }
        Ok(census.with_oldest_waiting(oldest.oldest_waiting().cloned()))
    }

    /// Lists accounts that hold tasks, expired or not, in the order of their names.
    ///
    /// Returns the first `limit` accounts, or those that come after `after`.
    ///
    /// # Errors
    ///
    /// Returns [`BackendError`] if the database fails.
    pub async fn accounts(
        &self,
        after: Option<&AccountId>,
        limit: NonZeroUsize,
    ) -> Result<Vec<AccountId>, BackendError> {
        let (after, count) = (after.map_or("", AccountId::as_str), encode_count(limit.get()));
        let values = [(&after as _, Type::TEXT), (&count as _, Type::INT8)];
        let rows = self.shared.database.query(&self.shared.statements.accounts, &values).await?;
        let names = rows.iter().map(|row| Ok(column::<&str>(row, "name")?.parse()?));
        Ok(names.collect::<Result<_, Fault>>()?)
    }
}
