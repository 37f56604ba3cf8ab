//! A client that takes its own tasks through their lives with the loops of the README, and checks
//! every answer.

use std::collections::BTreeMap;
use std::time::Duration;

use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Completion, SubmitError, Submitted,
    Target, Task, TaskEvent, TaskId, Timestamp,
};
use tasklife_redis::RedisStore;

use super::{id, submission};

/// A client, and the last acknowledged state of its tasks. No other caller changes these tasks.
pub(crate) struct Client {
    store: RedisStore,
    account: AccountId,
    pub(crate) tasks: BTreeMap<TaskId, Task>,
    /// The number of errors that said that nothing was applied.
    pub(crate) not_applied: usize,
    /// The number of errors with an unknown outcome.
    pub(crate) unknown: usize,
}

impl Client {
    pub(crate) fn new(store: RedisStore, account: AccountId) -> Self {
        Self { store, account, tasks: BTreeMap::new(), not_applied: 0, unknown: 0 }
    }

    /// Takes a task from its submission to its end, however often the store fails.
    pub(crate) async fn live(&mut self, number: u64, now: Timestamp) {
        let mut task = self.submit(number, now).await;
        let end = TaskEvent::complete(Completion::of("done"));
        for event in [TaskEvent::start(), TaskEvent::report(), TaskEvent::report(), end] {
            let next = self.apply(&task, event, now).await;
            assert!(next.revision() > task.revision());
            task = next;
            self.tasks.insert(task.id(), task.clone());
        }
    }

    async fn submit(&mut self, number: u64, now: Timestamp) -> Task {
        let mut may_be_applied = false;
        loop {
            let submission = submission(self.account.as_str(), number);
            match self.store.submit(submission, now).await {
                Ok(submitted) => {
                    let is_known = matches!(submitted, Submitted::Existing(_));
                    assert!(may_be_applied || !is_known, "nothing was applied, but it was");
                    let task = submitted.into_task();
                    self.tasks.insert(task.id(), task.clone());
                    return task;
                }
                Err(SubmitError::Backend(error)) => {
                    may_be_applied |= error.is_unknown();
                    self.count_failure(&error).await;
                }
                Err(other) => panic!("submission {number}: {other}"),
            }
            let found = self.get(id(number), now).await;
            assert!(may_be_applied || found.is_none(), "nothing was applied, but it was");
        }
    }

    async fn apply(&mut self, task: &Task, event: TaskEvent, now: Timestamp) -> Task {
        let mut may_be_applied = false;
        loop {
            match self.store.apply(Target::exactly(task), event.clone(), now).await {
                Ok(change) => return change.into_task(),
                // No other caller changes the task, so it was this event.
                Err(ApplyError::Stale { current }) if may_be_applied => {
                    assert_eq!(task.status().after(event.kind()), Some(current.status()));
                    return current;
                }
                Err(ApplyError::Backend(error)) => {
                    may_be_applied |= error.is_unknown();
                    self.count_failure(&error).await;
                }
                Err(other) => panic!("{task:?}: {other}"),
            }
            let found = self.get(task.id(), now).await.expect("an acknowledged task is there");
            if found != *task {
                assert!(may_be_applied, "nothing was applied, but it was");
                assert_eq!(task.status().after(event.kind()), Some(found.status()));
            }
        }
    }

    /// Counts a failure, and waits before the next try.
    async fn count_failure(&mut self, error: &BackendError) {
        if error.is_unknown() {
            self.unknown += 1;
        } else {
            self.not_applied += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    async fn get(&self, id: TaskId, now: Timestamp) -> Option<Task> {
        loop {
            if let Ok(found) = self.store.get(&self.account, id, now).await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Checks that the store holds every task as its last acknowledged event left it.
    pub(crate) async fn check(&self, now: Timestamp) {
        for (id, task) in &self.tasks {
            let found = self.get(*id, now).await;
            assert_eq!(found.as_ref(), Some(task), "an acknowledged write was lost");
        }
    }
}
