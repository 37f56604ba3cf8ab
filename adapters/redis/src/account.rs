//! An account's slot: read in one step, decided on in Rust, written in one step that compares first.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{FromRedisValue, Value};
use tasklife::kit::{ClaimCandidates, Lane};
use tasklife::{
    AccountClock, AccountId, BackendError, ListQuery, MIN_TIME, Now, Revision, StoreConfig, Task,
    TaskId, TransitionError, clamp_time,
};

use crate::connection::{Redis, Reply};
use crate::fault::{Corrupt, Damaged, TokenForgotten, blames_keys, crosses_slots};
use crate::keys::Prefix;
use crate::registry::{Globals, Repaired};
use crate::script::Script;
use crate::{script, text, value};

/// An account and its keys.
pub(crate) struct Account<'a> {
    redis: &'a Redis,
    pub(crate) id: &'a AccountId,
    keys: [String; 13],
    /// Where the horizon is that it shares with others.
    shared: &'a Shared,
    prefix: &'a Prefix,
}

/// Whether an account's scripts can read what all accounts share: on a single server they can, on a
/// cluster it is in another slot.
#[derive(Debug)]
pub(crate) struct Shared(AtomicBool);

impl Shared {
    pub(crate) fn of(redis: &Redis) -> Self {
        Self(AtomicBool::new(redis.is_cluster()))
    }

    /// Whether it can't.
    pub(crate) fn is_split(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether this failure shows that what looks like a single server is a cluster: one node that has all
    /// slots, or a proxy before several.
    pub(crate) fn is_split_by(&self, error: &BackendError) -> bool {
        let crosses = crosses_slots(error);
        if crosses {
            self.0.store(true, Ordering::Relaxed);
        }
        crosses
    }
}

/// How an account stood when it was read, or was left.
#[derive(Clone, Debug)]
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
    pub(crate) candidates: ClaimCandidates,
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
    /// Whether there must be nothing under its id.
    pub(crate) absent: bool,
}

/// What a write has left.
#[derive(Debug)]
pub(crate) struct Committed {
    /// How many tasks the account has.
    pub(crate) tasks: usize,
    pub(crate) state: AccountState,
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

/// Revision, latest update, horizon, whether it is ready, bound, number of writes.
type MetaFields = [Option<String>; 6];

/// A task's id, and its value.
type Found = Option<(String, Vec<u8>)>;

type ClaimFields = (MetaFields, String, Found, Found, bool, String, String);

impl<'a> Account<'a> {
    pub(crate) fn new(
        redis: &'a Redis,
        prefix: &'a Prefix,
        shared: &'a Shared,
        id: &'a AccountId,
    ) -> Self {
        Self { redis, id, keys: prefix.account(id, shared.is_split()), shared, prefix }
    }

    /// Runs a script that changes nothing that callers see.
    async fn query<T: FromRedisValue>(
        &self,
        script: &Script,
        args: &[&[u8]],
    ) -> Result<T, BackendError> {
        self.query_first(script, self.keys.len(), args).await
    }

    /// The same, of a script that needs but the first keys.
    async fn query_first<T: FromRedisValue>(
        &self,
        script: &Script,
        count: usize,
        args: &[&[u8]],
    ) -> Result<T, BackendError> {
        let mut answer = self.redis.query(script, &self.keys[..count], args).await;
        if let Err(error) = &answer
            && self.shared.is_split_by(error)
        {
            let keys = self.prefix.account(self.id, true);
            answer = self.redis.query(script, &keys[..count], args).await;
        }
        answer.map_err(|error| if blames_keys(&error) { self.damaged(error).into() } else { error })
    }

    /// Runs a script that writes.
    async fn execute<T: FromRedisValue>(
        &self,
        script: &Script,
        args: &[&[u8]],
    ) -> Result<Reply<T>, BackendError> {
        let mut reply = self.redis.execute(script, &self.keys, args).await;
        if let Err(error) = &reply
            && self.shared.is_split_by(error)
        {
            reply = self.redis.execute(script, &self.prefix.account(self.id, true), args).await;
        }
        // It may have come upon it in the middle.
        reply.map_err(|error| {
            if blames_keys(&error) { BackendError::unknown(self.damaged(error)) } else { error }
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

    /// The error for a task that is in another status than its place says.
    pub(crate) fn misplaced(&self, task: TaskId, error: TransitionError) -> BackendError {
        self.damaged_task(&name(task), error.into()).into()
    }

    /// The task that is in Redis under an id.
    fn decode(&self, id: &str, value: &[u8]) -> Result<Task, Damaged> {
        let task = value::decode(value).map_err(|source| self.damaged_task(id, source))?;
        if *task.account() == *self.id && name(task.id()) == id {
            return Ok(task);
        }
        let (account, other) = (task.account().clone(), name(task.id()));
        Err(self.damaged_task(id, Corrupt::Foreign { account, id: other }))
    }

    fn encode(&self, task: &Task) -> Result<Vec<u8>, Damaged> {
        value::encode(task).map_err(|source| self.damaged_task(&name(task.id()), source))
    }

    fn decode_found(&self, found: Found) -> Result<Option<Task>, Damaged> {
        found.map(|(id, value)| self.decode(&id, &value)).transpose()
    }

    fn optional_instant(&self, text: String) -> Result<Option<Now>, Damaged> {
        if text.is_empty() { Ok(None) } else { self.instant(Some(text)).map(Some) }
    }

    fn instant(&self, text: Option<String>) -> Result<Now, Damaged> {
        instant_of(text).map_err(|source| self.damaged(source))
    }

    fn state(&self, meta: MetaFields, instant: &str) -> Result<AccountState, Damaged> {
        let [revision, updated_at, horizon, is_ready, bound, writes] = meta;
        let (account, key) = (self.id, &self.keys[0]);
        let blame = |field| {
            move |source| Damaged::State {
                account: account.clone(),
                key: key.clone(),
                field,
                source,
            }
        };
        // The scripts go by its order alone.
        instant_of(horizon.clone()).map_err(blame("h"))?;
        Ok(AccountState {
            revision: revision_of(revision).map_err(blame("r"))?,
            updated_at: instant_of(updated_at).map_err(blame("u"))?,
            horizon,
            writes: writes.and_then(|writes| writes.parse().ok()).unwrap_or_default(),
            instant: instant_of(Some(instant.to_owned())).map_err(blame("h"))?,
            is_ready: is_ready.is_some(),
            bound,
        })
    }

    /// A task, if it is visible.
    pub(crate) async fn get(&self, id: TaskId, now: Now) -> Result<Option<Task>, BackendError> {
        let id = name(id);
        let (horizon, found): (Option<String>, Option<Vec<u8>>) =
            self.query_first(&script::GET, 3, &[id.as_bytes()]).await?;
        let instant = self.instant(horizon)?.max(clamp_time(now));
        let task = self.decode_found(found.map(|value| (id, value)))?;
        Ok(task.filter(|task| task.is_visible_at(instant)))
    }

    pub(crate) async fn read_for_update(
        &self,
        id: TaskId,
        counted: (bool, bool),
        globals: &Globals,
        now: Now,
    ) -> Result<ReadForUpdate, BackendError> {
        let flag = |yes| if yes { "1" } else { "" };
        let id = name(id);
        let args = [&text::instant(now), globals.horizon(), &id, flag(counted.0), flag(counted.1)];
        let (meta, instant, task, open, in_progress): (
            MetaFields,
            String,
            Option<Vec<u8>>,
            usize,
            usize,
        ) = self.query(&script::READ_FOR_UPDATE, &args.map(str::as_bytes)).await?;
        let state = self.state(meta, &instant)?;
        let task = self.decode_found(task.map(|value| (id, value)))?;
        Ok(ReadForUpdate { state, task, open, in_progress })
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
        let [width, oldest_in_progress] = claim_words(config);
        let args = [&*text::instant(now), globals.horizon(), &width, &oldest_in_progress];
        let fields = self.query(&script::READ_FOR_CLAIM, &args.map(str::as_bytes)).await?;
        Ok(self.work(fields)?)
    }

    /// What was read with whose turn it is; none, where it has to be read again.
    pub(crate) fn work_in(&self, answer: Value) -> Option<ReadForClaim> {
        let fields: Option<ClaimFields> = redis::from_redis_value(answer).ok()?;
        self.work(fields?).ok()
    }

    fn work(&self, fields: ClaimFields) -> Result<ReadForClaim, Damaged> {
        let (meta, instant, in_progress, received, room, room_at, unless_before) = fields;
        let lane = if room { Lane::Room } else { Lane::FullUntil(self.optional_instant(room_at)?) };
        let candidates = ClaimCandidates {
            in_progress: self.decode_found(in_progress)?,
            received: self.decode_found(received)?,
            lane,
            hidden_until: self.optional_instant(unless_before)?,
        };
        Ok(ReadForClaim { state: self.state(meta, &instant)?, candidates })
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
        let (revision, horizon, ids, tasks): (_, _, String, Vec<Vec<u8>>) =
            self.query(&script::LIST, &args.map(String::as_bytes)).await?;
        let state = self.state([revision, None, horizon, None, None, None], &text::instant(now))?;
        let at = |number: usize| ids.get(32 * number..).and_then(|ids| ids.get(..32));
        let decode =
            |(number, task): (usize, &Vec<u8>)| self.decode(at(number).unwrap_or_default(), task);
        let tasks: Result<_, Damaged> = tasks.iter().enumerate().map(decode).collect();
        Ok((state.revision.unwrap_or_default(), tasks?))
    }

    /// The earliest expiry of the account's tasks as text; none, where it has no task.
    pub(crate) async fn earliest_expiry(&self) -> Result<String, BackendError> {
        self.query(&script::EARLIEST_EXPIRY, &[]).await
    }

    /// Writes a task; says what it has left, or nothing, where another was faster.
    ///
    /// Where an answer is lost, the same is sent again: a token tells whether it had arrived.
    pub(crate) async fn commit(
        &self,
        task: &Task,
        write: &WriteCondition<'_>,
        grace: Option<Duration>,
        now: Now,
    ) -> Result<Option<Committed>, BackendError> {
        let WriteCondition { state, globals, made_ready, registered, channel, absent } = write;
        let expected = state.expected();
        let revision = task.revision().get().to_string();
        let expires_at = text::instant(task.expires_at());
        let (keep, spare) = grace.map_or_else(Default::default, |grace| {
            let left = (task.expires_at() - clamp_time(now)).num_milliseconds().max(0);
            let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX).min(CENTURY);
            (left.saturating_add(grace).to_string(), grace.to_string())
        });
        let (updated_at, horizon) = (text::instant(task.updated_at()), state.horizon(globals));
        let (id, value) = (name(task.id()), self.encode(task)?);
        let token = self.redis.token();
        let instant = text::instant(state.instant);
        let args: [&[u8]; 14] = [
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
            instant.as_bytes(),
            if *absent { b"1" } else { b"" },
            channel.as_deref().unwrap_or_default().as_bytes(),
        ];
        let reply = self.execute(&script::COMMIT, &args).await?;
        let (written, tasks, writes): (bool, usize, u64) = reply.answer;
        // The account remembers the tokens of its last writes. What is not among them, and would
        // have to be, was not written.
        let forgotten = reply.resent && writes > state.writes.saturating_add(TOKENS);
        match written {
            true => {
                let state = AccountState {
                    revision: Some(task.revision()),
                    updated_at: task.updated_at(),
                    horizon: Some(horizon).filter(|horizon| !horizon.is_empty()),
                    writes,
                    instant: state.instant,
                    is_ready: state.is_ready || *made_ready,
                    bound: if *registered { Some(expires_at) } else { state.bound.clone() },
                };
                Ok(Some(Committed { tasks, state }))
            }
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
        let args = [&expected, &horizon, &globals.floor.to_string()];
        self.query(&script::MARK_PARKED, &args.map(String::as_bytes)).await
    }

    /// Raises the horizon and drops what is due.
    pub(crate) async fn sweep(
        &self,
        limit: usize,
        globals: &Globals,
    ) -> Result<AccountSwept, BackendError> {
        let limit = limit.to_string();
        let token = self.redis.token();
        let floor = globals.floor.to_string();
        let args = [globals.horizon(), &limit, &floor, &token];
        let reply = self.execute(&script::SWEEP, &args.map(str::as_bytes)).await?;
        let (dropped, more, bound, tasks, revision) = reply.answer;
        Ok(AccountSwept { dropped, more, bound, tasks, revision })
    }

    /// How many tasks the account has, at a new revision above the floor.
    pub(crate) async fn fence(&self, floor: &str) -> Result<(usize, String), BackendError> {
        self.query(&script::FENCE, &[floor.as_bytes()]).await
    }

    /// Makes the account safe to use after a fail-over may have taken it back in time.
    pub(crate) async fn repair(&self, gap: u64) -> Result<Repaired, BackendError> {
        let (bound, horizon, tasks, revision) =
            self.query(&script::REPAIR, &[gap.to_string().as_bytes()]).await?;
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
        self.query(&script::EXPIRE_ACCOUNT, &args).await
    }
}

/// What decides on what is read for a claim, as scripts take it: the width of the lane, and whether to look at
/// what is in progress.
pub(crate) fn claim_words(config: &StoreConfig) -> [String; 2] {
    let width = config.max_in_progress().map_or(String::new(), |width| width.to_string());
    let oldest_in_progress = if config.takeover_after().is_some() { "1" } else { "" };
    [width, oldest_in_progress.to_owned()]
}

/// The tokens of how many writes an account remembers.
const TOKENS: u64 = 8;

/// More than any grace need be, in milliseconds.
const CENTURY: i64 = 100 * 366 * 24 * 60 * 60 * 1000;

impl AccountState {
    /// The same at another instant, if it has a revision by which it is known.
    pub(crate) fn at(mut self, now: Now) -> Option<Self> {
        self.revision?;
        let horizon = self.horizon.clone().and_then(|text| text::parse_instant(&text));
        self.instant = clamp_time(now).max(horizon.unwrap_or(MIN_TIME));
        Some(self)
    }

    /// The account's clock `now`; that of a new one begins at the floor.
    ///
    /// Revisions keep up with time. So what was given out, and lost in a fail-over, is not given out
    /// again for something else, as long as the clocks of those who write are less apart than that takes.
    pub(crate) fn clock(&self, globals: &Globals, now: Now) -> AccountClock {
        let revision = self.revision.unwrap_or(globals.floor);
        AccountClock::new(revision.max(Revision::unreached_by(now)), self.updated_at)
    }

    /// Moves the instant to the store's horizon, if that is later.
    pub(crate) fn hear_of(&mut self, globals: &Globals) {
        let horizon = text::parse_instant(globals.horizon());
        self.instant = self.instant.max(horizon.unwrap_or(MIN_TIME));
    }

    /// The bound to register for a task that expires then, if the one that is known is later.
    pub(crate) fn bound_for(&self, expires_at: Now) -> Option<Now> {
        let expiry = text::instant(expires_at);
        self.bound.as_ref().is_none_or(|bound| *bound > expiry).then_some(expires_at)
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

fn revision_of(text: Option<String>) -> Result<Option<Revision>, Corrupt> {
    let Some(text) = text else { return Ok(None) };
    let number: u64 = text.parse().map_err(|_| Corrupt::Number(text))?;
    Ok(Some(Revision::try_from(number)?))
}

/// The instant of a text; the first of all, where there is none.
fn instant_of(text: Option<String>) -> Result<Now, Corrupt> {
    let Some(text) = text else { return Ok(MIN_TIME) };
    text::parse_instant(&text).ok_or(Corrupt::Instant(text))
}
