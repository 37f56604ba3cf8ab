//! Lists: the orders of the statuses that are asked for, merged.

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Rows, params};
use tasklife::kit::instant_to_bytes;
use tasklife::uuid::Uuid;
use tasklife::{ListQuery, Now, Revision, Task, TaskId};

use super::{AccountRow, Tables, decode, number};
use crate::fault::Fault;

impl Tables<'_> {
    /// The visible tasks of an account that match a query, below a position: the first ones, and one more
    /// than its limit, if there is one.
    pub(crate) fn list(
        self,
        account: &AccountRow,
        query: &ListQuery,
        position: Option<Revision>,
        instant: Now,
    ) -> Result<Vec<Task>, Fault> {
        let limit = query.limit().get().saturating_add(1);
        let below = position.map_or(i64::MAX, number);
        let above = query.since().map_or(0, number);
        let mut statements = Vec::new();
        for status in query.statuses() {
            // Each status has a statement of its own, as all of them are read at the same time.
            statements.push(self.0.prepare_cached(&format!(
                "SELECT revision, id, record FROM tasks
                 WHERE account = ?1 AND status = {status} AND revision < ?2 AND revision > ?3
                    AND expires_at > ?4
                 ORDER BY revision DESC",
                status = status as u8
            ))?);
        }
        let mut orders = Vec::with_capacity(statements.len());
        for statement in &mut statements {
            let instant = instant_to_bytes(instant);
            let rows = statement.query(params![account.key, below, above, instant])?;
            orders.push(Order::new(rows)?);
        }
        let mut tasks = Vec::new();
        while tasks.len() < limit {
            let next = orders.iter_mut().max_by_key(|order| order.revision);
            let Some(next) = next.filter(|order| order.revision.is_some()) else { break };
            tasks.push(next.take()?);
        }
        Ok(tasks)
    }
}

/// The tasks of a status, the highest revision first.
struct Order<'s> {
    rows: Rows<'s>,
    /// That of the next one, if there is one.
    revision: Option<i64>,
}

impl<'s> Order<'s> {
    fn new(rows: Rows<'s>) -> Result<Self, Fault> {
        let mut order = Self { rows, revision: None };
        order.advance()?;
        Ok(order)
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
