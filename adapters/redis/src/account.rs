//! One account in Redis: its keys, and the scripts that read and write them.
//!
//! All keys of an account are in one slot. A call reads the account in one step, decides in Rust,
//! and writes in one step that first compares the account's revision.

mod commit;
mod maintenance;
mod read;
mod state;

use std::error::Error;

use redis::FromRedisValue;
use tasklife::{AccountId, BackendError, Task, TaskId, Timestamp, TransitionError};

use crate::connection::{Redis, Reply};
use crate::error::{Corrupt, Damaged, is_about_key_contents};
use crate::keys::Prefix;
use crate::script::Script;
use crate::topology::Topology;
use crate::value;

pub(crate) use commit::WriteCondition;
pub(crate) use maintenance::Repaired;
pub(crate) use read::{ReadForClaim, ReadForUpdate, claim_args};
pub(crate) use state::AccountState;

/// An account and its keys.
pub(crate) struct Account<'a> {
    pub(crate) id: &'a AccountId,
    redis: &'a Redis,
    prefix: &'a Prefix,
    topology: &'a Topology,
    keys: [String; 13],
}

/// A task's id as text, and its value.
type FoundTask = Option<(String, Vec<u8>)>;

impl<'a> Account<'a> {
    pub(crate) fn new(
        redis: &'a Redis,
        prefix: &'a Prefix,
        topology: &'a Topology,
        id: &'a AccountId,
    ) -> Self {
        let keys = prefix.account(id, topology.has_slots());
        Self { id, redis, prefix, topology, keys }
    }

    /// Runs a script that only reads, or that can run twice without a difference that callers see.
    /// So an error means that nothing was applied.
    async fn query<T: FromRedisValue>(
        &self,
        script: &Script,
        args: &[&[u8]],
    ) -> Result<T, BackendError> {
        self.query_keys(script, self.keys.len(), args).await
    }

    /// Does the same with a script that gets only the first `count` keys of the account.
    async fn query_keys<T: FromRedisValue>(
        &self,
        script: &Script,
        count: usize,
        args: &[&[u8]],
    ) -> Result<T, BackendError> {
        let mut answer = self.redis.query(script, &self.keys[..count], args).await;
        if let Err(error) = &answer
            && self.topology.learn_from(error)
        {
            let keys = self.prefix.account(self.id, true);
            answer = self.redis.query(script, &keys[..count], args).await;
        }
        answer.map_err(|error| {
            if is_about_key_contents(&error) { self.damaged(error).into() } else { error }
        })
    }

    /// Runs a script that writes.
    async fn execute<T: FromRedisValue>(
        &self,
        script: &Script,
        args: &[&[u8]],
    ) -> Result<Reply<T>, BackendError> {
        let mut reply = self.redis.execute(script, &self.keys, args).await;
        if let Err(error) = &reply
            && self.topology.learn_from(error)
        {
            reply = self.redis.execute(script, &self.prefix.account(self.id, true), args).await;
        }
        // The script may have written something before it read the damaged data.
        reply.map_err(|error| {
            if is_about_key_contents(&error) {
                BackendError::unknown(self.damaged(error))
            } else {
                error
            }
        })
    }

    fn damaged(&self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Damaged {
        let stem = self.keys[0].trim_end_matches("account").to_owned();
        Damaged::Account { account: self.id.clone(), stem, source: source.into() }
    }

    fn damaged_task(&self, task: &str, source: Corrupt) -> Damaged {
        let (account, key) = (self.id.clone(), self.keys[1].clone());
        Damaged::Task { account, task: task.to_owned(), key, source }
    }

    /// Returns the error for a task whose status is not the one under which it was found.
    pub(crate) fn misplaced(&self, task: TaskId, error: TransitionError) -> BackendError {
        self.damaged_task(&id_text(task), error.into()).into()
    }

    /// Decodes the value under a task's id.
    fn decode(&self, id: &str, value: &[u8]) -> Result<Task, Damaged> {
        let task = value::decode(value).map_err(|source| self.damaged_task(id, source))?;
        if *task.account() == *self.id && id_text(task.id()) == id {
            return Ok(task);
        }
        let (account, other) = (task.account().clone(), id_text(task.id()));
        Err(self.damaged_task(id, Corrupt::Foreign { account, id: other }))
    }

    fn decode_found(&self, found: FoundTask) -> Result<Option<Task>, Damaged> {
        found.map(|(id, value)| self.decode(&id, &value)).transpose()
    }

    fn encode(&self, task: &Task) -> Result<Vec<u8>, Damaged> {
        value::encode(task).map_err(|source| self.damaged_task(&id_text(task.id()), source))
    }

    fn instant(&self, text: Option<String>) -> Result<Timestamp, Damaged> {
        state::parse_instant(text).map_err(|source| self.damaged(source))
    }

    fn optional_instant(&self, text: String) -> Result<Option<Timestamp>, Damaged> {
        if text.is_empty() { Ok(None) } else { self.instant(Some(text)).map(Some) }
    }
}

/// Returns a task's id in 32 hexadecimal digits.
fn id_text(id: TaskId) -> String {
    id.as_uuid().simple().to_string()
}
