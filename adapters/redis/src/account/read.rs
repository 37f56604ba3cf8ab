//! Reading an account: one task, a page, or what a decision needs.

use redis::Value;
use tasklife::kit::{ClaimCandidates, Lane};
use tasklife::{
    BackendError, ListQuery, Revision, StoreConfig, Task, TaskId, Timestamp, clamp_time,
};

use super::state::{AccountState, MetaFields};
use super::{Account, FoundTask, id_text};
use crate::error::Damaged;
use crate::globals::Globals;
use crate::{script, text};

/// What the decision on a submission or an event needs.
#[derive(Debug)]
pub(crate) struct ReadForUpdate {
    pub(crate) state: AccountState,
    /// The task with the id, visible or not.
    pub(crate) task: Option<Task>,
    /// The number of visible open tasks, if it was asked for.
    pub(crate) open: usize,
    /// The number of visible tasks in progress, if it was asked for.
    pub(crate) in_progress: usize,
}

/// What the decision on a claim needs.
#[derive(Debug)]
pub(crate) struct ReadForClaim {
    pub(crate) state: AccountState,
    pub(crate) candidates: ClaimCandidates,
}

/// The answer of `read_work.lua`: metadata, instant, task in progress, received task, whether the
/// lane has room, when it will have room, latest expiry of the tasks passed over.
type WorkFields = (MetaFields, String, FoundTask, FoundTask, bool, String, String);

impl Account<'_> {
    /// Reads a task, if it is visible.
    pub(crate) async fn get(
        &self,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        let id = id_text(id);
        let (horizon, found): (Option<String>, Option<Vec<u8>>) =
            self.query_keys(&script::GET, 3, &[id.as_bytes()]).await?;
        let instant = self.instant(horizon)?.max(clamp_time(now));
        let task = self.decode_found(found.map(|value| (id, value)))?;
        Ok(task.filter(|task| task.is_visible_at(instant)))
    }

    /// Reads the account's revision and at most `count` tasks below a position.
    pub(crate) async fn list(
        &self,
        query: &ListQuery,
        position: Option<Revision>,
        count: usize,
        now: Timestamp,
    ) -> Result<(Revision, Vec<Task>), BackendError> {
        let below = position.map_or(String::new(), text::encode_revision);
        let above = text::encode_revision(query.since().unwrap_or_default());
        let statuses: String =
            query.statuses().map(|status| char::from(b'0' + status as u8)).collect();
        let args = [&text::encode_instant(now), &below, &above, &count.to_string(), &statuses];
        let (revision, horizon, ids, values): (_, _, String, Vec<Vec<u8>>) =
            self.query(&script::LIST, &args.map(String::as_bytes)).await?;
        let meta = [revision, None, horizon, None, None, None];
        let state = self.parse_state(meta, &text::encode_instant(now))?;
        // The ids come as one string, 32 digits for each.
        let id = |number: usize| ids.get(32 * number..).and_then(|ids| ids.get(..32));
        let tasks = values
            .iter()
            .enumerate()
            .map(|(number, value)| self.decode(id(number).unwrap_or_default(), value))
            .collect::<Result<_, Damaged>>()?;
        Ok((state.revision.unwrap_or_default(), tasks))
    }

    /// Reads what the decision on a submission or an event needs.
    pub(crate) async fn read_for_update(
        &self,
        id: TaskId,
        (counts_open, counts_in_progress): (bool, bool),
        globals: &Globals,
        now: Timestamp,
    ) -> Result<ReadForUpdate, BackendError> {
        let id = id_text(id);
        let args = [
            &text::encode_instant(now),
            globals.horizon(),
            &id,
            script::flag(counts_open),
            script::flag(counts_in_progress),
        ];
        let (meta, instant, value, open, in_progress): (
            MetaFields,
            String,
            Option<Vec<u8>>,
            usize,
            usize,
        ) = self.query(&script::READ_FOR_UPDATE, &args.map(str::as_bytes)).await?;
        let state = self.parse_state(meta, &instant)?;
        let task = self.decode_found(value.map(|value| (id, value)))?;
        Ok(ReadForUpdate { state, task, open, in_progress })
    }

    /// Returns whether the account was written to, or its horizon moved, since it was read.
    pub(crate) async fn has_changed_since(
        &self,
        state: &AccountState,
        id: TaskId,
        globals: &Globals,
        now: Timestamp,
    ) -> Result<bool, BackendError> {
        let read = self.read_for_update(id, (false, false), globals, now).await?.state;
        Ok(read.revision != state.revision || read.effective_now != state.effective_now)
    }

    /// Reads what the decision on a claim needs.
    pub(crate) async fn read_for_claim(
        &self,
        config: &StoreConfig,
        globals: &Globals,
        now: Timestamp,
    ) -> Result<ReadForClaim, BackendError> {
        let (lane, takes_over) = claim_args(config);
        let args = [&*text::encode_instant(now), globals.horizon(), &lane, takes_over];
        let fields = self.query(&script::READ_FOR_CLAIM, &args.map(str::as_bytes)).await?;
        Ok(self.parse_work(fields)?)
    }

    /// Parses what was read together with the account's turn; `None` if it must be read again.
    pub(crate) fn work_read_with_turn(&self, answer: Value) -> Option<ReadForClaim> {
        let fields: Option<WorkFields> = redis::from_redis_value(answer).ok()?;
        self.parse_work(fields?).ok()
    }

    fn parse_work(&self, fields: WorkFields) -> Result<ReadForClaim, Damaged> {
        let (meta, instant, in_progress, received, has_room, room_at, hidden_until) = fields;
        let lane =
            if has_room { Lane::Room } else { Lane::FullUntil(self.optional_instant(room_at)?) };
        let candidates = ClaimCandidates {
            in_progress: self.decode_found(in_progress)?,
            received: self.decode_found(received)?,
            lane,
            hidden_until: self.optional_instant(hidden_until)?,
        };
        Ok(ReadForClaim { state: self.parse_state(meta, &instant)?, candidates })
    }
}

/// Returns the arguments for `read_work.lua`: the limit of the lane, and whether to look for tasks
/// to take over.
pub(crate) fn claim_args(config: &StoreConfig) -> (String, &'static str) {
    let lane = config.max_in_progress().map_or(String::new(), |limit| limit.to_string());
    (lane, script::flag(config.takeover_after().is_some()))
}
