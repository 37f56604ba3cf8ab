//! Dropping expired tasks.

use tasklife::kit::Call;
use tasklife::{BackendError, MIN_TIME, Swept, Timestamp};
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::database::{OnRepeat, Reply};
use crate::fault::Fault;
use crate::rows::{column, encode_count, encode_instant, read_count};

/// The largest number of tasks that one transaction drops.
const BATCH: usize = 1_000;

impl PostgresStore {
    pub(super) async fn sweep_tasks(
        &self,
        limit: usize,
        now: Timestamp,
    ) -> Result<Swept, BackendError> {
        let (database, statements) = (&self.shared.database, &self.shared.statements);
        // The database keeps the later of this instant and its horizon.
        let to = encode_instant(Call::new(self.config(), MIN_TIME, now).horizon_after_sweep());
        let moved = database
            .run(&statements.move_horizon, &[(&to, Type::BYTEA)], OnRepeat::Detected)
            .await?;
        let horizon: Vec<u8> = column(first(&moved)?, "horizon")?;
        let mut dropped = 0;
        loop {
            let count = encode_count((limit - dropped).min(BATCH));
            let values = [(&horizon as _, Type::BYTEA), (&count as _, Type::INT8)];
            let reply = database.run(&statements.drop_due, &values, OnRepeat::AppliedAgain).await;
            let reply = reply.map_err(|mut failure| {
                failure.may_be_applied |= dropped > 0;
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
