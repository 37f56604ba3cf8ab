//! A worker's hold on a task of a store that is a network away.

use super::LeaseError;
use super::hold::{Hold, MAX_TRIES};
use crate::event::{Progress, TaskEvent};
use crate::outcome::{Completion, TaskError};
use crate::store::{AsyncTaskStore, Change, Claimed};
use crate::task::Task;
use crate::time::Timestamp;

/// A worker's hold on the task that it claimed from an [`AsyncTaskStore`]: a
/// [`Lease`](crate::Lease) in futures, with the same [laws](crate::Lease#laws).
///
/// If you drop a future before it is ready, its answer is lost. Make the same call again.
///
/// ```
/// use tasklife::*;
///
/// async fn work(store: &dyn AsyncTaskStore, now: fn() -> Timestamp) -> Result<(), LeaseError> {
///     while let Some(claimed) = store.claim(Scope::Any, now()).await? {
///         let Some(mut lease) = AsyncLease::of(store, claimed) else { continue };
///         for step in 1..=5 {
///             provision(step, lease.task().input()).await;
///             lease.report(Progress::of(step, 5), now()).await?; // Err: lost, refused, or a failed store
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
#[must_use = "a claimed task must be ended"]
pub struct AsyncLease<S> {
    store: S,
    hold: Hold,
}

impl<S: AsyncTaskStore> AsyncLease<S> {
    /// Creates the lease of a task claimed from `store`. Returns `None` if the task was [given
    /// up](Claimed::GivenUp), as there is nothing to work on.
    ///
    /// `store` is a reference, or a shared pointer, such as `Arc<dyn AsyncTaskStore>`.
    pub fn of(store: S, claimed: Claimed) -> Option<Self> {
        Hold::of(claimed).map(|hold| Self { store, hold })
    }

    /// Returns the task as last known. See [`Lease::task`](crate::Lease::task).
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
    /// Returns [`LeaseError`] if the lease is lost, or this call failed. See
    /// [`Lease::apply`](crate::Lease::apply).
    pub async fn apply(&mut self, event: TaskEvent, now: Timestamp) -> Result<Change, LeaseError> {
        for _ in 0..MAX_TRIES {
            let answer = self.store.apply(self.hold.begin(&event)?, event.clone(), now).await;
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
    pub async fn report(
        &mut self,
        progress: Progress,
        now: Timestamp,
    ) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::report_of(progress), now).await
    }

    /// Reports that the worker is alive, without a description or progress.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub async fn heartbeat(&mut self, now: Timestamp) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::report(), now).await
    }

    /// Ends the task: the operation has succeeded.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub async fn complete(
        &mut self,
        completion: Completion,
        now: Timestamp,
    ) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::complete(completion), now).await
    }

    /// Ends the task: the operation has failed.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub async fn fail(&mut self, error: TaskError, now: Timestamp) -> Result<Change, LeaseError> {
        self.apply(TaskEvent::fail(error), now).await
    }
}
