//! [`TaskStore`]: methods that block the calling thread.

use tasklife::{
    AccountId, ApplyError, BackendError, Change, Claimed, ListError, ListQuery, Page, Scope,
    Submission, SubmitError, Submitted, Swept, Target, Task, TaskEvent, TaskId, TaskStore,
    Timestamp,
};

use crate::calls::Step;

use super::{SWEEP_BATCH, SqliteStore, answered};

impl TaskStore for SqliteStore {
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
        answered(self.send_submission(submission, now).recv())
    }

    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        answered(self.send_event(target, event, now).recv())
    }

    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        loop {
            if let Step::Done(claimed) = answered(self.send_claim(scope, now).recv())? {
                return Ok(claimed);
            }
        }
    }

    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        self.read_task(account.clone(), id, now)
    }

    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        self.read_page(account.clone(), query.clone(), now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        let mut swept = Swept::default();
        loop {
            let batch = SWEEP_BATCH.min(limit - swept.dropped);
            let part = answered(self.send_sweep(batch, now).recv());
            // The earlier batches are committed.
            let part = part.map_err(|error| match swept.dropped {
                0 => error,
                _ => BackendError::unknown(error),
            })?;
            swept = Swept { dropped: swept.dropped + part.dropped, more: part.more };
            if !swept.more || swept.dropped == limit {
                return Ok(swept);
            }
        }
    }
}
