//! The same hold, on a task of a store that is a network away.

use super::LeaseError;
use super::hold::{Hold, TRIES};
use crate::event::{Progress, TaskEvent};
use crate::outcome::{Completion, TaskError};
use crate::store::{AsyncTaskStore, Change, Claimed};
use crate::task::Task;
use crate::time::Now;

/// A worker's hold on the task that it claimed, in an [`AsyncTaskStore`]: a [`Lease`](crate::Lease) in
/// futures, with the same [laws](crate::Lease#laws).
///
/// A future that is dropped half way is a call whose answer was lost: make it again.
///
/// ```
/// use tasklife::*;
///
/// async fn work(store: &dyn AsyncTaskStore, now: fn() -> Now) -> Result<(), LeaseError> {
///     while let Some(claimed) = store.claim(Scope::Any, now()).await? {
///         let Some(mut lease) = AsyncLease::of(store, claimed) else { continue };
///         for step in 1..=5 {
///             provision(step, lease.task().input()).await;
///             lease.report(Progress::of(step, 5), now()).await?; // Err: taken over, or gone
///         }
///         let end = TaskEvent::complete(Completion::of(77_899));
///         lease.apply(end.with_description("The subscription is ready."), now()).await?;
///     }
///     Ok(())
/// }
/// # async fn provision(_: u64, _: &[u8]) {}
/// # const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (store, account) = (InProcess(MemoryStore::default()), "acme".parse::<AccountId>()?);
/// # store.submit(Submission::new(account.clone(), uuid::Uuid::nil().into(), CREATE), MIN_TIME).await?;
/// # work(&store, || MIN_TIME).await?;
/// # let task = store.get(&account, uuid::Uuid::nil().into(), MIN_TIME).await?.unwrap();
/// # assert_eq!(task.description(), Some("The subscription is ready."));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a task that is claimed is to be ended"]
pub struct AsyncLease<S> {
    store: S,
    hold: Hold,
}

impl<S: AsyncTaskStore> AsyncLease<S> {
    /// The lease of what was claimed from a store. `None` where the task was
    /// [given up](Claimed::GivenUp): there is nothing to work on.
    ///
    /// The store is a reference to it, or shared, as `Arc<dyn AsyncTaskStore>`.
    pub fn of(store: S, claimed: Claimed) -> Option<Self> {
        Hold::of(claimed).map(|hold| Self { store, hold })
    }

    /// The task, as last heard of: as [`Lease::task`](crate::Lease::task).
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
    /// As [`LeaseError`] says: where the lease is lost, or this call failed.
    pub async fn apply(&mut self, event: TaskEvent, now: Now) -> Result<Change, LeaseError> {
        for _ in 0..TRIES {
            let answer = self.store.apply(self.hold.ask(&event)?, event.clone(), now).await;
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
    pub async fn report(&mut self, progress: Progress, now: Now) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::report_of(progress), now).await
    }

    /// Reports that the worker is still there, and nothing else.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn heartbeat(&mut self, now: Now) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::report(), now).await
    }

    /// Ends the task: the operation has succeeded.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn complete(
        &mut self,
        completion: Completion,
        now: Now,
    ) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::complete(completion), now).await
    }

    /// Ends the task: the operation has failed.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn fail(&mut self, error: TaskError, now: Now) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::fail(error), now).await
    }
}
