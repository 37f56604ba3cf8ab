//! A model that threads share, as a store.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Model;
use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::store::{
    ApplyError, BackendError, Change, Claimed, ListError, ListQuery, Page, Scope, SubmitError,
    Submitted, Swept, Target, TaskStore,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Timestamp;

fn lock(model: &Mutex<Model>) -> MutexGuard<'_, Model> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TaskStore for Mutex<Model> {
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
        lock(self).submit(submission, now)
    }

    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        lock(self).apply(target, event, now)
    }

    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        lock(self).claim(scope, now)
    }

    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        lock(self).get(account, id, now)
    }

    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        lock(self).list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        lock(self).sweep(limit, now)
    }
}
