//! Tasks and accounts in all their places: found by id, and in every order.

use core::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

use super::account::Account;
use super::slab::Slab;
use super::{LocalStore, Stored};
use crate::clock::{AccountClock, Revision};
use crate::id::{AccountId, TaskId};
use crate::status::TaskStatus;
use crate::store::StoreConfig;
use crate::task::Task;
use crate::time::{MIN_TIME, Now};

impl LocalStore {
    /// The hash of an account's id, by which the account and all of its tasks are found.
    pub(super) fn hash_account(&self, id: &AccountId) -> u64 {
        self.hasher.hash_one(id)
    }

    pub(super) fn find_account(&self, hash: u64, id: &AccountId) -> Option<u32> {
        self.account_index.find(hash, |key| self.accounts[key].id == *id)
    }

    /// Finds a task by the hash of its account's id, that id, and its own: without the account.
    pub(super) fn find_task(&self, hash: u64, account: &AccountId, id: TaskId) -> Option<u32> {
        self.task_index.find(self.hasher.hash_one((hash, id)), |slot| {
            let task = &self.tasks[slot].task;
            task.id() == id && task.account() == account
        })
    }

    pub(super) fn find_visible(
        &self,
        account: &AccountId,
        id: TaskId,
        instant: Now,
    ) -> Option<u32> {
        let slot = self.find_task(self.hash_account(account), account, id)?;
        self.tasks[slot].task.is_visible_at(instant).then_some(slot)
    }

    pub(super) fn add_account(&mut self, hash: u64, id: AccountId) -> u32 {
        let clock = AccountClock::new(self.floor, MIN_TIME);
        let turn = self.turns.join();
        self.insert_account(Account::new(id, hash, clock, turn))
    }

    pub(super) fn insert_account(&mut self, account: Account) -> u32 {
        let Self { accounts, account_index, .. } = self;
        let hash = account.hash;
        let key = accounts.insert(account);
        account_index.insert(hash, key, |key| accounts[key].hash);
        key
    }

    /// Forgets an account that has no task left, but for its revision.
    pub(super) fn forget_if_empty(&mut self, key: u32) {
        let Self { accounts, account_index, .. } = self;
        if !accounts[key].is_empty() {
            return;
        }
        account_index.remove(accounts[key].hash, key, |key| accounts[key].hash);
        if let Some(account) = accounts.remove(key) {
            self.turns.leave(key, &account.turn);
            self.floor = self.floor.max(account.clock.revision());
        }
    }

    /// Takes in a task whose id is free.
    pub(super) fn add_task(&mut self, account: u32, task: Task) -> u32 {
        let Self { tasks, task_index, accounts, hasher, .. } = self;
        let slot = tasks.insert(Stored { task, account });
        let hash_of = |slot| hash_of(hasher, accounts, &tasks[slot]);
        task_index.insert(hash_of(slot), slot, hash_of);
        self.link(slot);
        slot
    }

    /// Drops a task that is in no order any more.
    pub(super) fn remove_task(&mut self, slot: u32) {
        let Self { tasks, task_index, accounts, hasher, .. } = self;
        let hash_of = |slot| hash_of(hasher, accounts, &tasks[slot]);
        task_index.remove(hash_of(slot), slot, hash_of);
        tasks.remove(slot);
    }

    /// Puts a task into its place in every order, and moves its account's clock to it.
    pub(super) fn link(&mut self, slot: u32) {
        let Self { config, tasks, accounts, expiry, turns, .. } = self;
        let Stored { task, account: key } = &tasks[slot];
        let (account, at) = (&mut accounts[*key], Standing::of(task));
        account.clock.advance_to(task);
        account.in_status_mut(at.status).insert(at.revision, slot);
        expiry.insert(at.expires_at, slot);
        at.join_limited(config, account, slot);
        turns.wake(*key, &mut account.turn);
    }

    /// Takes a task out of every order but that of expiry.
    pub(super) fn unlink(&mut self, slot: u32) {
        let Self { config, tasks, accounts, turns, .. } = self;
        let Stored { task, account: key } = &tasks[slot];
        let (account, at) = (&mut accounts[*key], Standing::of(task));
        account.in_status_mut(at.status).remove(at.revision, slot);
        at.leave_limited(config, account, slot);
        turns.wake(*key, &mut account.turn);
    }

    /// Moves a task that has changed, and its account's clock, from where it stood before.
    pub(super) fn relink(&mut self, slot: u32, before: Standing) {
        let Self { config, tasks, accounts, expiry, turns, .. } = self;
        let Stored { task, account: key } = &tasks[slot];
        let (account, at) = (&mut accounts[*key], Standing::of(task));
        account.clock.advance_to(task);
        account.in_status_mut(before.status).remove(before.revision, slot);
        account.in_status_mut(at.status).insert(at.revision, slot);
        if at.expires_at != before.expires_at {
            expiry.remove(before.expires_at, slot);
            expiry.insert(at.expires_at, slot);
        }
        before.leave_limited(config, account, slot);
        at.join_limited(config, account, slot);
        turns.wake(*key, &mut account.turn);
    }
}

fn hash_of(hasher: &DefaultHashBuilder, accounts: &Slab<Account>, stored: &Stored) -> u64 {
    hasher.hash_one((accounts[stored.account].hash, stored.task.id()))
}

/// What decides the places of a task in every order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) status: TaskStatus,
    revision: Revision,
    expires_at: Now,
}

impl Standing {
    pub(super) fn of(task: &Task) -> Self {
        Self { status: task.status(), revision: task.revision(), expires_at: task.expires_at() }
    }

    fn join_limited(self, config: &StoreConfig, account: &mut Account, slot: u32) {
        if self.counts_as_open(config) {
            account.limited_mut().open.insert(self.expires_at, slot);
        }
        if self.counts_as_in_progress(config) {
            account.limited_mut().in_progress.insert(self.expires_at, slot);
        }
    }

    fn leave_limited(self, config: &StoreConfig, account: &mut Account, slot: u32) {
        if self.counts_as_open(config) {
            account.limited_mut().open.remove(self.expires_at, slot);
        }
        if self.counts_as_in_progress(config) {
            account.limited_mut().in_progress.remove(self.expires_at, slot);
        }
    }

    fn counts_as_open(self, config: &StoreConfig) -> bool {
        config.max_open() < usize::MAX && !self.status.is_terminal()
    }

    fn counts_as_in_progress(self, config: &StoreConfig) -> bool {
        config.max_in_progress().is_some() && self.status == TaskStatus::ProcessingInProgress
    }
}
