//! Lists: the ordered tasks of each status, merged.

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Rows, params};
use tasklife::kit::instant_to_bytes;
use tasklife::uuid::Uuid;
use tasklife::{ListQuery, Revision, Task, TaskId, Timestamp};

use super::{AccountRow, Tables, decode, number};
use crate::fault::Fault;

impl Tables<'_> {
    /// Reads the visible tasks of an account that match a query, below a position.
    ///
    /// It returns one more than the limit of the query if there are more.
    pub(crate) fn list(
        self,
        account: &AccountRow,
        query: &ListQuery,
        position: Option<Revision>,
        instant: Timestamp,
    ) -> Result<Vec<Task>, Fault> {
        let limit = query.limit().get().saturating_add(1);
        let below = position.map_or(i64::MAX, number);
        let above = query.since().map_or(0, number);
        let mut statements = Vec::new();
        for status in query.statuses() {
            // All statuses are read at the same time, so each needs its own statement.
            statements.push(self.0.prepare_cached(&format!(
                "SELECT revision, id, record FROM tasks
                 WHERE account = ?1 AND status = {status} AND revision < ?2 AND revision > ?3
                    AND expires_at > ?4
                 ORDER BY revision DESC",
                status = status as u8
            ))?);
        }
        let mut by_status = Vec::with_capacity(statements.len());
        for statement in &mut statements {
            let instant = instant_to_bytes(instant);
            let rows = statement.query(params![account.key, below, above, instant])?;
            by_status.push(StatusTasks::new(rows)?);
        }
        let mut tasks = Vec::new();
        while tasks.len() < limit {
            let next = by_status.iter_mut().max_by_key(|tasks| tasks.revision);
            let Some(next) = next.filter(|tasks| tasks.revision.is_some()) else { break };
            tasks.push(next.take()?);
        }
        Ok(tasks)
    }
}

/// The tasks of one status, the highest revision first.
struct StatusTasks<'s> {
    rows: Rows<'s>,
    /// The revision of the next task.
    revision: Option<i64>,
}

impl<'s> StatusTasks<'s> {
    fn new(rows: Rows<'s>) -> Result<Self, Fault> {
        let mut tasks = Self { rows, revision: None };
        tasks.advance()?;
        Ok(tasks)
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.rows.advance()?;
        self.revision = self.rows.get().map(|row| row.get(0)).transpose()?;
        Ok(())
    }

    fn take(&mut self) -> Result<Task, Fault> {
        let row = self.rows.get().ok_or(Fault::Damaged("a task in each row"))?;
        let id = Uuid::from_bytes(row.get(1)?);
        let task = decode(row, 2, TaskId::from(id))?;
        self.advance()?;
        Ok(task)
    }
}
