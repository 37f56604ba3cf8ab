//! `submit`, `apply` and `sweep`: hash indexes of tasks and accounts, a slab, links in the order of
//! updates for each account, and links in the order of expiry. With one retention and one clock,
//! that is the order of submission.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use tasklife::{
    AccountClock, AccountId, Retention, Submission, Task, TaskEvent, TaskId, Timestamp,
};

use super::chain::{Chain, Link, NONE};

#[derive(Debug, Default)]
pub struct Writes {
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    slots: Vec<Slot>,
    free: Vec<u32>,
    accounts: HashMap<AccountId, Account>,
    expiry: Chain,
}

#[derive(Debug, Default)]
struct Account {
    order: Chain,
    clock: AccountClock,
}

#[derive(Debug)]
struct Slot {
    task: Option<Task>,
    order: Link,
    expiry: Link,
}

impl Slot {
    fn is(&self, account: &AccountId, id: TaskId) -> bool {
        self.task.as_ref().is_some_and(|task| task.id() == id && task.account() == account)
    }

    fn order(&mut self) -> &mut Link {
        &mut self.order
    }

    fn expiry(&mut self) -> &mut Link {
        &mut self.expiry
    }
}

impl Writes {
    pub fn submit(&mut self, submission: Submission, now: Timestamp) -> Task {
        let Self { index, hasher, slots, free, accounts, expiry } = self;
        let account = accounts.entry_ref(submission.account()).or_default();
        let task = Task::new(submission, Retention::default(), now, account.clock.next(now));
        account.clock.advance_to(&task);
        let slot =
            Slot { task: Some(task.clone()), order: Link::default(), expiry: Link::default() };
        let place = if let Some(place) = free.pop() {
            slots[place as usize] = slot;
            place
        } else {
            slots.push(slot);
            u32::try_from(slots.len() - 1).expect("fewer than 2³² tasks")
        };
        let hash_of = |task: &Task| hasher.hash_one((task.account(), task.id()));
        index.insert_unique(hash_of(&task), place, |place| {
            hash_of(slots[*place as usize].task.as_ref().expect("a full slot"))
        });
        account.order.push(slots, place, Slot::order);
        expiry.push(slots, place, Slot::expiry);
        task
    }

    pub fn apply(
        &mut self,
        account: &AccountId,
        id: TaskId,
        event: TaskEvent,
        now: Timestamp,
    ) -> Option<Task> {
        let Self { index, hasher, slots, accounts, .. } = self;
        let hash = hasher.hash_one((account, id));
        let place = *index.find(hash, |place| slots[*place as usize].is(account, id))?;
        let Account { order, clock } = accounts.get_mut(account)?;
        let task = slots[place as usize].task.as_mut()?;
        task.apply(event, Retention::default(), now, clock.next(now)).ok()?;
        clock.advance_to(task);
        let changed = task.clone();
        order.remove(slots, place, Slot::order);
        order.push(slots, place, Slot::order);
        Some(changed)
    }

    /// Returns the tasks in the order of submission.
    pub fn into_tasks(self) -> impl Iterator<Item = Task> {
        self.slots.into_iter().filter_map(|slot| slot.task)
    }

    pub fn sweep(&mut self, limit: usize, now: Timestamp) -> usize {
        let Self { index, hasher, slots, free, accounts, expiry } = self;
        for dropped in 0..limit {
            let place = expiry.first;
            if place == NONE
                || slots[place as usize].task.as_ref().is_some_and(|task| task.is_visible_at(now))
            {
                return dropped;
            }
            expiry.remove(slots, place, Slot::expiry);
            if let Some(task) = slots[place as usize].task.take() {
                if let Some(account) = accounts.get_mut(task.account()) {
                    account.order.remove(slots, place, Slot::order);
                }
                let hash = hasher.hash_one((task.account(), task.id()));
                if let Ok(entry) = index.find_entry(hash, |other| *other == place) {
                    entry.remove();
                }
            }
            free.push(place);
        }
        limit
    }
}
