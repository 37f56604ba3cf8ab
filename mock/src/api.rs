//! The mock API: its configuration and its state.

mod settings;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tasklife::{CommandType, Links, MemoryStore, Replies, StoreConfig};

use crate::account::Context;
use crate::accounts::{Accounts, InitialAccount};
use crate::error::{MockError, Reason};
use crate::journal::Journal;
use crate::keys::{Authentication, Keys};
use crate::pace::Pace;
use crate::rate::RateLimit;
use crate::resource::Resources;
use crate::route::Routes;
use crate::scripts::Scripts;
use crate::text::Excerpt;

/// A mock of a whole task API: it takes a request and returns the response.
///
/// A task moves through its statuses on its own, as its [`Script`](crate::Script) says. Before each
/// answer, [`handle`](Self::handle) applies every step of the caller's tasks that is due by `now`,
/// in time order, and each at its own instant. For example:
///
/// - A task is due to start at 12:00:10 and to complete at 12:00:20.
/// - A client reads it at 13:00. It is completed, with `timestamp` 12:00:20.
///
/// The same calls at the same times give the same answers, byte for byte. This includes task ids:
/// an id is derived from the account, the command type, the request, and how often that request was
/// made before. So clients that run in parallel get the same ids in every run.
///
/// You can share a `MockApi` between threads, for example in an `Arc`. `handle` holds one lock
/// while it answers.
///
/// # Requests and answers
///
/// Paths are below the base address.
///
/// | request | answer |
/// |---|---|
/// | `GET /tasks`, `GET /tasks/{taskId}` | the list, or the task, as [`Replies`] writes it |
/// | an [operation](Self::with_operation) | a new task; for an `Idempotency-Key` that was used before, the task of that first request |
/// | `GET` of a [resource](Self::with_resource) | its id, fields and status |
/// | `GET` of all resources of a kind | `{"accountId", "subscriptions": […]}`; a resource that belongs to a parent is nested in the parent. `offset` and `limit` select a part |
/// | a resource that does not exist, or anything below it | 404, which names the missing resource |
/// | a body that is not a JSON object, or no body if the operation needs one | 400 |
/// | a body over [`max_input`](StoreConfig::max_input) | 413 |
/// | an operation after which the account would have more than [`MAX_RESOURCES`](Self::MAX_RESOURCES) resources | 429 |
/// | unknown keys | 401 |
/// | a malformed or repeated `Host` | 400 |
/// | no `Host`, if links [follow](tasklife::Origin::Host) it | 400 |
/// | more requests than the [rate limit](Self::with_rate_limit) allows | 429 with `Retry-After` |
/// | a request that a [fault](crate::Fault) applies to | as the fault says |
///
/// A `HEAD` gets the answer of the `GET` without the body. If that `GET` creates a task, so does
/// the `HEAD`.
///
/// # Resources
///
/// An operation changes resources when its task completes:
///
/// - A `POST` to the path of a list makes a resource.
/// - A `PUT` or `PATCH` of a resource changes it.
/// - A `DELETE` deletes the resource and everything that belongs to it.
/// - Any other operation changes nothing. The result of its task names the innermost resource on
///   the path. For a `GET`, the result contains that resource.
///
/// A resource that is being made or changed is `pending` and then `active`. A resource that is
/// being deleted is `deleting` and then gone. A resource shows the strings, numbers and booleans of
/// the requests that made and changed it, but no password.
///
/// If the request has a list named after resources that belong to the new one, such as `databases`,
/// these are made as well. A request with `"dryRun": true` gets a task that changes nothing.
///
/// Some resources have no `GET` that answers at once. A task that reads or lists them then counts
/// as a [read](crate::Pace::Reads) of each resource in its result.
///
/// An API that was made [from a description](Self::from_openapi) has other rules, and so has [Redis
/// Cloud](Self::redis_cloud).
///
/// # Tasks
///
/// The [input](tasklife::Task::input) of a task is a JSON object with two fields: `request`, the
/// method and path, and `body`, the body of the request or `null`. Inputs are compared as JSON, so
/// a retry with the same `Idempotency-Key` is recognized even if its body is formatted differently.
///
/// A list with `changedSince` never misses a task that [could not be read at
/// first](Self::with_visibility_lag). When the task becomes readable, it counts as changed since
/// every revision that lists could show before.
pub struct MockApi {
    pub(crate) replies: Replies,
    /// The path of the base address.
    pub(crate) base: String,
    pub(crate) routes: Routes,
    pub(crate) max_body: usize,
    pub(crate) config: StoreConfig,
    /// Whether request bodies are validated against their schemas.
    pub(crate) checks_bodies: bool,
    pub(crate) authentication: Authentication,
    pub(crate) lag: Pace,
    pub(crate) rate_limit: Option<RateLimit>,
    /// The accounts and resources that exist from the start, and again after each reset.
    pub(crate) initial_accounts: Vec<InitialAccount>,
    pub(crate) scripts: RwLock<Scripts>,
    pub(crate) state: Mutex<State>,
}

/// The state that requests change.
pub(crate) struct State {
    /// How often the whole API was reset.
    pub(crate) resets: u64,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) keys: Keys,
    pub(crate) accounts: Accounts,
    pub(crate) journal: Journal,
}

impl State {
    pub(crate) fn new(config: StoreConfig) -> Self {
        Self {
            resets: 0,
            store: Arc::new(new_store(config)),
            keys: Keys::default(),
            accounts: Accounts::default(),
            journal: Journal::default(),
        }
    }
}

impl MockApi {
    /// The most resources that an account can have.
    pub const MAX_RESOURCES: usize = Resources::MAX;

    /// The most exchanges that the [journal](Self::journal) keeps. It keeps fewer if their text
    /// exceeds 64 MiB.
    pub const MAX_EXCHANGES: usize = Journal::MAX_EXCHANGES;

    /// Creates an API without accounts, operations or resources. Its tasks end [at
    /// once](Pace::Immediate).
    ///
    /// The configuration limits the number of tasks, and its [`max_input`](StoreConfig::max_input)
    /// limits the bodies of requests. You need no sweep: expired tasks make room for new ones.
    #[must_use]
    pub fn new(links: Links, config: StoreConfig) -> Self {
        Self {
            base: path_of(links.base()).to_owned(),
            routes: Routes::new(links.tasks_path()),
            replies: Replies::new(links),
            max_body: config.max_input(),
            checks_bodies: false,
            authentication: Authentication::default(),
            config,
            lag: Pace::Immediate,
            rate_limit: None,
            initial_accounts: Vec::new(),
            scripts: RwLock::new(Scripts::new()),
            state: Mutex::new(State::new(config)),
        }
    }

    /// Returns the command types of the operations, each once, in the order in which they were
    /// added. A script can be set for each of them.
    #[must_use]
    pub fn command_types(&self) -> Vec<CommandType> {
        self.routes.command_types()
    }

    pub(crate) fn check_command(&self, command: &CommandType) -> Result<(), MockError> {
        let known = self.command_types();
        if known.contains(command) {
            return Ok(());
        }
        let mut near: Vec<&str> = known.iter().map(CommandType::as_str).collect();
        near.sort_by_key(|name| std::cmp::Reverse(likeness(name, command.as_str())));
        near.truncate(5);
        let got = Excerpt::of(command.as_str());
        let (near, count) = (near.join(", "), known.len());
        Err(Reason::Command { near, count, got }.into())
    }

    pub(crate) fn context<'a>(&'a self, store: &'a MemoryStore) -> Context<'a> {
        Context { store, routes: &self.routes, lag: self.lag }
    }

    /// Ignores poisoning: a call that panics leaves no change half made.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&mut self) -> &mut State {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the length of the common prefix of two names plus that of their common suffix.
fn likeness(one: &str, other: &str) -> usize {
    let same = |(one, other): &(u8, u8)| one == other;
    let front = one.bytes().zip(other.bytes()).take_while(same).count();
    front + one.bytes().rev().zip(other.bytes().rev()).take_while(same).count()
}

/// Returns the path of a base address.
fn path_of(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}

/// Returns a store for inputs that hold a body of the permitted size and the first line of its
/// request.
fn new_store(config: StoreConfig) -> MemoryStore {
    /// More than the longest first line: the `http` crate limits a URI to 65,534 bytes.
    const LINE: usize = 1 << 17;
    MemoryStore::new(config.with_max_input(config.max_input().saturating_add(LINE)))
}

impl fmt::Debug for MockApi {
    /// Leaves out what clients sent, because it can contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockApi")
            .field("links", self.replies.links())
            .field("lag", &self.lag)
            .field("tasks", &self.store().len())
            .finish_non_exhaustive()
    }
}
