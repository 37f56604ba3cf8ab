//! The store: six methods, each of them reads, decided on in Rust, and one write that compares first.

mod capacity;
mod claim;
mod memory;
mod repair;
mod submit;
mod sweep;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tasklife::kit::Call;
use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Changed, Changes, Claimed,
    EventKind, ListError, ListQuery, MIN_TIME, Now, Page, Scope, StoreConfig, StoreFuture,
    Submission, SubmitError, Submitted, Swept, Target, Task, TaskEvent, TaskId,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::account::{Account, ReadForUpdate, Shared, WriteCondition};
use crate::connection::Redis;
use crate::fault::AccountBusy;
use crate::keys::Prefix;
use crate::listener::Listener;
use crate::registry::{Globals, Registry};

use memory::Memory;

/// The store of tasks on Redis: [`AsyncTaskStore`] with all its laws, for any number of processes.
///
/// Its clones share it, as do all stores with the same [prefix](Self::with_prefix) on the same server
/// or cluster. They must have the same [`StoreConfig`]; after a change of it, a [`repair`](Self::repair) makes
/// accounts ready that were parked under the old one. Tokio has to run where its futures are awaited.
///
/// # How it keeps the laws
///
/// All keys of an account are in one slot of a cluster. A call reads what it has to know of the account
/// in one step, decides by [`Task::apply`] and the like, and writes in one step that first compares the
/// account's revision: whoever was slower reads again. So what the laws say of one account is exact, on
/// a cluster too: revisions and times, order, lanes, open tasks, what is visible.
///
/// What concerns all accounts is in a slot of its own:
///
/// - *The horizon.* A sweep moves it there. On a single server every call reads it there. In a cluster a
///   sweep then moves it in every account that has something that expires by it, before it returns; where
///   these are many, in every slot that the cluster has, for all its accounts. A submission to an account
///   that has nothing asks there.
/// - *The ready queue*, for [`Scope::Any`]. Accounts with nothing to hand out are parked. Whoever writes
///   what may change that makes the account ready first, and then writes.
/// - *The number of tasks*, where it is [limited](StoreConfig::with_max_tasks): a submission reserves a
///   place, writes, and is counted. The limit is never exceeded. A full store makes room by a sweep to
///   the expiry of the task that expired first, of that one task. While others have reserved the last
///   places, a submission waits for what becomes of them; of a process that died in between, it is found
///   out after a second. A limit that is set on a store with tasks counts those accounts that
///   are written to or swept from then on, or, after a [`repair`](Self::repair), all.
///
/// A process that dies between two steps leaves an account registered that need not be, never the
/// reverse. An account whose last task was dropped is forgotten after a day; a new one begins at
/// revisions above all that were forgotten.
///
/// # What a call costs
///
/// Round trips: one for `get` and `list`; two for `submit`, `apply` and a `claim` of an account, and one for the
/// former two where this process wrote to the account last, and nothing has to be counted. A `claim` over
/// all is two on a single server, where an account is read in the step that says whose turn it is. In a
/// cluster it is three: whose turn it is, and what that account has, are on different nodes, and what is
/// written is decided on from what was read. To these come one, where an account has to be made ready or has to register an
/// expiry that is earlier than all it has; two for a submission to a store with `max_tasks`, some more
/// where it is full; and some for each account that is found to have nothing to hand out.
///
/// A `list` is one step whatever its limit: the server answers no one else while it reads a list of a
/// million tasks.
///
/// # Waking
///
/// [`Changes::changed`] hears of the writes of all processes, by publish/subscribe: whoever writes what may
/// make work says so in the same step. The subscription has a connection of its own, which is made when
/// `changed` is first awaited and shared by the store's clones. It comes back by itself; when it is there,
/// at first and again, those who wait are woken once, as nothing was heard before. It ends with the last
/// clone.
///
/// What can be lost is a hint, never a task: with a connection that is about to be found dead (after 5
/// seconds of silence it is asked), with a node of a cluster that the others don't reach, or where the
/// [user](Redis) may not publish or subscribe. Nothing tells of what only a clock changes. So a worker
/// waits for `changed` or a few seconds, whichever ends first.
///
/// # Garbage
///
/// Tasks are dropped by sweeps. Where none comes, Redis collects all of an account's tasks when the one
/// that is kept longest has been expired for a [grace period](Self::with_grace). With a retention that is counted
/// from the end, Redis collects nothing: what runs is kept for ever, and a bound once set only moves away.
#[derive(Clone)]
pub struct RedisStore {
    redis: Redis,
    config: StoreConfig,
    prefix: Prefix,
    grace: Option<Duration>,
    shared: Arc<Shared>,
    /// Writers of this process to one account wait here, rather than lose races against each other, and find
    /// there how the last of them left it.
    account_locks: Arc<AccountLocks>,
    listener: Arc<Listener>,
}

struct AccountLocks {
    hasher: RandomState,
    locks: [Mutex<Memory>; 256],
}

impl AccountLocks {
    fn fresh() -> Arc<Self> {
        let locks = std::array::from_fn(|_| Mutex::default());
        Arc::new(Self { hasher: RandomState::new(), locks })
    }
}

impl RedisStore {
    /// A store on a server or cluster.
    #[must_use]
    pub fn new(redis: Redis, config: StoreConfig) -> Self {
        Self {
            shared: Arc::new(Shared::of(&redis)),
            redis,
            config,
            prefix: Prefix::new(Self::PREFIX),
            grace: Some(Self::GRACE),
            account_locks: AccountLocks::fresh(),
            listener: Arc::default(),
        }
    }

    const PREFIX: &str = "tasklife";
    const GRACE: Duration = Duration::from_hours(24);

    /// Sets with what the names of the store's keys begin: `tasklife` unless set. Stores with
    /// different prefixes share a server, and nothing else.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefix = Prefix::new(prefix);
        self.listener = Arc::default();
        // Nothing is known of its accounts.
        self.account_locks = AccountLocks::fresh();
        self
    }

    /// Sets how long after its expiry a task stays in Redis, if no sweep drops it: a day unless set;
    /// with `None`, until a sweep drops it.
    ///
    /// What decides is the distance from the `now` of the account's writers to the expiry, whatever
    /// time the server thinks it is. The grace has to be longer than the clocks of two callers can be
    /// apart; where `now` stands still, as in a simulation, `None` is right.
    #[must_use]
    pub fn with_grace(mut self, grace: Option<Duration>) -> Self {
        self.grace = grace;
        self
    }

    /// The store's configuration.
    #[must_use]
    pub const fn config(&self) -> &StoreConfig {
        &self.config
    }

    fn account<'a>(&'a self, id: &'a AccountId) -> Account<'a> {
        Account::new(&self.redis, &self.prefix, &self.shared, id)
    }

    fn registry(&self) -> Registry<'_> {
        Registry::new(&self.redis, &self.prefix, &self.shared)
    }

    /// The lock of an account, which is waited for as long as a command is tried.
    async fn lock_account(
        &self,
        account: &AccountId,
    ) -> Result<MutexGuard<'_, Memory>, BackendError> {
        // An account that nobody writes to is free at once, however short patience is.
        let patience = self.redis.patience().max(Duration::from_millis(1));
        let locked = tokio::time::timeout(patience, self.account_lock(account).lock()).await;
        locked.map_err(|_| BackendError::not_applied(AccountBusy(patience)))
    }

    fn account_lock(&self, account: &AccountId) -> &Mutex<Memory> {
        let AccountLocks { hasher, locks } = &*self.account_locks;
        let number = hasher.hash_one(account) % locks.len() as u64;
        &locks[usize::try_from(number).unwrap_or_default()]
    }

    /// Whether after an event the account may have something to hand out, or later have it, that a
    /// claim before did not see.
    fn may_make_ready(&self, event: EventKind, expiry_moved: Ordering) -> bool {
        let later = self.config.takeover_after().is_some();
        match event {
            EventKind::Receive => true,
            EventKind::Start => later,
            // The longer a task is visible, the longer it may fall silent; the sooner it expires, the sooner it
            // leaves its place in the lane.
            EventKind::Report => match expiry_moved {
                Ordering::Less => true,
                Ordering::Equal => false,
                Ordering::Greater => later,
            },
            EventKind::Complete | EventKind::Fail => self.config.max_in_progress().is_some(),
        }
    }

    async fn apply_event(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Now,
    ) -> Result<Change, ApplyError> {
        let account = self.account(target.account());
        let mut memory = self.lock_account(account.id).await?;
        let (kind, ends) = (event.kind(), event.outcome().is_some());
        let needs_lane = Call::new(&self.config, MIN_TIME, now).needs_lane(kind);
        let mut globals = Globals::default();
        let mut remembered = if needs_lane { None } else { remembered(&mut memory, target, now) };
        loop {
            let counted = (false, needs_lane);
            let is_remembered = remembered.is_some();
            let read = match remembered.take() {
                Some(read) => read,
                None => account.read_for_update(target.id(), counted, &globals, now).await?,
            };
            let mut read = read;
            if ends && self.config.retention().is_since_end() {
                // An account need not have heard of a horizon up to which nothing of it expires.
                globals = self.registry().globals().await?;
                read.state.hear_of(&globals);
            }
            let call = Call::new(&self.config, read.state.instant, now);
            let task = match call.permit(target, &event, read.task) {
                Ok(task) => task,
                // What is refused is refused for what was read.
                Err(_) if is_remembered => continue,
                Err(error) => return Err(error),
            };
            if needs_lane {
                call.check_lane(read.in_progress)?;
            }
            let expired_at = task.expires_at();
            let clock = read.state.clock(&globals, now);
            let change = call.apply(task, event.clone(), clock)?;
            let moved = change.task().expires_at().cmp(&expired_at);
            let made_ready = !read.state.is_ready && self.may_make_ready(kind, moved);
            let bound =
                expires_sooner(change.task(), expired_at).and_then(|at| read.state.bound_for(at));
            if made_ready || bound.is_some() {
                globals = self.registry().register(account.id, bound, made_ready).await?;
                if globals.is_later_than(read.state.instant) {
                    continue;
                }
            }
            let write = WriteCondition {
                state: &read.state,
                globals: &globals,
                made_ready,
                registered: bound.is_some(),
                channel: change.may_make_work().then(|| self.prefix.channel()),
                absent: false,
            };
            let committed = account.commit(change.task(), &write, self.grace, now).await?;
            if let Some(committed) = committed {
                memory.remember(Some(&read.state), committed.state, change.task());
                return Ok(change);
            }
            if is_remembered {
                memory.was_wrong();
            }
        }
    }

    async fn read_page(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Now,
    ) -> Result<Page, ListError> {
        let position = query.position(account)?;
        // One more than asked for tells whether more follows.
        let count = query.limit().get().saturating_add(1);
        let (revision, tasks) = self.account(account).list(query, position, count, now).await?;
        let call = Call::new(&self.config, MIN_TIME, now);
        Ok(call.page(account, query, tasks, revision))
    }
}

/// When a task expires that an event has brought closer to it: its end, where the retention is counted from
/// that.
fn expires_sooner(task: &Task, before: Now) -> Option<Now> {
    Some(task.expires_at()).filter(|at| *at < before)
}

/// What is remembered of a task and its account.
fn remembered(memory: &mut Memory, target: Target<'_>, now: Now) -> Option<ReadForUpdate> {
    let state = memory.state(target.account())?.at(now)?;
    let task = memory.task(target.id())?.clone();
    Some(ReadForUpdate { state, task: Some(task), open: 0, in_progress: 0 })
}

impl AsyncTaskStore for RedisStore {
    fn submit(&self, submission: Submission, now: Now) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(self.submit_one(submission, now))
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Now,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(self.apply_event(target, event, now))
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Now,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move {
            match scope {
                Scope::Any => self.claim_any(now).await,
                Scope::Account(account) => self.claim_of(account, now).await,
            }
        })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Now,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        Box::pin(async move { self.account(account).get(id, now).await })
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Now,
    ) -> StoreFuture<'a, Page, ListError> {
        Box::pin(self.read_page(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Now) -> StoreFuture<'_, Swept, BackendError> {
        Box::pin(self.sweep_all(limit, now))
    }
}

impl Changes for RedisStore {
    fn changed(&self) -> Changed<'_> {
        Box::pin(self.listener.next(&self.redis, &self.prefix))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("redis", &self.redis)
            .field("config", &self.config)
            .field("prefix", &self.prefix)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
