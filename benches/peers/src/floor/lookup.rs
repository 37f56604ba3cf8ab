//! `get`: a hash lookup by account and id, and an owned copy.

use hashbrown::{Equivalent, HashMap};
use tasklife::{AccountId, Task, TaskId};

#[derive(Debug, Default)]
pub struct Lookup {
    tasks: HashMap<(AccountId, TaskId), Task>,
}

#[derive(Hash)]
struct Key<'a>(&'a AccountId, TaskId);

impl Equivalent<(AccountId, TaskId)> for Key<'_> {
    fn equivalent(&self, (account, id): &(AccountId, TaskId)) -> bool {
        self.1 == *id && self.0 == account
    }
}

impl Lookup {
    pub fn insert(&mut self, task: Task) {
        self.tasks.insert((task.account().clone(), task.id()), task);
    }

    pub fn get(&self, account: &AccountId, id: TaskId) -> Option<Task> {
        self.tasks.get(&Key(account, id)).cloned()
    }
}
