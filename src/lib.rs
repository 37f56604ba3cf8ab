//! A sans-I/O engine for long-running operations behind an HTTP API.
//!
//! Many HTTP APIs answer a slow request with a *task*: the client gets a `taskId` and polls it through
//! `received` and `processing-in-progress` to `processing-completed` or `processing-error`. This crate
//! is the part of such an API that needs no I/O: the state machine, idempotent submission, workers with
//! leases, ordered lists with cursors, expiry, links, and the JSON documents of Redis Cloud, Google and
//! Azure. It is modelled on the task API of Redis Cloud, closely enough that a client can't tell a mock
//! built on it from the service.
//!
//! ```
//! use tasklife::*;
//!
//! const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
//!
//! let links = Links::new("https://api.redislabs.com/v1")?
//!     .with_route(CREATE, "/subscriptions/{resourceId}", "getSubscriptionInformation")?;
//! let store = MemoryStore::default();
//! let now = "2019-08-08T06:49:15.929Z".parse()?; // time is always an argument
//!
//! // POST /subscriptions: store a task and answer with it
//! let account: AccountId = "acme".parse()?;
//! let id = TaskId::for_key(&account, "order-7f3a"); // the client's Idempotency-Key
//! let submitted = store.submit(Submission::new(account.clone(), id, CREATE), now)?;
//! println!("{:#}", links.accepted(submitted.task())); // "status": "received"
//!
//! // A worker: claim the next task, report progress, complete it
//! while let Some(claimed) = store.claim(Scope::Any, now)? {
//!     let Some(mut lease) = Lease::of(&store, claimed) else { continue }; // given up
//!     lease.report(Progress::of(1, 2), now)?; // an error if another worker has taken over
//!     lease.complete(Completion::of(77899), now)?;
//! }
//!
//! // GET /tasks/{taskId}: "processing-completed", with a link to /subscriptions/77899
//! let task = store.get(&account, id, now)?.expect("tasks are kept for 10 days");
//! println!("{:#}", links.polled(&task));
//!
//! // Every minute: drop expired tasks, a thousand at a time
//! while store.sweep(1_000, now)?.more {}
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To learn the concepts, read [`guide::concepts`]. The [`guide`] also has tutorials for a server, a mock
//! and a property test, and recipes.
//!
//! # Modules
//!
//! This is the order in which to read the source. Each part builds on those before it. A method may
//! stand in a later part than its type, if it takes a type of that part: [`AccountClock::advance_to`] is
//! in `task`, [`Links::list`] in `store`, and [`StoreConfig::heartbeat_every`] in `lease`.
//!
//! 1. [`TaskStatus`], [`EventKind`] and the table of permitted [`Transition`]s.
//!    [`ProvisioningStatus`]: the status of a resource after its task.
//! 2. [`TaskId`], [`AccountId`], [`CommandType`]: names, checked on entry.
//! 3. [`Completion`] and [`TaskError`]: how a task can end. [`TaskEvent`]: what can happen to a task.
//! 4. [`Timestamp`], [`AccountClock`], [`Retention`]: time, which is always an argument.
//! 5. [`Submission`], [`Task`], and the [`TaskRecord`] that a backend saves.
//! 6. [`Links`], which makes the [`Document`]s that clients see, and [`TaskDocument`], which reads them.
//! 7. [`TaskStore`], the contract of a store and its laws. [`AsyncTaskStore`], the same with futures.
//! 8. [`Lease`] and [`AsyncLease`]: a worker's hold on the task that it claimed.
//! 9. [`kit`]: the decisions that all stores share, for a backend of your own.
//! 10. [`mod@format`]: the formats of Redis Cloud, Google and Azure, and the trait for your own.
//! 11. [`LocalStore`] and [`MemoryStore`]: the store in memory, made of shards, with [`Snapshot`]s and a
//!     [`Census`]. [`Notifies`]: how a worker waits until there may be work; [`Notifier`] and
//!     [`Notifying`] implement it.
//! 12. Behind features: `Replies` and `Origin` (`http`), the responses of a server; `poll`, a client that
//!     follows tasks; `audit`, which checks what a server answers; `testing`, the laws as a test suite.
//!
//! # One process or several
//!
//! Write a server that may outgrow one process against [`AsyncTaskStore`], with
//! [`InProcess`]`(`[`MemoryStore`]`)` behind it. Replacing that by a store that is a network away is then
//! a change of one line. A server that stays within one process uses [`MemoryStore`] directly.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `std` | yes | [`MemoryStore`], [`Notifier`] and [`Notifying`]; without it the crate needs only `alloc` |
//! | `audit` | no | `audit`: reads what a server answers, and reports each breach of the contract |
//! | `http` | no | `Replies`: what a server answers, as finished responses of the `http` crate |
//! | `poll` | no | `poll`: a client's polling loop, as a state machine |
//! | `testing` | no | `testing`: generators, a model, and [the conformance suite](TaskStore#contract) for your own store |
//!
//! Each of the other features enables `std`. Types of chrono and uuid are part of the interface, so both
//! crates are exported here as [`chrono`] and [`uuid`]. To read a clock or to make random ids, depend on
//! them with the features for that.
//!
//! # Scope
//!
//! Apart from the feature `testing`, nothing here reads a clock, makes random numbers, spawns, prints, or
//! touches files and sockets. [The recipes](guide::recipes) cover what is out of scope but often wanted:
//! cancelling, retries, schedules, priorities, dependencies, webhooks, metrics, deletion. Each says why the
//! crate leaves it to you, and has a program to copy.

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[doc(no_inline)]
pub use {chrono, uuid};

mod wire;
pub use wire::UnknownName;

mod status;
pub use status::{EventKind, TaskStatus, Transition};

mod provisioning;
pub use provisioning::ProvisioningStatus;

mod id;
pub use id::{AccountId, CommandType, IdError, TaskId};

mod json;

mod outcome;
pub use outcome::{Completion, ResourceError, ResourceId, TaskError};

mod event;
pub use event::{Progress, ProgressError, TaskEvent, TransitionError};

mod time;
pub use time::{MAX_TIME, MIN_TIME, Timestamp, clamp_time};

mod clock;
pub use clock::{AccountClock, Revision, RevisionError, Stamp};

mod retention;
pub use retention::Retention;

mod submission;
pub use submission::Submission;

mod task;
pub use task::{RecordError, Task, TaskRecord};

mod link;
pub use link::{ErrorForm, LinkError, LinkShape, Links};

mod document;
pub use document::{
    Document, DocumentError, ListDocument, ReportedError, ReportedStatus, TaskDocument, TaskLink,
    TaskResponse,
};

mod store;
pub use store::{
    ApplyError, AsyncTaskStore, BackendError, Census, Change, Claimed, Cursor, CursorError,
    InProcess, ListError, ListQuery, Notified, Notifies, Page, Scope, StoreConfig, StoreFuture,
    SubmitError, Submitted, Swept, Target, TaskStore,
};

mod lease;
pub use lease::{AsyncLease, Lease, LeaseError};

pub mod kit;

pub mod format;

#[cfg_attr(
    not(feature = "std"),
    expect(dead_code, unused_imports, reason = "only a store with several shards uses all of it")
)]
mod shard;
pub use shard::{Snapshot, SnapshotError};

mod local;
pub use local::LocalStore;

#[cfg(feature = "std")]
mod memory;
#[cfg(feature = "std")]
pub use memory::MemoryStore;

#[cfg(feature = "std")]
mod notifier;
#[cfg(feature = "std")]
pub use notifier::Notifier;

#[cfg(feature = "std")]
mod notifying;
#[cfg(feature = "std")]
pub use notifying::Notifying;

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
pub use http::{Origin, Replies};

#[cfg(feature = "poll")]
pub mod poll;

#[cfg(feature = "audit")]
pub mod audit;

#[cfg(feature = "testing")]
pub mod testing;

pub mod guide;

#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;
