//! The calls that only read: `get` and `list`.

use tasklife::kit::Call;
use tasklife::{AccountId, BackendError, ListError, ListQuery, Page, Task, TaskId, Timestamp};
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::fault::Fault;
use crate::rows::{
    column, decode, encode_count, encode_instant, encode_revision, read_revision, read_task,
};

impl PostgresStore {
    pub(super) async fn get_task(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        let (name, now, uuid) = (account.as_str(), encode_instant(now), id.as_uuid());
        let values = [(&name as _, Type::TEXT), (&now as _, Type::BYTEA), (&uuid as _, Type::UUID)];
        let rows = self.shared.database.query(&self.shared.statements.get, &values).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let record: Option<&str> = column(row, "record")?;
        Ok(record.map(|record| decode(record, id)).transpose()?)
    }

    pub(super) async fn list_page(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        let below = query.position(account)?.map_or(i64::MAX, encode_revision);
        let above = query.since().map_or(0, encode_revision);
        let statuses = query.statuses().fold(0, |bits, status| bits | 1_i32 << status as u8);
        let count = encode_count(query.limit().get().saturating_add(1));
        let (name, at) = (account.as_str(), encode_instant(now));
        let values = [
            (&name as _, Type::TEXT),
            (&at as _, Type::BYTEA),
            (&statuses as _, Type::INT4),
            (&below as _, Type::INT8),
            (&above as _, Type::INT8),
            (&count as _, Type::INT8),
        ];
        let database = &self.shared.database;
        let rows = database
            .query(&self.shared.statements.list, &values)
            .await
            .map_err(BackendError::from)?;
        let read = || {
            let (first, rows) = rows.split_first().ok_or(Fault::Damaged("a row of the account"))?;
            let tasks: Result<Vec<Option<Task>>, Fault> =
                rows.iter().map(|row| read_task(row, "id", "record")).collect();
            Ok::<_, Fault>((read_revision(first, "revision")?, tasks?))
        };
        let (revision, tasks) = read().map_err(BackendError::from)?;
        let call = Call::new(self.config(), tasklife::MIN_TIME, now);
        Ok(call.page(account, query, tasks.into_iter().flatten().collect(), revision))
    }
}
