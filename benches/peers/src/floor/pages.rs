//! `list`: follows the links of an account from the beginning of a page, and copies the tasks.

use hashbrown::HashMap;
use tasklife::{AccountId, Task, TaskStatus};

use super::chain::{Chain, Link, NONE};
use crate::subject::{CURSORS, Part};
use crate::workload::scattered;

#[derive(Debug)]
pub struct Pages {
    slots: Vec<Slot>,
    lists: HashMap<AccountId, Lists>,
    cursors: Vec<u32>,
}

/// The lists of an account.
#[derive(Debug, Default)]
struct Lists {
    all: Chain,
    rare: Chain,
}

#[derive(Debug)]
struct Slot {
    task: Task,
    all: Link,
    rare: Link,
}

impl Slot {
    fn all(&mut self) -> &mut Link {
        &mut self.all
    }

    fn rare(&mut self) -> &mut Link {
        &mut self.rare
    }
}

impl Pages {
    /// Creates the lists from tasks of one account. `order` holds their indices in the order of the
    /// list, latest first.
    pub fn new(tasks: impl IntoIterator<Item = Task>, order: &[u32]) -> Self {
        let slot = |task| Slot { task, all: Link::default(), rare: Link::default() };
        let mut slots: Vec<_> = tasks.into_iter().map(slot).collect();
        let mut lists = HashMap::new();
        let account = slots.first().map(|slot| slot.task.account().clone());
        let account = account.expect("a list has tasks");
        let Lists { all, rare } = lists.entry(account).or_insert_with(Lists::default);
        for place in order {
            all.push(&mut slots, *place, Slot::all);
            if slots[*place as usize].task.status() == TaskStatus::ProcessingError {
                rare.push(&mut slots, *place, Slot::rare);
            }
        }
        let cursors = scattered(order.len(), 1).take(CURSORS).map(|place| order[place]).collect();
        Self { slots, lists, cursors }
    }

    pub fn page(&self, account: &AccountId, part: Part, turn: usize) -> Vec<Task> {
        let Some(lists) = self.lists.get(account) else { return Vec::new() };
        let mut tasks = Vec::with_capacity(100);
        let mut place = match part {
            Part::First => lists.all.first,
            Part::Continued => self.cursors[turn % CURSORS],
            Part::Rare => lists.rare.first,
        };
        while place != NONE && tasks.len() < 100 {
            let Slot { task, all, rare } = &self.slots[place as usize];
            tasks.push(task.clone());
            place = if part == Part::Rare { rare.next } else { all.next };
        }
        tasks
    }
}
