//! The store: each write reads an account in one step, decides in Rust, and writes in one step that
//! first compares the account's revision.

mod apply;
mod cache;
mod capacity;
mod claim;
mod locks;
mod repair;
mod submit;
mod sweep;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tasklife::kit::Call;
use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Claimed, ListError, ListQuery,
    MIN_TIME, Notified, Notifies, Page, Scope, StoreConfig, StoreFuture, Submission, SubmitError,
    Submitted, Swept, Target, Task, TaskEvent, TaskId, Timestamp,
};

use crate::account::Account;
use crate::connection::Redis;
use crate::keys::Prefix;
use crate::listener::Listener;
use crate::registry::Registry;
use crate::topology::Topology;

use locks::AccountLocks;

/// A task store on Redis: [`AsyncTaskStore`] with all its laws, shared by any number of processes.
///
/// Clones share the store. So do all stores with the same [prefix](Self::with_prefix) on the same
/// server or cluster; give them the same [`StoreConfig`]. After you change the configuration, call
/// [`repair`](Self::repair) once: it makes accounts ready that were parked under the old one.
///
/// Await the store's futures on a Tokio runtime.
///
/// # How it keeps the laws
///
/// All keys of an account are in one slot of a cluster. A call reads what it needs of the account
/// in one step, decides in Rust, and writes in one step that first compares the account's revision.
/// If another writer was faster, the call reads again. So the laws for a single account hold
/// exactly, on a cluster too: revisions and times, order, lanes, open tasks, visibility.
///
/// What all accounts share is in a slot of its own:
///
/// - *The horizon.* A sweep raises it there, and on a single server every call reads it there. In a
///   cluster, the sweep also raises it in every account with tasks that expire by then, before it
///   returns. If these are more than 1,000 accounts, it raises the horizon of every slot instead. A
///   submission to an account without such tasks reads the shared horizon. So after a sweep at
///   12:10, a task that expires at 12:05 is invisible to every caller, even if its clock says 12:00.
/// - *The ready queue*, for [`Scope::Any`]. An account with nothing to claim is parked. A writer
///   that may change that makes the account ready first, and then writes.
/// - *The number of tasks*, if it is [limited](StoreConfig::with_max_tasks). A submission reserves
///   a place, writes, and is counted, so the limit is never exceeded. While other submissions have
///   reserved the last places, a submission waits for them; the place of a process that died is
///   reclaimed after a second. A full store makes room by dropping the task that expired first.
///
/// If you set a limit for a store that already has tasks, an account is counted once it is written
/// to or swept. Call [`repair`](Self::repair) to count all accounts at once.
///
/// A process that dies between two steps may leave a superfluous entry for an account, and never
/// loses one. An account whose last task was dropped is forgotten after a day, or after the
/// [grace period](Self::with_grace) if that is longer. Its revisions are not given out again: a new
/// account begins above all revisions that were forgotten.
///
/// # What a call costs
///
/// | call | round trips |
/// |---|---|
/// | `get`, `list` | 1 |
/// | `submit`, `apply` | 2; 1 if this process wrote to the account last and has nothing to count |
/// | `claim` of one account | 2 |
/// | `claim` over all accounts | 2 on a single server; 3 in a cluster |
///
/// In a cluster, the ready queue and the account are on different nodes. Some calls need more:
///
/// - 1 to make the account ready, or to register an expiry that is earlier than all it has;
/// - 2 for a submission to a store with `max_tasks`, and some more when it is full;
/// - 1 for an end, with [`Retention::since_end`](tasklife::Retention::since_end);
/// - some for each account that turns out to have nothing to claim.
///
/// A `list` is one step, whatever its limit. The server answers nobody else while it reads a list
/// of a million tasks.
///
/// # Waking
///
/// [`Notifies::notified`] reports the writes of all processes that may make work. A write publishes
/// its hint in the same step, and the store subscribes on a connection of its own. The connection
/// is opened when `notified` is first awaited, is shared by all clones, and ends with the last of
/// them. It is opened again after it is lost. Each time it opens, everyone who waits is woken once,
/// because earlier hints may have been missed.
///
/// A hint can be lost; a task can't. A hint is lost:
///
/// - if the connection is dead, until a check after 5 seconds of silence notices that;
/// - if the other nodes of a cluster can't reach the node of the subscription;
/// - if the [user](Redis) may not publish or subscribe.
///
/// No hint comes when only time passes, such as when a task may be taken over. So wait for
/// `notified` or for a few seconds, whichever ends first.
///
/// # Data that no sweep drops
///
/// Sweeps drop tasks. Without sweeps, Redis deletes all tasks of an account together, once the task
/// that expires last has been expired for a [grace period](Self::with_grace). With a retention that
/// is counted from the end, Redis deletes nothing: a task that runs does not expire, and the time
/// of deletion only moves later.
#[derive(Clone)]
pub struct RedisStore {
    redis: Redis,
    config: StoreConfig,
    prefix: Prefix,
    grace: Option<Duration>,
    topology: Arc<Topology>,
    account_locks: Arc<AccountLocks>,
    listener: Arc<Listener>,
}

impl RedisStore {
    const PREFIX: &str = "tasklife";
    const GRACE: Duration = Duration::from_hours(24);

    /// Creates a store on a server or cluster.
    #[must_use]
    pub fn new(redis: Redis, config: StoreConfig) -> Self {
        Self {
            topology: Arc::new(Topology::of(&redis)),
            redis,
            config,
            prefix: Prefix::new(Self::PREFIX),
            grace: Some(Self::GRACE),
            account_locks: AccountLocks::new(),
            listener: Arc::default(),
        }
    }

    /// Sets the prefix of the names of the store's keys. The default is `tasklife`.
    ///
    /// Stores with different prefixes can share a server; they have no keys in common.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefix = Prefix::new(prefix);
        self.listener = Arc::default();
        // The caches belong to the accounts of the old prefix.
        self.account_locks = AccountLocks::new();
        self
    }

    /// Sets how long Redis keeps an expired task that no sweep drops. The default is a day; with
    /// `None`, only sweeps drop tasks.
    ///
    /// The period begins at the task's expiry, measured from the `now` of the account's writers and
    /// not by the server's clock. Make it longer than the clocks of any two callers differ. If
    /// `now` stands still, as in a simulation, use `None`.
    #[must_use]
    pub fn with_grace(mut self, grace: Option<Duration>) -> Self {
        self.grace = grace;
        self
    }

    /// Returns the store's configuration.
    #[must_use]
    pub const fn config(&self) -> &StoreConfig {
        &self.config
    }

    fn account<'a>(&'a self, id: &'a AccountId) -> Account<'a> {
        Account::new(&self.redis, &self.prefix, &self.topology, id)
    }

    fn registry(&self) -> Registry<'_> {
        Registry::new(&self.redis, &self.prefix, &self.topology)
    }

    async fn read_page(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        let position = query.position(account)?;
        // One task more than the limit shows whether another page follows.
        let count = query.limit().get().saturating_add(1);
        let (revision, tasks) = self.account(account).list(query, position, count, now).await?;
        let call = Call::new(&self.config, MIN_TIME, now);
        Ok(call.page(account, query, tasks, revision))
    }
}

impl AsyncTaskStore for RedisStore {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(self.submit_one(submission, now))
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(self.apply_event(target, event, now))
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
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
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        Box::pin(async move { self.account(account).get(id, now).await })
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        Box::pin(self.read_page(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        Box::pin(self.sweep_all(limit, now))
    }
}

impl Notifies for RedisStore {
    fn notified(&self) -> Notified<'_> {
        Box::pin(self.listener.notified(&self.redis, &self.prefix))
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
