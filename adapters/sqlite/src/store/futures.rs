//! The methods, in futures that block no executor.

use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Changed, Changes, Claimed,
    ListError, ListQuery, Now, Page, Scope, StoreFuture, Submission, SubmitError, Submitted, Swept,
    Target, Task, TaskEvent, TaskId, TaskStore,
};

use crate::calls::Step;

use super::{SqliteStore, answered};

impl AsyncTaskStore for SqliteStore {
    fn submit(&self, submission: Submission, now: Now) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(async move { answered(self.send_submission(submission, now).await) })
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Now,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(async move { answered(self.send_event(target, event, now).await) })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Now,
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
        now: Now,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        let account = account.clone();
        self.unblock(move |store| store.read_task(account, id, now))
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Now,
    ) -> StoreFuture<'a, Page, ListError> {
        let (account, query) = (account.clone(), query.clone());
        self.unblock(move |store| store.read_page(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Now) -> StoreFuture<'_, Swept, BackendError> {
        self.unblock(move |store| TaskStore::sweep(store, limit, now))
    }
}

impl Changes for SqliteStore {
    /// Of what this process writes it tells at once, of what others write within some 10 ms. Whatever they
    /// write counts.
    fn changed(&self) -> Changed<'_> {
        Box::pin(self.shared.notifier.notified())
    }
}
