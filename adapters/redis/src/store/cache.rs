//! The cache of an account in this process: the state and the tasks as its own last write left
//! them.
//!
//! With a cached state, the next write need not read first. Every change gives the account a new
//! revision, and a write compares it: while the revision is the cached one, the cached tasks are
//! current too.

use std::collections::VecDeque;

use tasklife::{AccountId, Task, TaskId};

use crate::account::AccountState;

/// The number of tasks that are cached.
const TASKS: usize = 16;
/// The largest input, in bytes, of a task that is cached.
const MAX_INPUT: usize = 4_096;
/// The number of writes that read first after one found a stale cache.
const UNCACHED_WRITES: u32 = 32;

/// The cache of one account at a time: the one that was written to last.
#[derive(Debug, Default)]
pub(crate) struct AccountCache {
    account: Option<AccountId>,
    state: Option<AccountState>,
    /// The tasks last written, latest first.
    tasks: VecDeque<Task>,
    /// How many more writes read first.
    uncached_writes: u32,
}

impl AccountCache {
    /// Returns the state of an account, if it is cached.
    pub(crate) fn state(&mut self, account: &AccountId) -> Option<AccountState> {
        if self.account.as_ref() != Some(account) {
            return None;
        }
        if self.uncached_writes > 0 {
            self.uncached_writes -= 1;
            return None;
        }
        self.state.clone()
    }

    /// Returns a task of the cached account, if it is cached.
    pub(crate) fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id() == id)
    }

    /// Caches the result of a write that was decided on the state `before`.
    pub(crate) fn update(&mut self, before: &AccountState, after: AccountState, task: &Task) {
        let is_same_account = self.account.as_ref() == Some(task.account());
        let cached_revision = self.state.as_ref().and_then(|state| state.revision);
        if !is_same_account || cached_revision != before.revision {
            self.tasks.clear();
        }
        if !is_same_account {
            self.account = Some(task.account().clone());
            self.uncached_writes = 0;
        }
        self.state = Some(after);
        self.tasks.retain(|other| other.id() != task.id());
        if task.input().len() <= MAX_INPUT {
            self.tasks.push_front(task.clone());
            self.tasks.truncate(TASKS);
        }
    }

    /// Empties the cache after another process has changed the account.
    pub(crate) fn invalidate(&mut self) {
        self.state = None;
        self.tasks.clear();
        self.uncached_writes = UNCACHED_WRITES;
    }
}
