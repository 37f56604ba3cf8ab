//! Reading and writing the values in rows.

use tasklife::kit::{instant_from_bytes, instant_to_bytes};
use tasklife::uuid::Uuid;
use tasklife::{Revision, Task, TaskId, TaskRecord, TaskStatus, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::fault::Fault;

/// Reads a column.
pub(crate) fn column<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Result<T, Fault> {
    row.try_get(name).map_err(|source| Fault::Column { name: name.into(), source })
}

/// Encodes an instant as it is stored.
pub(crate) fn encode_instant(at: Timestamp) -> Vec<u8> {
    instant_to_bytes(at).to_vec()
}

pub(crate) fn read_instant(row: &Row, name: &str) -> Result<Option<Timestamp>, Fault> {
    let Some(bytes) = column::<Option<&[u8]>>(row, name)? else { return Ok(None) };
    instant_from_bytes(bytes).map(Some).ok_or(Fault::Damaged("an instant"))
}

pub(crate) fn required_instant(row: &Row, name: &str) -> Result<Timestamp, Fault> {
    read_instant(row, name)?.ok_or(Fault::Damaged("an instant"))
}

/// Encodes a revision as it is stored.
pub(crate) fn encode_revision(revision: Revision) -> i64 {
    i64::try_from(revision.get()).unwrap_or(i64::MAX)
}

pub(crate) fn read_revision(row: &Row, name: &str) -> Result<Revision, Fault> {
    let number = u64::try_from(column::<i64>(row, name)?).ok();
    let revision = number.and_then(|number| Revision::try_from(number).ok());
    revision.ok_or(Fault::Damaged("a revision"))
}

pub(crate) fn read_count(row: &Row, name: &str) -> Result<usize, Fault> {
    usize::try_from(column::<i64>(row, name)?).map_err(|_| Fault::Damaged("a number of tasks"))
}

/// Encodes a number of tasks as it is stored.
pub(crate) fn encode_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Encodes the record of a task.
pub(crate) fn encode(task: &Task) -> Result<String, Fault> {
    serde_json::to_string(&TaskRecord::from(task))
        .map_err(|source| Fault::Json { id: task.id(), source })
}

/// Decodes the record of the task with an id.
pub(crate) fn decode(record: &str, id: TaskId) -> Result<Task, Fault> {
    let read: TaskRecord =
        serde_json::from_str(record).map_err(|source| Fault::Json { id, source })?;
    let task = Task::try_from(read).map_err(|source| Fault::Record { id, source })?;
    if task.id() == id { Ok(task) } else { Err(Fault::Foreign { id, got: task.id() }) }
}

/// Reads the task of two columns, the id and the record. Both are null if there is no task.
pub(crate) fn read_task(row: &Row, id: &str, record: &str) -> Result<Option<Task>, Fault> {
    let Some(uuid) = column::<Option<Uuid>>(row, id)? else { return Ok(None) };
    let record: Option<&str> = column(row, record)?;
    record.map(|record| decode(record, TaskId::from(uuid))).transpose()
}

/// Reads the task of two columns, and checks its status.
pub(crate) fn read_task_in(
    row: &Row,
    id: &str,
    record: &str,
    expected: TaskStatus,
) -> Result<Option<Task>, Fault> {
    match read_task(row, id, record)? {
        Some(task) if task.status() != expected => {
            Err(Fault::Status { id: task.id(), expected, got: task.status() })
        }
        task => Ok(task),
    }
}

/// The SQLSTATE with which the functions in `sql/` refuse to write, because a concurrent call has
/// changed what the write relies on.
const OVERTAKEN: &str = "TL001";

/// Returns whether a statement was refused because of a concurrent call.
pub(crate) fn is_overtaken(fault: &Fault) -> bool {
    let Fault::Database(error) = fault else { return false };
    error.code().is_some_and(|state| state.code() == OVERTAKEN)
}
