//! What a process remembers of an account: how its own last write left it.
//!
//! With that, the next write need not read first. Whatever changes an account gives it a new revision, and what
//! is written compares it: as long as it is the one that is remembered, so is all else.

use std::collections::VecDeque;

use tasklife::{AccountId, Task, TaskId};

use crate::account::AccountState;

/// How many tasks are remembered of an account.
const TASKS: usize = 16;
/// Up to how many bytes of input a task is remembered.
const INPUT: usize = 4_096;
/// How many writes read first, after one came upon another process's.
const CAUTION: u32 = 32;

/// The memory of one account at a time.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    account: Option<AccountId>,
    state: Option<AccountState>,
    /// Those last written.
    tasks: VecDeque<Task>,
    caution: u32,
}

impl Memory {
    /// How the account was left, if that is known.
    pub(crate) fn state(&mut self, account: &AccountId) -> Option<AccountState> {
        if self.account.as_ref() != Some(account) {
            return None;
        }
        if self.caution > 0 {
            self.caution -= 1;
            return None;
        }
        self.state.clone()
    }

    /// A task of the account, as it was left.
    pub(crate) fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id() == id)
    }

    /// Remembers what a write has left.
    pub(crate) fn remember(
        &mut self,
        before: Option<&AccountState>,
        after: AccountState,
        task: &Task,
    ) {
        let follows = self.account.as_ref() == Some(task.account())
            && self.state.as_ref().and_then(|state| state.revision)
                == before.and_then(|before| before.revision);
        if !follows {
            self.tasks.clear();
        }
        if self.account.as_ref() != Some(task.account()) {
            self.account = Some(task.account().clone());
            self.caution = 0;
        }
        self.state = Some(after);
        self.tasks.retain(|other| other.id() != task.id());
        if task.input().len() <= INPUT {
            self.tasks.push_front(task.clone());
            self.tasks.truncate(TASKS);
        }
    }

    /// Another was there since.
    pub(crate) fn was_wrong(&mut self) {
        self.state = None;
        self.tasks.clear();
        self.caution = CAUTION;
    }
}
