//! `get`: a hash lookup and an owned copy.

use hashbrown::HashMap;
use tasklife::{Task, TaskId};

#[derive(Debug, Default)]
pub struct Lookup {
    tasks: HashMap<TaskId, Task>,
}

impl Lookup {
    pub fn insert(&mut self, task: Task) {
        self.tasks.insert(task.id(), task);
    }

    pub fn get(&self, id: TaskId) -> Option<Task> {
        self.tasks.get(&id).cloned()
    }
}
