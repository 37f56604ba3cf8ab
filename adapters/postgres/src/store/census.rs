//! What the store holds, in numbers.

use std::num::NonZeroUsize;
use std::time::Duration;

use tasklife::{AccountId, BackendError, Census, MIN_TIME, Now, TaskStatus};
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::fault::Fault;
use crate::rows::{column, instant, limit as limit_of, read_count, read_task};

/// How long a statement of the census may take.
const LIMIT: Duration = Duration::from_mins(1);

impl PostgresStore {
    /// Counts what the store holds, for metrics and for whoever looks for work after a restart. It takes a time that
    /// grows with all tasks and accounts: each of its three statements sees a moment of its own, and may take a minute.
    ///
    /// # Errors
    /// Where the database fails, or the record of a task can't be read that may have waited longest.
    pub async fn census(&self, now: Now) -> Result<Census, BackendError> {
        let (database, statements) = (&self.shared.database, &self.shared.statements);
        let at = instant(now);
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
        let mut oldest = Census::new();
        for row in &database.query_within(LIMIT, &statements.waiting, &values).await? {
            if let Some(task) = read_task(row, "id", "record")? {
                oldest.record(&task, MIN_TIME);
            }
        }
        Ok(census.with_oldest_waiting(oldest.oldest_waiting().cloned()))
    }

    /// A page of the accounts that hold tasks, expired or not: the first ones by name that come after one, if one is
    /// given.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn accounts(
        &self,
        after: Option<&AccountId>,
        limit: NonZeroUsize,
    ) -> Result<Vec<AccountId>, BackendError> {
        let (after, count) = (after.map_or("", AccountId::as_str), limit_of(limit.get()));
        let values = [(&after as _, Type::TEXT), (&count as _, Type::INT8)];
        let rows = self.shared.database.query(&self.shared.statements.accounts, &values).await?;
        let names = rows.iter().map(|row| Ok(column::<&str>(row, "name")?.parse()?));
        Ok(names.collect::<Result<_, Fault>>()?)
    }
}
