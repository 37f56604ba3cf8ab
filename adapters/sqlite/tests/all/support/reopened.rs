//! A store that is reopened before each call.

use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Claimed, ListError, ListQuery,
    Page, Scope, StoreConfig, StoreFuture, Submission, SubmitError, Submitted, Swept, Target, Task,
    TaskEvent, TaskId, Timestamp,
};
use tasklife_sqlite::SqliteStore;

use super::Place;

/// A store in a file that keeps nothing in memory between calls.
pub(crate) struct Reopened(Place, StoreConfig);

impl Reopened {
    pub(crate) fn new(config: StoreConfig) -> Self {
        Self(Place::new(), config)
    }

    fn open(&self) -> SqliteStore {
        self.0.open_with(self.1)
    }
}

impl AsyncTaskStore for Reopened {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(async move { self.open().submit(submission, now).await })
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(async move { self.open().apply(target, event, now).await })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move { self.open().claim(scope, now).await })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        Box::pin(async move { self.open().get(account, id, now).await })
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        Box::pin(async move { self.open().list(account, query, now).await })
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        Box::pin(async move { self.open().sweep(limit, now).await })
    }
}
