//! A worker's hold on the task that it claimed.

mod asynchronous;
mod error;
mod heartbeat;
mod hold;

use crate::event::{Progress, TaskEvent};
use crate::outcome::{Completion, TaskError};
use crate::store::{Change, Claimed, TaskStore};
use crate::task::Task;
use crate::time::Timestamp;
use hold::{Hold, MAX_TRIES};

pub use asynchronous::AsyncLease;
pub use error::LeaseError;

/// A worker's hold on the task that it claimed from a [`TaskStore`]. The worker reports on the task
/// and ends it through the lease, and learns when it has lost the task. [`AsyncLease`] is the same
/// for an [`AsyncTaskStore`](crate::AsyncTaskStore).
///
/// A worker that is silent for too long loses its task to another worker. So the lease targets each
/// event at exactly the revision that this worker knows, and notices a takeover. It finds out what
/// happened if the answer to a call was lost, and it copes with others who write to the task
/// meanwhile.
///
/// ```
/// use core::time::Duration;
/// use tasklife::*;
///
/// # const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
/// # let config = StoreConfig::default().with_takeover_after(Duration::from_secs(60));
/// # let store = MemoryStore::new(config);
/// # let second = |second: u32| format!("2019-08-08T06:{:02}:{:02}Z", second / 60, second % 60).parse::<Timestamp>();
/// # let provision = |_step: u64, _input: &[u8]| {};
/// # let now = second(0)?;
/// // This work takes no time. Real work reads the clock for each call: `now` dates the heartbeat.
/// # store.submit(Submission::new("acme".parse()?, uuid::Uuid::nil().into(), CREATE), now)?;
/// let work = |lease: &mut Lease<&MemoryStore>| {
///     for step in 1..=5 {
///         provision(step, lease.task().input());
///         lease.report(Progress::of(step, 5), now)?;
///     }
///     lease.complete(Completion::of(77_899), now)
/// };
/// while let Some(claimed) = store.claim(Scope::Any, now)? {
///     let Some(mut lease) = Lease::of(&store, claimed) else { continue }; // given up
///     match work(&mut lease) {
///         Ok(end) => println!("{} has ended", end.task().id()),
///         Err(error) if error.is_lost() => println!("{error}"), // claim the next task
///         Err(error) => return Err(error.into()), // refused, or the store can't be reached
///     }
/// }
///
/// // A worker stalls, and another takes over its task.
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
/// - **L1** A lease never changes a task that another worker holds, or a task that has ended. Nor does
///   it change a new task under the same id, submitted at another instant after the first was gone.
/// - **L2** Of all leases that held a task, at most one returns `Ok` from
///   [`complete`](Self::complete) or [`fail`](Self::fail), and the task then shows that outcome.
/// - **L3** A [lost](LeaseError::is_lost) lease stays lost: each further call returns the same
///   error without calling the store. A lease that has ended its own task is lost too, with
///   [`LeaseError::Ended`].
/// - **L4** After any other error the lease still holds.
///   - After [`Refused`](LeaseError::Refused) nothing has changed. Apply another event: the same one is
///     refused again, unless a [full store](crate::ApplyError::StoreFull) has got room meanwhile.
///   - After [`Backend`](LeaseError::Backend), or if you dropped the future of a call, the event may
///     have been applied. Make the same call again before any other: it returns `Ok` if an end was
///     applied after all. (A report may then have been made twice.) If you make another call first, such
///     as a heartbeat, that call returns [`Ended`](LeaseError::Ended) if an end was applied.
/// - **L5** A write by someone who doesn't hold the task, such as an administrator who adds a
///   [description](TaskEvent::with_description) at the [latest](crate::Target::latest) revision,
///   doesn't affect the lease. A write that ends the task ends the lease.
/// - **L6** A lease is lost only if another worker has claimed the task, if the task has ended or is
///   gone, or if the store has lost writes. For a call whose `now` is at or after the task's expiry, the
///   task is gone: the call returns [`Gone`](LeaseError::Gone), even if other clocks are behind.
///
/// An example of L4: the answer to `complete` is lost.
///
/// | call | result |
/// |---|---|
/// | `complete(completion, now)` | `Backend`: the store applied it, but the answer was lost |
/// | `complete(completion, now)`, once more | `Ok`: the task shows that very end |
/// | any further call | `Ended` |
///
/// The [number of the attempt](Task::attempts) distinguishes one worker from the next, and [the
/// time of submission](Task::submitted_at) one task from the next. So the laws need a store that
/// keeps what it has acknowledged. If a store [has lost a claim](TaskStore#what-a-store-may-lose), and
/// only then, two workers can have the same attempt number. If the task shows the loss, as it does
/// after a [restoration](crate::Snapshot), the first worker's lease is lost. If it doesn't, both
/// workers go on until one of them ends the task, and the other then gets `Ended`.
///
/// # Heartbeats
///
/// Each event of the worker is a heartbeat. If the work has nothing to report for a while, call
/// [`heartbeat`](Self::heartbeat). Send one every
/// [`heartbeat_every`](crate::StoreConfig::heartbeat_every), which is a third of the silence after
/// which the task is taken over. Act on the result:
///
/// - If the lease is [lost](LeaseError::is_lost), stop the work at once.
/// - If the store can't be reached, try again. Stop the work once the task [is due to be taken
///   over](crate::StoreConfig::takeover_due), as another worker may then have it.
///
/// `server/examples/worker.rs` in the repository is such a loop, for tokio.
///
/// Dropping a lease changes nothing: the task stays in progress until another worker takes it over, or
/// until it expires.
#[derive(Debug)]
#[must_use = "a claimed task must be ended"]
pub struct Lease<S> {
    store: S,
    hold: Hold,
}

impl<S: TaskStore> Lease<S> {
    /// Creates the lease of a task claimed from `store`. Returns `None` if the task was [given
    /// up](Claimed::GivenUp), as there is nothing to work on.
    ///
    /// `store` is a reference, such as `&MemoryStore`, or a shared pointer, such as `Arc<dyn
    /// TaskStore>`.
    pub fn of(store: S, claimed: Claimed) -> Option<Self> {
        Hold::of(claimed).map(|hold| Self { store, hold })
    }

    /// Returns the task as last known: as this worker holds it, or as it was when the lease was
    /// lost.
    #[must_use]
    pub const fn task(&self) -> &Task {
        self.hold.task()
    }

    /// Returns whether the lease holds, as far as it knows, so that it is not
    /// [lost](LeaseError::is_lost). This doesn't call the store.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.hold.is_held()
    }

    /// Applies an event to the task: a report, a completion or a failure, each with or without a
    /// [description](TaskEvent::with_description). The other methods are shorthands for it.
    ///
    /// # Errors
    ///
    /// Returns [`LeaseError`] if the lease is lost, or this call failed. If others write to the
    /// task between every two of 16 tries, the call fails with [`LeaseError::Backend`], and nothing
    /// was applied.
    #[expect(clippy::needless_pass_by_value, reason = "as a store takes it")]
    pub fn apply(&mut self, event: TaskEvent, now: Timestamp) -> Result<Change, LeaseError> {
        for _ in 0..MAX_TRIES {
            let answer = self.store.apply(self.hold.begin(&event)?, event.clone(), now);
            if let Some(answer) = self.hold.finish(&event, answer) {
                return answer;
            }
        }
        Err(Hold::contended())
    }

    /// Reports how far the work has come.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub fn report(&mut self, progress: Progress, now: Timestamp) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::report_of(progress), now)
    }

    /// Reports that the worker is alive, without a description or progress.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub fn heartbeat(&mut self, now: Timestamp) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::report(), now)
    }

    /// Ends the task: the operation has succeeded.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub fn complete(
        &mut self,
        completion: Completion,
        now: Timestamp,
    ) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::complete(completion), now)
    }

    /// Ends the task: the operation has failed.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub fn fail(&mut self, error: TaskError, now: Timestamp) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::fail(error), now)
    }
}
