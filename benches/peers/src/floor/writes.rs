//! `submit`, `apply` and `sweep`: a hash index, a slab, links for the order by update, and links
//! for the order of expiry, which with one retention and one clock is that of submission.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use tasklife::{AccountClock, Now, Retention, Submission, Task, TaskEvent, TaskId};

use super::chain::{Chain, Link, NONE};

#[derive(Debug, Default)]
pub struct Writes {
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    slots: Vec<Slot>,
    free: Vec<u32>,
    order: Chain,
    expiry: Chain,
    clock: AccountClock,
}

#[derive(Debug)]
struct Slot {
    task: Option<Task>,
    order: Link,
    expiry: Link,
}

impl Slot {
    fn id(&self) -> Option<TaskId> {
        self.task.as_ref().map(Task::id)
    }

    fn order(&mut self) -> &mut Link {
        &mut self.order
    }

    fn expiry(&mut self) -> &mut Link {
        &mut self.expiry
    }
}

impl Writes {
    pub fn submit(&mut self, submission: Submission, now: Now) -> Task {
        let task = Task::new(submission, Retention::default(), now, self.clock.next(now));
        self.clock.advance_to(&task);
        let slot =
            Slot { task: Some(task.clone()), order: Link::default(), expiry: Link::default() };
        let place = if let Some(place) = self.free.pop() {
            self.slots[place as usize] = slot;
            place
        } else {
            self.slots.push(slot);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2³² tasks")
        };
        let Self { index, hasher, slots, .. } = self;
        index.insert_unique(hasher.hash_one(task.id()), place, |place| {
            hasher.hash_one(slots[*place as usize].id().expect("a full slot"))
        });
        self.order.push(slots, place, Slot::order);
        self.expiry.push(slots, place, Slot::expiry);
        task
    }

    pub fn apply(&mut self, id: TaskId, event: TaskEvent, now: Now) -> Option<Task> {
        let Self { index, hasher, slots, order, clock, .. } = self;
        let hash = hasher.hash_one(id);
        let place = *index.find(hash, |place| slots[*place as usize].id() == Some(id))?;
        let task = slots[place as usize].task.as_mut()?;
        task.apply(event, Retention::default(), now, clock.next(now)).ok()?;
        clock.advance_to(task);
        let changed = task.clone();
        order.remove(slots, place, Slot::order);
        order.push(slots, place, Slot::order);
        Some(changed)
    }

    /// The tasks in the order of their submission.
    pub fn into_tasks(self) -> impl Iterator<Item = Task> {
        self.slots.into_iter().filter_map(|slot| slot.task)
    }

    pub fn sweep(&mut self, limit: usize, now: Now) -> usize {
        let Self { index, hasher, slots, free, order, expiry, .. } = self;
        for dropped in 0..limit {
            let place = expiry.first;
            if place == NONE
                || slots[place as usize].task.as_ref().is_some_and(|task| task.is_visible_at(now))
            {
                return dropped;
            }
            order.remove(slots, place, Slot::order);
            expiry.remove(slots, place, Slot::expiry);
            if let Some(task) = slots[place as usize].task.take()
                && let Ok(entry) =
                    index.find_entry(hasher.hash_one(task.id()), |other| *other == place)
            {
                entry.remove();
            }
            free.push(place);
        }
        limit
    }
}
