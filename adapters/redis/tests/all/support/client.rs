//! A client that takes tasks of its own through their lives, as the README shows it, and does not
//! believe a word.

use std::collections::BTreeMap;
use std::time::Duration;

use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, Completion, Now, SubmitError, Submitted, Target, Task,
    TaskEvent, TaskId,
};
use tasklife_redis::RedisStore;

use super::{id, submission};

/// A client, and what it knows of its tasks, which nobody else touches.
pub(crate) struct Client {
    store: RedisStore,
    account: AccountId,
    pub(crate) tasks: BTreeMap<TaskId, Task>,
    /// How many answers said that nothing was applied, and how many that it is unknown.
    pub(crate) not_applied: usize,
    pub(crate) unknown: usize,
}

/// What a call that failed may have left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    Unknown,
}

impl Client {
    pub(crate) fn new(store: RedisStore, account: AccountId) -> Self {
        Self { store, account, tasks: BTreeMap::new(), not_applied: 0, unknown: 0 }
    }

    /// Takes a task from its submission to its end, however often the store fails.
    pub(crate) async fn live(&mut self, number: u64, now: Now) {
        let mut task = self.submit(number, now).await;
        let end = TaskEvent::complete(Completion::of("done"));
        for event in [TaskEvent::start(), TaskEvent::report(), TaskEvent::report(), end] {
            let next = self.apply(&task, event, now).await;
            assert!(next.revision() > task.revision());
            task = next;
            self.tasks.insert(task.id(), task.clone());
        }
    }

    async fn submit(&mut self, number: u64, now: Now) -> Task {
        let mut left = Left::Nothing;
        loop {
            let submission = submission(self.account.as_str(), number);
            match self.store.submit(submission, now).await {
                Ok(submitted) => {
                    let known = matches!(submitted, Submitted::Existing(_));
                    assert!(left == Left::Unknown || !known, "nothing was applied, but it was");
                    let task = submitted.into_task();
                    self.tasks.insert(task.id(), task.clone());
                    return task;
                }
                Err(SubmitError::Backend(error)) => self.note(error.is_unknown(), &mut left).await,
                Err(other) => panic!("submission {number}: {other}"),
            }
            let found = self.get(id(number), now).await;
            assert!(left == Left::Unknown || found.is_none(), "nothing was applied, but it was");
        }
    }

    async fn apply(&mut self, task: &Task, event: TaskEvent, now: Now) -> Task {
        let mut left = Left::Nothing;
        loop {
            match self.store.apply(Target::exactly(task), event.clone(), now).await {
                Ok(change) => return change.into_task(),
                // Nobody else touches it: it was this very event.
                Err(ApplyError::Stale { current }) if left == Left::Unknown => {
                    assert_eq!(task.status().after(event.kind()), Some(current.status()));
                    return current;
                }
                Err(ApplyError::Backend(error)) => self.note(error.is_unknown(), &mut left).await,
                Err(other) => panic!("{task:?}: {other}"),
            }
            let found = self.get(task.id(), now).await.expect("an acknowledged task is there");
            if found != *task {
                assert!(left == Left::Unknown, "nothing was applied, but it was");
                assert_eq!(task.status().after(event.kind()), Some(found.status()));
            }
        }
    }

    async fn note(&mut self, is_unknown: bool, left: &mut Left) {
        if is_unknown {
            self.unknown += 1;
            *left = Left::Unknown;
        } else {
            self.not_applied += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    async fn get(&self, id: TaskId, now: Now) -> Option<Task> {
        loop {
            if let Ok(found) = self.store.get(&self.account, id, now).await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether the store holds every task as its last acknowledged event left it.
    pub(crate) async fn check(&self, now: Now) {
        for (id, task) in &self.tasks {
            let found = self.get(*id, now).await;
            assert_eq!(found.as_ref(), Some(task), "an acknowledged write was lost");
        }
    }
}
