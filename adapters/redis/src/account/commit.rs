//! Writing a task.

use std::time::Duration;

use tasklife::{BackendError, Task, Timestamp, clamp_time};

use super::state::AccountState;
use super::{Account, id_text};
use crate::error::TokenForgotten;
use crate::globals::Globals;
use crate::{script, text};

/// The number of latest writes whose tokens an account remembers.
const TOKENS: u64 = 8;

/// The longest grace, in milliseconds: a century. It keeps sums within Redis's range.
const MAX_GRACE: i64 = 100 * 366 * 24 * 60 * 60 * 1000;

/// The state that a write was decided on, and what was registered for it.
#[derive(Debug)]
pub(crate) struct WriteCondition<'a> {
    pub(crate) state: &'a AccountState,
    pub(crate) globals: &'a Globals,
    /// Whether the account was made ready for this write.
    pub(crate) made_ready: bool,
    /// Whether the task's expiry was registered as the account's bound.
    pub(crate) registered: bool,
    /// The channel to notify, if the write may make work.
    pub(crate) channel: Option<String>,
    /// Whether no task may have this id.
    pub(crate) must_be_absent: bool,
}

/// The result of a write.
#[derive(Debug)]
pub(crate) struct Committed {
    /// The number of tasks that the account has.
    pub(crate) tasks: usize,
    pub(crate) state: AccountState,
}

impl Account<'_> {
    /// Writes a task. Returns `None` if the account has changed since it was read.
    ///
    /// If an answer is lost, the same write is sent again; its token shows whether it had arrived.
    pub(crate) async fn commit(
        &self,
        task: &Task,
        write: &WriteCondition<'_>,
        grace: Option<Duration>,
        now: Timestamp,
    ) -> Result<Option<Committed>, BackendError> {
        let WriteCondition { state, globals, .. } = write;
        let expected = state.expected_revision();
        let revision = task.revision().get().to_string();
        let expires_at = text::encode_instant(task.expires_at());
        let (keep_ms, grace_ms) = grace.map_or_else(Default::default, |grace| {
            let left = (task.expires_at() - clamp_time(now)).num_milliseconds().max(0);
            let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX).min(MAX_GRACE);
            (left.saturating_add(grace).to_string(), grace.to_string())
        });
        let (updated_at, horizon) =
            (text::encode_instant(task.updated_at()), state.horizon(globals));
        let (id, value) = (id_text(task.id()), self.encode(task)?);
        let token = self.redis.token();
        let instant = text::encode_instant(state.effective_now);
        let args: [&[u8]; 14] = [
            expected.as_bytes(),
            revision.as_bytes(),
            updated_at.as_bytes(),
            horizon.as_bytes(),
            script::flag(write.made_ready).as_bytes(),
            if write.registered { expires_at.as_bytes() } else { b"" },
            id.as_bytes(),
            &value,
            keep_ms.as_bytes(),
            grace_ms.as_bytes(),
            token.as_bytes(),
            instant.as_bytes(),
            script::flag(write.must_be_absent).as_bytes(),
            write.channel.as_deref().unwrap_or_default().as_bytes(),
        ];
        let reply = self.execute(&script::COMMIT, &args).await?;
        let (is_written, tasks, writes): (bool, usize, u64) = reply.answer;
        if is_written {
            let state = AccountState {
                revision: Some(task.revision()),
                updated_at: task.updated_at(),
                horizon: Some(horizon).filter(|horizon| !horizon.is_empty()),
                writes,
                effective_now: state.effective_now,
                is_ready: state.is_ready || write.made_ready,
                bound: if write.registered { Some(expires_at) } else { state.bound.clone() },
            };
            return Ok(Some(Committed { tasks, state }));
        }
        // A token that is missing proves that the first send was not applied, unless so many writes
        // came since that the account may have forgotten it.
        if reply.resent && writes > state.writes.saturating_add(TOKENS) {
            return Err(BackendError::unknown(TokenForgotten));
        }
        Ok(None)
    }
}
