//! Two servers behind one store, as a load balancer sees them.

use std::sync::atomic::{AtomicUsize, Ordering};

use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Claimed, ListError, ListQuery,
    Now, Page, Scope, StoreFuture, Submission, SubmitError, Submitted, Swept, Target, Task,
    TaskEvent, TaskId,
};
use tasklife_redis::RedisStore;

/// Two stores over the same keys that know nothing of each other: calls go to the one and the other in
/// turn.
#[derive(Debug)]
pub(crate) struct Both([RedisStore; 2], AtomicUsize);

impl Both {
    pub(crate) fn new(one: RedisStore, other: RedisStore) -> Self {
        Self([one, other], AtomicUsize::new(0))
    }

    fn next(&self) -> &RedisStore {
        &self.0[self.1.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

impl AsyncTaskStore for Both {
    fn submit(&self, submission: Submission, now: Now) -> StoreFuture<'_, Submitted, SubmitError> {
        self.next().submit(submission, now)
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Now,
    ) -> StoreFuture<'a, Change, ApplyError> {
        self.next().apply(target, event, now)
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Now,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        self.next().claim(scope, now)
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Now,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        self.next().get(account, id, now)
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Now,
    ) -> StoreFuture<'a, Page, ListError> {
        self.next().list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Now) -> StoreFuture<'_, Swept, BackendError> {
        self.next().sweep(limit, now)
    }
}
