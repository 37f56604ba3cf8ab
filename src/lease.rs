//! A worker's hold on the task that it claimed.

mod asynchronous;
mod error;
mod heartbeat;
mod hold;

use crate::event::{Progress, TaskEvent};
use crate::outcome::{Completion, TaskError};
use crate::store::{Change, Claimed, TaskStore};
use crate::task::Task;
use crate::time::Now;
use hold::{Hold, TRIES};

pub use asynchronous::AsyncLease;
pub use error::LeaseError;

/// A worker's hold on the task that it claimed, in a [`TaskStore`]: it reports on the task, ends it, and
/// finds out when the task is no longer the worker's. [`AsyncLease`] is the same for stores in futures.
///
/// A worker that is silent for too long loses its task to another, and is not asked. So each event has to be
/// for the task exactly as the worker knows it; an answer may get lost, and others may write to the task
/// too. What is to be made of that, is decided here, once.
///
/// ```
/// use core::time::Duration;
/// use tasklife::*;
///
/// # const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
/// # let config = StoreConfig::default().with_takeover_after(Duration::from_secs(60));
/// # let store = MemoryStore::new(config);
/// # let second = |second: u32| format!("2019-08-08T06:{:02}:{:02}Z", second / 60, second % 60).parse::<Now>();
/// # let provision = |_step: u64, _input: &[u8]| {};
/// # let now = second(0)?;
/// # store.submit(Submission::new("acme".parse()?, uuid::Uuid::nil().into(), CREATE), now)?;
/// let work = |lease: &mut Lease<&MemoryStore>| {
///     for step in 1..=5 {
///         provision(step, lease.task().input());
///         lease.report(Progress::of(step, 5), now)?;
///     }
///     lease.complete(Completion::of(77_899), now)
/// };
/// while let Some(claimed) = store.claim(Scope::Any, now)? {
///     let Some(mut lease) = Lease::of(&store, claimed) else { continue }; // it was given up
///     match work(&mut lease) {
///         Ok(end) => println!("{} has ended", end.task().id()),
///         Err(error) if error.is_lost() => println!("{error}"), // another's, ended, or gone: go on
///         Err(error) => return Err(error.into()), // the store can't be reached
///     }
/// }
///
/// // A worker that stalls, while another takes over
/// # store.submit(Submission::new("acme".parse()?, uuid::Uuid::max().into(), CREATE), now)?;
/// let mut stalled = Lease::of(&store, store.claim(Scope::Any, second(0)?)?.unwrap()).unwrap();
/// let mut other = Lease::of(&store, store.claim(Scope::Any, second(61)?)?.unwrap()).unwrap();
/// match stalled.complete(Completion::of(77_900), second(62)?) {
///     Err(LeaseError::TakenOver { task }) => assert_eq!(task.attempts(), 2),
///     other => panic!("{other:?}"),
/// }
/// other.complete(Completion::of(77_901), second(63)?)?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// # Laws
///
/// - **L1** A lease never changes a task that another worker holds, nor one that has ended, nor one that was
///   submitted under the same id, at another instant, after it was gone.
/// - **L2** Of all who held a task, at most one is told that it has ended it, and the task shows that end.
/// - **L3** A lease that is [lost](LeaseError::is_lost) stays lost: each further call says the same, without
///   asking the store. So does one whose task it has ended.
/// - **L4** After any other error it still holds, and the same call can be made again. Where an answer was
///   lost ([`BackendError::unknown`](crate::BackendError::unknown), or a future that was dropped half way),
///   that same call, made again before any other, finds out: an end that was applied is a success, and a
///   report is made once more. Another call, such as a heartbeat, finds the task ended.
/// - **L5** Who writes to the task without holding it, such as an administrator who adds
///   [words](TaskEvent::with_description) at the [latest](crate::Target::latest) revision, costs the lease
///   nothing. Who ends it, ends the lease.
/// - **L6** A lease says that it is lost only where it is, by the clock of that call: at a `now` at which the
///   task has expired, it is gone.
///
/// What tells one worker from the next is the [number of the attempt](Task::attempts), and what tells one
/// task from the next is [when it was submitted](Task::submitted_at). So the laws need a store that keeps
/// what it acknowledged. After a store [has lost some](TaskStore#what-a-store-may-lose), a claim included, a
/// second worker can have the attempt of the same number. Where the task shows that, as it does after a
/// [restoration](crate::Snapshot), the lease is lost. Where nothing shows it, both workers go on, until one
/// of them ends the task and the other is told so.
///
/// # Heartbeats
///
/// The lease lasts as long as the worker is heard of. Each event is a heartbeat; where the work has nothing to
/// report for long, [`heartbeat`](Self::heartbeat) is one. One is due every
/// [third of the silence](crate::StoreConfig::heartbeat_every) after which a task is handed out again. The
/// answer is not for the log only:
///
/// - If the lease is [lost](LeaseError::is_lost), stop the work at once.
/// - If the store can't be reached, try again, and stop the work once the task
///   [is due to be taken over](crate::StoreConfig::takeover_due): then another may be at it.
///
/// `server/examples/worker.rs` in the repository is such a loop, for tokio.
///
/// Dropping a lease changes nothing: the task stays in progress, until another worker takes it over.
#[derive(Debug)]
#[must_use = "a task that is claimed is to be ended"]
pub struct Lease<S> {
    store: S,
    hold: Hold,
}

impl<S: TaskStore> Lease<S> {
    /// The lease of what was claimed from a store. `None` where the task was
    /// [given up](Claimed::GivenUp): there is nothing to work on.
    ///
    /// The store is a reference to it, such as `&MemoryStore`, or shared, as `Arc<dyn TaskStore>`.
    pub fn of(store: S, claimed: Claimed) -> Option<Self> {
        Hold::of(claimed).map(|hold| Self { store, hold })
    }

    /// The task, as last heard of: in the hands of this worker, or as it was when the lease ended or was lost.
    #[must_use]
    pub const fn task(&self) -> &Task {
        self.hold.task()
    }

    /// Whether the lease holds, as far as it has heard: it was not lost, and has not ended its task.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.hold.is_held()
    }

    /// Applies an event to the task: a report, a completion or a failure, each with
    /// [words](TaskEvent::with_description) or without. The other methods are short forms of it.
    ///
    /// # Errors
    /// As [`LeaseError`] says: where the lease is lost, or this call failed. Where others write to the task between
    /// each two of 16 tries, that counts as a failure of the backend, and nothing was applied.
    #[expect(clippy::needless_pass_by_value, reason = "as a store takes it")]
    pub fn apply(&mut self, event: TaskEvent, now: Now) -> Result<Change, LeaseError> {
        for _ in 0..TRIES {
            let answer = self.store.apply(self.hold.ask(&event)?, event.clone(), now);
            if let Some(answer) = self.hold.hear(&event, answer) {
                return answer;
            }
        }
        Err(Hold::contended())
    }

    /// Reports how far the work has come.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn report(&mut self, progress: Progress, now: Now) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::report_of(progress), now)
    }

    /// Reports that the worker is still there, and nothing else.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn heartbeat(&mut self, now: Now) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::report(), now)
    }

    /// Ends the task: the operation has succeeded.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn complete(&mut self, completion: Completion, now: Now) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::complete(completion), now)
    }

    /// Ends the task: the operation has failed.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn fail(&mut self, error: TaskError, now: Now) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::fail(error), now)
    }
}
