//! The life of an API task, as an engine without I/O.
//!
//! Many HTTP APIs answer a request that takes too long with a *task*: the client gets a `taskId`
//! and follows it through `received` and `processing-in-progress` to `processing-completed` or
//! `processing-error`. This crate is everything about that which needs no I/O: the statuses and
//! the permitted transitions, the links, the JSON documents, and a store that lists tasks by latest
//! update and expires them after 10 days. It is modelled on the task API of Redis Cloud, closely
//! enough that a client can't tell a mock built on it from the service.
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
//! // POST /subscriptions: keep a task, answer with it
//! let account: AccountId = "acme".parse()?;
//! let id = TaskId::for_key(&account, "order-7f3a"); // the client's Idempotency-Key
//! let submitted = store.submit(Submission::new(account.clone(), id, CREATE), now)?;
//! println!("{:#}", links.accepted(submitted.task())); // "status": "received"
//!
//! // a worker: start the task that has waited longest, and complete it, while it is this worker's
//! while let Some(claimed) = store.claim(Scope::Any, now)? {
//!     let Some(mut lease) = Lease::of(&store, claimed) else { continue };
//!     lease.report(Progress::of(1, 2), now)?; // Err, where another worker has taken over
//!     lease.complete(Completion::of(77899), now)?;
//! }
//!
//! // GET /tasks/{taskId}: "processing-completed", with a link to /subscriptions/77899
//! let task = store.get(&account, id, now)?.expect("kept for 10 days");
//! println!("{:#}", links.polled(&task));
//!
//! // every minute: drop what has expired, a thousand at a time
//! while store.sweep(1_000, now)?.more {}
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The tour
//!
//! In the order in which to read the source; each part stands on those before it.
//!
//! 1. [`TaskStatus`] and [`EventKind`], with the one table of permitted [`Transition`]s.
//!    [`ProvisioningStatus`]: what a resource goes through after its task.
//! 2. [`TaskId`], [`AccountId`], [`CommandType`]: names, checked where they enter.
//! 3. [`Completion`] and [`TaskError`]: how a task can end. [`TaskEvent`]: what can be asked to
//!    happen to it.
//! 4. [`Now`], [`AccountClock`], [`Retention`]: time, which is always an argument.
//! 5. [`Submission`], [`Task`], and the [`TaskRecord`] that a backend saves.
//! 6. [`Links`], which make the [`Document`]s that clients see; [`TaskDocument`], which reads them.
//!    [`mod@format`]: the wire formats of Redis Cloud, Google and Azure, and the trait for one's own.
//! 7. [`TaskStore`], the contract of a store and its laws; [`AsyncTaskStore`], the same in futures.
//! 8. [`Lease`] and [`AsyncLease`]: a worker's hold on the task that it claimed.
//! 9. [`kit`]: the decisions of a store, and "Implementing a store", for a backend of one's own.
//! 10. [`LocalStore`] and [`MemoryStore`]: the store in memory, saved as a [`Snapshot`] or as a log of records,
//!     and counted by a [`Census`]; [`Changes`], by which a worker sleeps until there may be work.
//! 11. With their features: `Replies` (`http`), the answers of a server; `poll`, a client that follows tasks;
//!     `audit`, which watches what a server answers; `testing`, the laws as a kit for tests of one's own.
//!
//! [`guide`] has pages to read, with programs to copy.
//!
//! # One process, or more
//!
//! A server that may outgrow one process is written against [`AsyncTaskStore`] from the start, with
//! [`InProcess`]`(`[`MemoryStore`]`)` behind it: putting a store that is a network away in its place
//! is then a change of one line. One that never will uses [`MemoryStore`] as it is.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `std` | yes | [`MemoryStore`]; without it the crate needs only `alloc` |
//! | `audit` | no | `audit`: an observer that is fed what a server answers, and reports each breach of the contract |
//! | `http` | no | `Replies`: what a server answers, as finished responses of the `http` crate |
//! | `poll` | no | `poll`: a client that follows tasks on any server of such an API: what to ask, and when |
//! | `testing` | no | `testing`: generators, a model, and [the conformance suite](TaskStore#contract) for stores of one's own |
//!
//! The types of chrono and uuid are part of the interface: [`chrono`] and [`uuid`] are exported, so that
//! they can be named without a dependency of one's own. Who reads a clock or makes random ids needs
//! those crates, with their features for it.
//!
//! # Scope
//!
//! Nothing here reads a clock, makes random numbers, spawns, prints, or touches files and sockets. What is
//! often wished for beside it (to cancel, to retry, to schedule, priorities, dependencies, webhooks, metrics,
//! to delete) is in [the recipes](guide::recipes): whether it is here, why not, and a program to copy.

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
pub use time::{MAX_TIME, MIN_TIME, Now, clamp_time};

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
    ApplyError, AsyncTaskStore, BackendError, Census, Change, Changed, Changes, Claimed, Cursor,
    CursorError, InProcess, ListError, ListQuery, Page, Scope, StoreConfig, StoreFuture,
    SubmitError, Submitted, Swept, Target, TaskStore,
};

mod lease;
pub use lease::{AsyncLease, Lease, LeaseError};

pub mod kit;

pub mod format;

#[cfg_attr(
    not(feature = "std"),
    expect(
        dead_code,
        unused_imports,
        reason = "only a store of several shards asks for some of it"
    )
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
