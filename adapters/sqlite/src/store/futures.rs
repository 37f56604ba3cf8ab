//! [`AsyncTaskStore`]: futures that block no executor.

use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Claimed, ListError, ListQuery,
    Notified, Notifies, Page, Scope, StoreFuture, Submission, SubmitError, Submitted, Swept,
    Target, Task, TaskEvent, TaskId, TaskStore, Timestamp,
};

use crate::calls::Step;

use super::{SqliteStore, answered};

impl AsyncTaskStore for SqliteStore {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(async move { answered(self.send_submission(submission, now).await) })
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(async move { answered(self.send_event(target, event, now).await) })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move {
            loop {
                if let Step::Done(claimed) = answered(self.send_claim(scope, now).await)? {
                    return Ok(claimed);
                }
            }
        })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        let account = account.clone();
        self.run_blocking(move |store| store.read_task(account, id, now))
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        let (account, query) = (account.clone(), query.clone());
        self.run_blocking(move |store| store.read_page(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        self.run_blocking(move |store| TaskStore::sweep(store, limit, now))
    }
}

impl Notifies for SqliteStore {
    /// Waits for a hint that there may be work.
    ///
    /// It reports writes of this process that may make work immediately. It reports any write of
    /// another process, within about 10 ms.
    fn notified(&self) -> Notified<'_> {
        Box::pin(self.shared.notifier.notified())
    }
}
