//! Dropping what has expired.

use tasklife::kit::Call;
use tasklife::{BackendError, MIN_TIME, Now, Swept};
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::database::{Effect, Reply};
use crate::fault::Fault;
use crate::rows::{column, instant, limit as limit_of, read_count};

/// How many tasks are dropped in one transaction.
const AT_ONCE: usize = 1_000;

impl PostgresStore {
    pub(super) async fn sweep_tasks(&self, limit: usize, now: Now) -> Result<Swept, BackendError> {
        let (database, statements) = (&self.shared.database, &self.shared.statements);
        // It moves as far as the later of the two.
        let to = instant(Call::new(self.config(), MIN_TIME, now).horizon_after_sweep());
        let moved =
            database.run(&statements.move_horizon, &[(&to, Type::BYTEA)], Effect::Once).await?;
        let horizon: Vec<u8> = column(first(&moved)?, "horizon")?;
        let mut dropped = 0;
        loop {
            let count = limit_of((limit - dropped).min(AT_ONCE));
            let values = [(&horizon as _, Type::BYTEA), (&count as _, Type::INT8)];
            let reply = database.run(&statements.drop_due, &values, Effect::Each).await;
            let reply = reply.map_err(|mut failure| {
                failure.may_be_done |= dropped > 0;
                failure
            })?;
            let row = first(&reply)?;
            dropped += read_count(row, "dropped")?;
            let more: bool = column(row, "more")?;
            if !more || dropped >= limit {
                return Ok(Swept { dropped, more });
            }
        }
    }
}

fn first(reply: &Reply) -> Result<&tokio_postgres::Row, Fault> {
    reply.rows.first().ok_or(Fault::Damaged("an answer to a sweep"))
}
