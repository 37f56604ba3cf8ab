//! Two servers as one store.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Claimed, ListError, ListQuery,
    Page, Scope, StoreFuture, Submission, SubmitError, Submitted, Swept, Target, Task, TaskEvent,
    TaskId, Timestamp,
};

/// A store that sends calls alternately to two stores over the same tasks, like a load balancer in
/// front of two servers.
///
/// This finds state that a store wrongly keeps in its own process.
pub struct AlternatingStore<S> {
    stores: [S; 2],
    calls: AtomicUsize,
    /// What the stores are in, such as a directory. Dropped after the stores.
    _resource: Option<Box<dyn Any + Send + Sync>>,
}

impl<S> AlternatingStore<S> {
    /// Combines two stores.
    pub const fn new(one: S, other: S) -> Self {
        Self { stores: [one, other], calls: AtomicUsize::new(0), _resource: None }
    }

    /// Keeps a value alive as long as the stores, such as the directory that they are in.
    #[must_use]
    pub fn with_resource(self, resource: impl Any + Send + Sync) -> Self {
        Self { _resource: Some(Box::new(resource)), ..self }
    }

    fn next(&self) -> &S {
        &self.stores[self.calls.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

impl<S: fmt::Debug> fmt::Debug for AlternatingStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AlternatingStore").field(&self.stores).finish()
    }
}

impl<S: AsyncTaskStore> AsyncTaskStore for AlternatingStore<S> {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        self.next().submit(submission, now)
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        self.next().apply(target, event, now)
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        self.next().claim(scope, now)
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        self.next().get(account, id, now)
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        self.next().list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        self.next().sweep(limit, now)
    }
}
