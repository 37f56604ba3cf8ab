//! The single statement that writes a task.

use tasklife::{BackendError, Task, Timestamp};
use tokio_postgres::types::Type;

use super::PostgresStore;
use super::account::{AccountRow, StoreRow};
use crate::database::{Failure, OnRepeat};
use crate::fault::Fault;
use crate::rows::{encode, encode_count, encode_instant, encode_revision, is_overtaken};

/// A task to write, provided that the horizon and the account are still as they were read.
#[derive(Debug)]
pub(super) struct Write<'a> {
    pub(super) store: &'a StoreRow,
    /// `None` if the account had no row.
    pub(super) account: Option<&'a AccountRow>,
    pub(super) task: &'a Task,
    /// Whether the task is a submission.
    pub(super) is_new: bool,
    /// Whether the account may have something to claim afterwards.
    pub(super) makes_ready: bool,
    /// The quota share that a new task counts against.
    pub(super) share: i64,
    /// Set if the store is full: the earliest expired task is dropped, and the horizon moves here.
    pub(super) new_horizon: Option<Timestamp>,
}

/// The outcome of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// Nothing was written, because the horizon or the account has changed.
    Changed,
    /// Nothing was written, because the quota share is used up.
    NoRoom,
}

impl PostgresStore {
    /// Writes a task, or reports why nothing was written.
    pub(super) async fn write(&self, write: &Write<'_>) -> Result<Outcome, BackendError> {
        let task = write.task;
        let name = task.account().as_str();
        let (key, version) =
            (write.account.map(|row| row.key), write.account.map(|row| row.version));
        let horizon = encode_instant(write.store.horizon);
        let token = self.shared.database.token();
        let (uuid, status) = (task.id().as_uuid(), i16::from(task.status() as u8));
        let revision = encode_revision(task.revision());
        let (updated_at, expires_at) =
            (encode_instant(task.updated_at()), encode_instant(task.expires_at()));
        let record = encode(task)?;
        let max_tasks = encode_count(self.config().max_tasks());
        let new_horizon = write.new_horizon.map(encode_instant);
        let values = [
            (&name as _, Type::TEXT),
            (&key as _, Type::INT8),
            (&version as _, Type::INT8),
            (&write.share as _, Type::INT8),
            (&horizon as _, Type::BYTEA),
            (&token as _, Type::INT8),
            (&uuid as _, Type::UUID),
            (&status as _, Type::INT2),
            (&revision as _, Type::INT8),
            (&updated_at as _, Type::BYTEA),
            (&expires_at as _, Type::BYTEA),
            (&record as _, Type::TEXT),
            (&write.is_new as _, Type::BOOL),
            (&write.makes_ready as _, Type::BOOL),
            (&max_tasks as _, Type::INT8),
            (&new_horizon as _, Type::BYTEA),
        ];
        let sql = &self.shared.statements.write;
        let reply = match self.shared.database.run(sql, &values, OnRepeat::Detected).await {
            Ok(reply) => reply,
            // Had an earlier try been applied, the function would have recognized its token before
            // it raised this error.
            Err(Failure { fault, .. }) if is_overtaken(&fault) => return Ok(Outcome::Changed),
            Err(failure) => return Err(failure.into()),
        };
        let row = reply.rows.first().ok_or(Fault::Damaged("an answer to a write"))?;
        match row.try_get(0).map_err(Fault::Database)? {
            "done" | "repeated" => Ok(Outcome::Done),
            // A write that was sent only once was not applied, whatever the account has forgotten.
            "forgotten" if reply.resent => Err(BackendError::unknown(Fault::TokenForgotten)),
            "forgotten" | "changed" => Ok(Outcome::Changed),
            "no room" => Ok(Outcome::NoRoom),
            _ => Err(Fault::Damaged("an answer to a write").into()),
        }
    }
}
