//! An account's slot: read in one step, decided on in Rust, written in one step that compares first.

use std::time::Duration;

use tasklife::kit::{Lane, Work};
use tasklife::{
    AccountClock, AccountId, BackendError, ListQuery, MIN_TIME, Now, Revision, StoreConfig, Task,
    TaskId, clamp_time,
};

use crate::connection::Redis;
use crate::fault::{Corrupt, TokenForgotten};
use crate::keys::Prefix;
use crate::registry::{Globals, Repaired};
use crate::{script, text, value};

/// An account and its keys.
pub(crate) struct Account<'a> {
    redis: &'a Redis,
    pub(crate) id: &'a AccountId,
    keys: [String; 12],
}

/// How an account stood when it was read.
#[derive(Debug)]
pub(crate) struct AccountState {
    /// Its revision, if it is known at all: nothing is written unless it still has it.
    pub(crate) revision: Option<Revision>,
    updated_at: Now,
    horizon: Option<String>,
    /// How often something was written to it.
    writes: u64,
    /// The later of `now` and the horizon: what decides on what is visible.
    pub(crate) instant: Now,
    /// Whether it is known to be in the ready queue.
    pub(crate) is_ready: bool,
    /// The registered bound of its expiries, as text.
    pub(crate) bound: Option<String>,
}

/// What decides on a submission or an event.
#[derive(Debug)]
pub(crate) struct ReadForUpdate {
    pub(crate) state: AccountState,
    /// What is under the id, visible or not.
    pub(crate) task: Option<Task>,
    /// The visible unfinished tasks, where they were asked for.
    pub(crate) open: usize,
    /// The visible tasks in progress, where they were asked for.
    pub(crate) in_progress: usize,
}

/// What an account has to hand out.
#[derive(Debug)]
pub(crate) struct ReadForClaim {
    pub(crate) state: AccountState,
    pub(crate) work: Work,
}

/// For what state something is written.
#[derive(Debug)]
pub(crate) struct WriteCondition<'a> {
    pub(crate) state: &'a AccountState,
    pub(crate) globals: &'a Globals,
    /// Whether the account was made ready for it.
    pub(crate) made_ready: bool,
    /// Whether the task's expiry was registered as a bound.
    pub(crate) registered: bool,
    /// Where those are told who wait for work; nowhere, if it makes none.
    pub(crate) channel: Option<String>,
}

/// What a sweep has left of an account.
#[derive(Debug)]
pub(crate) struct AccountSwept {
    pub(crate) dropped: usize,
    pub(crate) more: bool,
    pub(crate) bound: String,
    pub(crate) tasks: usize,
    pub(crate) revision: String,
}

type MetaFields =
    (Option<u64>, Option<String>, Option<String>, Option<String>, Option<String>, Option<u64>);

type ClaimFields = (MetaFields, String, Option<Vec<u8>>, Option<Vec<u8>>, bool, String, String);

impl<'a> Account<'a> {
    pub(crate) fn new(redis: &'a Redis, prefix: &Prefix, id: &'a AccountId) -> Self {
        Self { redis, id, keys: prefix.account(id) }
    }

    /// A task, if it is visible.
    pub(crate) async fn get(&self, id: TaskId, now: Now) -> Result<Option<Task>, BackendError> {
        let id = name(id);
        let (horizon, found): (Option<String>, Option<Vec<u8>>) =
            self.redis.query(&script::GET, &self.keys[..2], &[id.as_bytes()]).await?;
        let instant = instant_of(horizon)?.max(clamp_time(now));
        Ok(value::decode_one(found.as_deref())?.filter(|task| task.is_visible_at(instant)))
    }

    pub(crate) async fn read_for_update(
        &self,
        id: TaskId,
        counted: (bool, bool),
        globals: &Globals,
        now: Now,
    ) -> Result<ReadForUpdate, BackendError> {
        let flag = |yes| if yes { "1" } else { "" };
        let args =
            [&text::instant(now), globals.horizon(), &name(id), flag(counted.0), flag(counted.1)];
        let (meta, instant, task, open, in_progress): (
            MetaFields,
            String,
            Option<Vec<u8>>,
            usize,
            usize,
        ) = self
            .redis
            .query(&script::READ_FOR_UPDATE, &self.keys, &args.map(str::as_bytes))
            .await?;
        let state = AccountState::new(meta, &instant)?;
        Ok(ReadForUpdate { state, task: value::decode_one(task.as_deref())?, open, in_progress })
    }

    /// Whether something was written to the account, or its horizon moved, since it was read.
    pub(crate) async fn has_changed_since(
        &self,
        state: &AccountState,
        id: TaskId,
        globals: &Globals,
        now: Now,
    ) -> Result<bool, BackendError> {
        let read = self.read_for_update(id, (false, false), globals, now).await?.state;
        Ok(read.revision != state.revision || read.instant != state.instant)
    }

    pub(crate) async fn read_for_claim(
        &self,
        config: &StoreConfig,
        globals: &Globals,
        now: Now,
    ) -> Result<ReadForClaim, BackendError> {
        let width = config.max_in_progress().map_or(String::new(), |width| width.to_string());
        let oldest_in_progress = if config.takeover_after().is_some() { "1" } else { "" };
        let args = [&text::instant(now), globals.horizon(), &width, oldest_in_progress];
        let (meta, instant, in_progress, received, room, room_at, unless_before): ClaimFields =
            self.redis.query(&script::READ_FOR_CLAIM, &self.keys, &args.map(str::as_bytes)).await?;
        let lane = if room { Lane::Room } else { Lane::FullUntil(optional_instant(room_at)?) };
        let work = Work {
            in_progress: value::decode_one(in_progress.as_deref())?,
            received: value::decode_one(received.as_deref())?,
            lane,
            hidden_until: optional_instant(unless_before)?,
        };
        Ok(ReadForClaim { state: AccountState::new(meta, &instant)?, work })
    }

    /// The account's revision, and as many tasks as asked for.
    pub(crate) async fn list(
        &self,
        query: &ListQuery,
        position: Option<Revision>,
        count: usize,
        now: Now,
    ) -> Result<(Revision, Vec<Task>), BackendError> {
        let below = position.map_or(String::new(), text::revision);
        let above = text::revision(query.since().unwrap_or_default());
        let statuses: String =
            query.statuses().map(|status| char::from(b'0' + status as u8)).collect();
        let args = [&text::instant(now), &below, &above, &count.to_string(), &statuses];
        let (revision, tasks): (Option<u64>, Vec<Vec<u8>>) =
            self.redis.query(&script::LIST, &self.keys, &args.map(String::as_bytes)).await?;
        let revision = revision_of(revision)?.unwrap_or_default();
        let tasks: Result<_, Corrupt> = tasks.iter().map(|task| value::decode(task)).collect();
        Ok((revision, tasks?))
    }

    /// The earliest expiry of the account's tasks as text; none, where it has no task.
    pub(crate) async fn earliest_expiry(&self) -> Result<String, BackendError> {
        self.redis.query(&script::EARLIEST_EXPIRY, &self.keys, &[]).await
    }

    /// Writes a task; says how many the account then has, or nothing, where another was faster.
    ///
    /// Where an answer is lost, the same is sent again: a token tells whether it had arrived.
    pub(crate) async fn commit(
        &self,
        task: &Task,
        write: &WriteCondition<'_>,
        grace: Option<Duration>,
        now: Now,
    ) -> Result<Option<usize>, BackendError> {
        let WriteCondition { state, globals, made_ready, registered, channel } = write;
        let expected = state.expected();
        let revision = task.revision().get().to_string();
        let expires_at = text::instant(task.expires_at());
        let (keep, spare) = grace.map_or_else(Default::default, |grace| {
            let left = (task.expires_at() - clamp_time(now)).num_milliseconds().max(0);
            let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX).min(CENTURY);
            (left.saturating_add(grace).to_string(), grace.to_string())
        });
        let (updated_at, horizon) = (text::instant(task.updated_at()), state.horizon(globals));
        let (id, value) = (name(task.id()), value::encode(task)?);
        let token = self.redis.token();
        let args: [&[u8]; 12] = [
            expected.as_bytes(),
            revision.as_bytes(),
            updated_at.as_bytes(),
            horizon.as_bytes(),
            if *made_ready { b"1" } else { b"" },
            if *registered { expires_at.as_bytes() } else { b"" },
            id.as_bytes(),
            &value,
            keep.as_bytes(),
            spare.as_bytes(),
            token.as_bytes(),
            channel.as_deref().unwrap_or_default().as_bytes(),
        ];
        let reply = self.redis.execute(&script::COMMIT, &self.keys, &args).await?;
        let (written, tasks, writes): (bool, usize, u64) = reply.answer;
        // The account remembers the tokens of its last writes. What is not among them, and would
        // have to be, was not written.
        let forgotten = reply.resent && writes > state.writes.saturating_add(TOKENS);
        match written {
            true => Ok(Some(tasks)),
            false if forgotten => Err(BackendError::unknown(TokenForgotten)),
            false => Ok(None),
        }
    }

    /// Marks the account as parked, as it has nothing to hand out, unless it has changed since.
    pub(crate) async fn mark_parked(
        &self,
        state: &AccountState,
        globals: &Globals,
    ) -> Result<bool, BackendError> {
        let (expected, horizon) = (state.expected(), state.horizon(globals));
        let args = [&expected, &horizon, &globals.floor];
        self.redis.query(&script::MARK_PARKED, &self.keys, &args.map(String::as_bytes)).await
    }

    /// Raises the horizon and drops what is due.
    pub(crate) async fn sweep(
        &self,
        limit: usize,
        globals: &Globals,
    ) -> Result<AccountSwept, BackendError> {
        let limit = limit.to_string();
        let token = self.redis.token();
        let args = [globals.horizon(), &limit, &globals.floor, &token];
        let reply =
            self.redis.execute(&script::SWEEP, &self.keys, &args.map(str::as_bytes)).await?;
        let (dropped, more, bound, tasks, revision) = reply.answer;
        Ok(AccountSwept { dropped, more, bound, tasks, revision })
    }

    /// How many tasks the account has, at a new revision above the floor.
    pub(crate) async fn fence(&self, floor: &str) -> Result<(usize, String), BackendError> {
        self.redis.query(&script::FENCE, &self.keys, &[floor.as_bytes()]).await
    }

    /// Makes the account safe to use after a fail-over may have taken it back in time.
    pub(crate) async fn repair(&self, gap: u64) -> Result<Repaired, BackendError> {
        let (bound, horizon, tasks, revision) =
            self.redis.query(&script::REPAIR, &self.keys, &[gap.to_string().as_bytes()]).await?;
        Ok(Repaired { bound, horizon, tasks, revision })
    }

    /// Lets go of the account after a while, if it is still at this revision, without tasks.
    pub(crate) async fn expire_after(
        &self,
        revision: &str,
        after: Duration,
    ) -> Result<bool, BackendError> {
        let after = after.as_millis().to_string();
        let args = [revision.as_bytes(), after.as_bytes()];
        self.redis.query(&script::EXPIRE_ACCOUNT, &self.keys, &args).await
    }
}

/// The tokens of how many writes an account remembers.
const TOKENS: u64 = 8;

/// More than any grace need be, in milliseconds.
const CENTURY: i64 = 100 * 366 * 24 * 60 * 60 * 1000;

impl AccountState {
    fn new(meta: MetaFields, instant: &str) -> Result<Self, Corrupt> {
        let (revision, updated_at, horizon, is_ready, bound, writes) = meta;
        Ok(Self {
            revision: revision_of(revision)?,
            updated_at: instant_of(updated_at)?,
            horizon,
            writes: writes.unwrap_or_default(),
            instant: instant_of(Some(instant.to_owned()))?,
            is_ready: is_ready.is_some(),
            bound,
        })
    }

    /// The account's clock `now`; that of a new one begins at the floor.
    ///
    /// Revisions keep up with time. So what was given out, and lost in a fail-over, is not given out
    /// again for something else, as long as the clocks of those who write are less apart than that takes.
    pub(crate) fn clock(&self, globals: &Globals, now: Now) -> Result<AccountClock, Corrupt> {
        let revision = match self.revision {
            Some(revision) => revision,
            None => globals.floor.parse()?,
        };
        Ok(AccountClock::new(revision.max(Revision::unreached_by(now)), self.updated_at))
    }

    /// The horizon to leave behind: the instant is no later than `now` or a horizon, and only the
    /// latter is one.
    fn horizon(&self, globals: &Globals) -> String {
        let known = globals.horizon().to_owned();
        self.horizon.clone().unwrap_or_default().max(known)
    }

    fn expected(&self) -> String {
        self.revision.map_or(String::new(), |revision| revision.to_string())
    }
}

/// A task's id in 32 hexadecimal digits.
fn name(id: TaskId) -> String {
    id.as_uuid().simple().to_string()
}

fn revision_of(number: Option<u64>) -> Result<Option<Revision>, Corrupt> {
    Ok(number.map(Revision::try_from).transpose()?)
}

/// The instant of a text, unless that is empty.
fn optional_instant(text: String) -> Result<Option<Now>, Corrupt> {
    if text.is_empty() { Ok(None) } else { instant_of(Some(text)).map(Some) }
}

/// The instant of a text; the first of all, where there is none.
fn instant_of(text: Option<String>) -> Result<Now, Corrupt> {
    let Some(text) = text else { return Ok(MIN_TIME) };
    text::parse_instant(&text).ok_or(Corrupt::Instant(text))
}
