//! `list`: links to follow from where a page begins, and owned copies.

use tasklife::{Task, TaskStatus};

use super::chain::{Chain, Link, NONE};
use crate::subject::{CURSORS, Part};
use crate::workload::scattered;

#[derive(Debug)]
pub struct Pages {
    slots: Vec<Slot>,
    all: Chain,
    rare: Chain,
    cursors: Vec<u32>,
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
    /// Of tasks by number, and their numbers in the order of the list, the latest first.
    pub fn new(tasks: impl IntoIterator<Item = Task>, order: &[u32]) -> Self {
        let slot = |task| Slot { task, all: Link::default(), rare: Link::default() };
        let mut slots: Vec<_> = tasks.into_iter().map(slot).collect();
        let (mut all, mut rare) = (Chain::default(), Chain::default());
        for place in order {
            all.push(&mut slots, *place, Slot::all);
            if slots[*place as usize].task.status() == TaskStatus::ProcessingError {
                rare.push(&mut slots, *place, Slot::rare);
            }
        }
        let cursors = scattered(order.len(), 1).take(CURSORS).map(|place| order[place]).collect();
        Self { slots, all, rare, cursors }
    }

    pub fn page(&self, part: Part, turn: usize) -> Vec<Task> {
        let mut tasks = Vec::with_capacity(100);
        let mut place = match part {
            Part::First => self.all.first,
            Part::Continued => self.cursors[turn % CURSORS],
            Part::Rare => self.rare.first,
        };
        while place != NONE && tasks.len() < 100 {
            let Slot { task, all, rare } = &self.slots[place as usize];
            tasks.push(task.clone());
            place = if part == Part::Rare { rare.next } else { all.next };
        }
        tasks
    }
}
