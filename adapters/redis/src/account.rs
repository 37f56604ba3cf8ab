//! An account's slot: read in one step, decided on in Rust, written in one step that compares first.

use std::time::Duration;

use tasklife::{
    AccountClock, AccountId, BackendError, ListQuery, MIN_TIME, Now, Revision, StoreConfig, Task,
    TaskId, within_years,
};

use crate::connection::Redis;
use crate::fault::{Corrupt, Forgotten};
use crate::keys::Prefix;
use crate::registry::{Known, Sleep};
use crate::{script, text, value};

/// An account and its keys.
pub(crate) struct Account<'a> {
    redis: &'a Redis,
    pub(crate) id: &'a AccountId,
    keys: [String; 12],
}

/// How an account stood when it was read.
#[derive(Debug)]
pub(crate) struct State {
    /// Its revision, if it is known at all: nothing is written unless it still has it.
    pub(crate) revision: Option<Revision>,
    updated_at: Now,
    horizon: Option<String>,
    /// How often something was written to it.
    writes: u64,
    /// The later of `now` and the horizon: what decides on what is visible.
    pub(crate) instant: Now,
    /// Whether it is known to have a place in the queue of accounts.
    pub(crate) awake: bool,
    /// The registered bound of its expiries, as text.
    pub(crate) bound: Option<String>,
}

/// What decides on a submission or an event.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) state: State,
    /// What is under the id, visible or not.
    pub(crate) task: Option<Task>,
    /// The visible unfinished tasks, where they were asked for.
    pub(crate) open: usize,
    /// The visible tasks in progress, where they were asked for.
    pub(crate) running: usize,
}

/// What an account has to hand out.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) state: State,
    /// The visible task in progress that was updated first.
    pub(crate) silent: Option<Task>,
    /// The visible task that has been received longest.
    pub(crate) received: Option<Task>,
    /// Whether there is room in the lane.
    pub(crate) room: bool,
    /// When there will be, by expiry.
    free_at: String,
    /// The latest expiry of those that were passed over.
    before: String,
}

/// For what state something is written.
#[derive(Debug)]
pub(crate) struct Write<'a> {
    pub(crate) state: &'a State,
    pub(crate) known: &'a Known,
    /// Whether the account was woken for it.
    pub(crate) woken: bool,
    /// Whether the task's expiry was registered as a bound.
    pub(crate) registered: bool,
}

/// What a sweep has left of an account.
#[derive(Debug)]
pub(crate) struct Drained {
    pub(crate) dropped: usize,
    pub(crate) more: bool,
    pub(crate) bound: String,
    pub(crate) tasks: usize,
    pub(crate) revision: String,
}

/// What the registry has to know of an account, as texts; none, where it has none.
#[derive(Debug)]
pub(crate) struct Mended {
    /// At most the earliest expiry of its tasks.
    pub(crate) bound: String,
    pub(crate) horizon: String,
    pub(crate) tasks: usize,
    pub(crate) revision: String,
}

type Marks =
    (Option<u64>, Option<String>, Option<String>, Option<String>, Option<String>, Option<u64>);

type Offered = (Marks, String, Option<Vec<u8>>, Option<Vec<u8>>, bool, String, String);

impl<'a> Account<'a> {
    pub(crate) fn new(redis: &'a Redis, prefix: &Prefix, id: &'a AccountId) -> Self {
        Self { redis, id, keys: prefix.account(id) }
    }

    /// A task, if it is visible.
    pub(crate) async fn get(&self, id: TaskId, now: Now) -> Result<Option<Task>, BackendError> {
        let id = name(id);
        let (horizon, found): (Option<String>, Option<Vec<u8>>) =
            self.redis.ask(&script::GET, &self.keys[..2], &[id.as_bytes()]).await?;
        let instant = instant_of(horizon)?.max(within_years(now));
        Ok(value::decode_one(found.as_deref())?.filter(|task| task.is_visible_at(instant)))
    }

    pub(crate) async fn look(
        &self,
        id: TaskId,
        counted: (bool, bool),
        known: &Known,
        now: Now,
    ) -> Result<Look, BackendError> {
        let flag = |yes| if yes { "1" } else { "" };
        let args =
            [&text::instant(now), known.horizon(), &name(id), flag(counted.0), flag(counted.1)];
        let (marks, instant, task, open, running): (Marks, String, Option<Vec<u8>>, usize, usize) =
            self.redis.ask(&script::LOOK, &self.keys, &args.map(str::as_bytes)).await?;
        let state = State::new(marks, &instant)?;
        Ok(Look { state, task: value::decode_one(task.as_deref())?, open, running })
    }

    pub(crate) async fn offer(
        &self,
        config: &StoreConfig,
        known: &Known,
        now: Now,
    ) -> Result<Offer, BackendError> {
        let width = config.max_in_progress().map_or(String::new(), |width| width.to_string());
        let silent = if config.takeover_after().is_some() { "1" } else { "" };
        let args = [&text::instant(now), known.horizon(), &width, silent];
        let (marks, instant, silent, received, room, free_at, before): Offered =
            self.redis.ask(&script::OFFER, &self.keys, &args.map(str::as_bytes)).await?;
        let state = State::new(marks, &instant)?;
        let silent = value::decode_one(silent.as_deref())?;
        let received = value::decode_one(received.as_deref())?;
        Ok(Offer { state, silent, received, room, free_at, before })
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
            self.redis.ask(&script::LIST, &self.keys, &args.map(String::as_bytes)).await?;
        let revision = revision_of(revision)?.unwrap_or_default();
        let tasks: Result<_, Corrupt> = tasks.iter().map(|task| value::decode(task)).collect();
        Ok((revision, tasks?))
    }

    /// The earliest expiry of the account's tasks as text; none, where it has no task.
    pub(crate) async fn earliest(&self) -> Result<String, BackendError> {
        self.redis.ask(&script::EARLIEST, &self.keys, &[]).await
    }

    /// Writes a task; says how many the account then has, or nothing, where another was faster.
    ///
    /// Where an answer is lost, the same is sent again: a token tells whether it had arrived.
    pub(crate) async fn commit(
        &self,
        task: &Task,
        write: &Write<'_>,
        grace: Option<Duration>,
        now: Now,
    ) -> Result<Option<usize>, BackendError> {
        let Write { state, known, woken, registered } = write;
        let expected = state.expected();
        let revision = task.revision().get().to_string();
        let expires_at = text::instant(task.expires_at());
        let (keep, spare) = grace.map_or_else(Default::default, |grace| {
            let left = (task.expires_at() - within_years(now)).num_milliseconds().max(0);
            let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX).min(CENTURY);
            (left.saturating_add(grace).to_string(), grace.to_string())
        });
        let (updated_at, horizon) = (text::instant(task.updated_at()), state.horizon(known));
        let (id, value) = (name(task.id()), value::encode(task)?);
        let token = self.redis.token();
        let args: [&[u8]; 11] = [
            expected.as_bytes(),
            revision.as_bytes(),
            updated_at.as_bytes(),
            horizon.as_bytes(),
            if *woken { b"1" } else { b"" },
            if *registered { expires_at.as_bytes() } else { b"" },
            id.as_bytes(),
            &value,
            keep.as_bytes(),
            spare.as_bytes(),
            token.as_bytes(),
        ];
        let sent = self.redis.tell(&script::COMMIT, &self.keys, &args).await?;
        let (written, tasks, writes): (bool, usize, u64) = sent.answer;
        // The account remembers the tokens of its last writes. What is not among them, and would
        // have to be, was not written.
        let forgotten = sent.again && writes > state.writes.saturating_add(TOKENS);
        match written {
            true => Ok(Some(tasks)),
            false if forgotten => Err(BackendError::unknown(Forgotten)),
            false => Ok(None),
        }
    }

    /// Notes that there is nothing to hand out, unless the account has changed since.
    pub(crate) async fn doze(&self, state: &State, known: &Known) -> Result<bool, BackendError> {
        let (expected, horizon) = (state.expected(), state.horizon(known));
        let args = [&expected, &horizon, &known.floor];
        self.redis.ask(&script::DOZE, &self.keys, &args.map(String::as_bytes)).await
    }

    /// Raises the horizon and drops what is due.
    pub(crate) async fn drain(&self, limit: usize, known: &Known) -> Result<Drained, BackendError> {
        let limit = limit.to_string();
        let token = self.redis.token();
        let args = [known.horizon(), &limit, &known.floor, &token];
        let sent = self.redis.tell(&script::DRAIN, &self.keys, &args.map(str::as_bytes)).await?;
        let (dropped, more, bound, tasks, revision) = sent.answer;
        Ok(Drained { dropped, more, bound, tasks, revision })
    }

    /// How many tasks the account has, at a new revision above the floor.
    pub(crate) async fn lift(&self, floor: &str) -> Result<(usize, String), BackendError> {
        self.redis.ask(&script::LIFT, &self.keys, &[floor.as_bytes()]).await
    }

    /// Makes the account safe to use after a fail-over may have taken it back in time.
    pub(crate) async fn mend(&self, gap: u64) -> Result<Mended, BackendError> {
        let (bound, horizon, tasks, revision) =
            self.redis.ask(&script::MEND, &self.keys, &[gap.to_string().as_bytes()]).await?;
        Ok(Mended { bound, horizon, tasks, revision })
    }

    /// Lets go of the account after a while, if it is still at this revision, without tasks.
    pub(crate) async fn retire(
        &self,
        revision: &str,
        after: Duration,
    ) -> Result<bool, BackendError> {
        let after = after.as_millis().to_string();
        let args = [revision.as_bytes(), after.as_bytes()];
        self.redis.ask(&script::RETIRE, &self.keys, &args).await
    }
}

/// The tokens of how many writes an account remembers.
const TOKENS: u64 = 8;

/// More than any grace need be, in milliseconds.
const CENTURY: i64 = 100 * 366 * 24 * 60 * 60 * 1000;

impl State {
    fn new(marks: Marks, instant: &str) -> Result<Self, Corrupt> {
        let (revision, updated_at, horizon, awake, bound, writes) = marks;
        Ok(Self {
            revision: revision_of(revision)?,
            updated_at: instant_of(updated_at)?,
            horizon,
            writes: writes.unwrap_or_default(),
            instant: instant_of(Some(instant.to_owned()))?,
            awake: awake.is_some(),
            bound,
        })
    }

    /// The account's clock `now`; that of a new one begins at the floor.
    ///
    /// Revisions keep up with time. So what was given out, and lost in a fail-over, is not given out
    /// again for something else, as long as the clocks of those who write are less apart than that takes.
    pub(crate) fn clock(&self, known: &Known, now: Now) -> Result<AccountClock, Corrupt> {
        let revision = match self.revision {
            Some(revision) => revision,
            None => known.floor.parse()?,
        };
        Ok(AccountClock::new(revision.max(Revision::unreached_by(now)), self.updated_at))
    }

    /// The horizon to leave behind: the instant is no later than `now` or a horizon, and only the
    /// latter is one.
    fn horizon(&self, known: &Known) -> String {
        let known = known.horizon().to_owned();
        self.horizon.clone().unwrap_or_default().max(known)
    }

    fn expected(&self) -> String {
        self.revision.map_or(String::new(), |revision| revision.to_string())
    }
}

impl Offer {
    /// When an account that has nothing to hand out may have something, if nothing happens to it.
    pub(crate) fn sleep(self, config: &StoreConfig) -> Sleep {
        let silence = self.silent.and_then(|silent| config.takeover_at(&silent));
        Sleep {
            past: silence.map(text::instant).unwrap_or_default(),
            until: self.free_at,
            before: self.before,
        }
    }
}

/// A task's id in 32 hexadecimal digits.
fn name(id: TaskId) -> String {
    id.as_uuid().simple().to_string()
}

fn revision_of(number: Option<u64>) -> Result<Option<Revision>, Corrupt> {
    Ok(number.map(Revision::try_from).transpose()?)
}

/// The instant of a text; the first of all, where there is none.
fn instant_of(text: Option<String>) -> Result<Now, Corrupt> {
    let Some(text) = text else { return Ok(MIN_TIME) };
    text::parse_instant(&text).ok_or(Corrupt::Instant(text))
}
