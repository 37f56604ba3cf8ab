//! A store that wakes workers after changes made through it.

use alloc::boxed::Box;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::notifier::Notifier;
use crate::store::{
    ApplyError, AsyncTaskStore, BackendError, Change, Claimed, ListError, ListQuery, Notified,
    Notifies, Page, Scope, StoreFuture, SubmitError, Submitted, Swept, Target,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Timestamp;

/// Wraps a store, and wakes waiting workers after each change through the wrapper that may have made
/// work. This is how a store of one process, such as [`MemoryStore`](crate::MemoryStore), implements
/// [`Notifies`].
///
/// Calls that may have made work take one more lock.
#[derive(Clone, Debug, Default)]
pub struct Notifying<S> {
    store: S,
    notifier: Notifier,
}

impl<S> Notifying<S> {
    /// Wraps a store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store, notifier: Notifier::default() }
    }

    /// Returns the wrapped store. Changes made directly through it wake no worker.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.store
    }

    fn notify_if<X, E>(
        &self,
        answer: Result<X, E>,
        may_make_work: impl Fn(&X) -> bool,
    ) -> Result<X, E> {
        if answer.as_ref().is_ok_and(may_make_work) {
            self.notifier.notify();
        }
        answer
    }
}

impl<S: Send + Sync> Notifies for Notifying<S> {
    fn notified(&self) -> Notified<'_> {
        Box::pin(self.notifier.notified())
    }
}

impl<S: AsyncTaskStore> AsyncTaskStore for Notifying<S> {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(async move {
            let answer = self.store.submit(submission, now).await;
            self.notify_if(answer, |submitted| matches!(submitted, Submitted::New(_)))
        })
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(async move {
            let answer = self.store.apply(target, event, now).await;
            self.notify_if(answer, Change::may_make_work)
        })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move {
            let answer = self.store.claim(scope, now).await;
            let may_make_work = |claimed: &Claimed| claimed.change().may_make_work();
            self.notify_if(answer, |claimed| claimed.as_ref().is_some_and(may_make_work))
        })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        self.store.get(account, id, now)
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        self.store.list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        self.store.sweep(limit, now)
    }
}
