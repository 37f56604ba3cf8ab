//! Tasks and accounts in all their places: found by id, and in every order.

use core::hash::BuildHasher;

use super::account::Account;
use super::{LocalStore, Stored};
use crate::clock::AccountClock;
use crate::id::{AccountId, TaskId};
use crate::status::TaskStatus;
use crate::store::StoreConfig;
use crate::task::Task;
use crate::time::{MIN_TIME, Now};

impl LocalStore {
    pub(super) fn find_account(&self, id: &AccountId) -> Option<u32> {
        let hash = self.hasher.hash_one(id);
        self.account_index.find(hash, |key| self.accounts[*key].id == *id).copied()
    }

    pub(super) fn find_task(&self, account: u32, id: TaskId) -> Option<u32> {
        let hash = self.hasher.hash_one((account, id));
        let found = self.task_index.find(hash, |slot| {
            let stored = &self.tasks[*slot];
            stored.task.id() == id && stored.account == account
        });
        found.copied()
    }

    pub(super) fn find_visible(
        &self,
        account: &AccountId,
        id: TaskId,
        instant: Now,
    ) -> Option<u32> {
        let slot = self.find_task(self.find_account(account)?, id)?;
        self.tasks[slot].task.is_visible_at(instant).then_some(slot)
    }

    pub(super) fn add_account(&mut self, id: AccountId) -> u32 {
        let clock = AccountClock::new(self.floor, MIN_TIME);
        let account = Account::new(id, clock, self.turns.join());
        self.insert_account(account)
    }

    pub(super) fn insert_account(&mut self, account: Account) -> u32 {
        let Self { accounts, account_index, hasher, .. } = self;
        let hash = hasher.hash_one(&account.id);
        let key = accounts.insert(account);
        account_index.insert_unique(hash, key, |key| hasher.hash_one(&accounts[*key].id));
        key
    }

    /// Forgets an account that has no task left, but for its revision.
    pub(super) fn forget_if_empty(&mut self, key: u32) {
        let Self { accounts, account_index, hasher, .. } = self;
        if !accounts[key].is_empty() {
            return;
        }
        if let Ok(entry) =
            account_index.find_entry(hasher.hash_one(&accounts[key].id), |other| *other == key)
        {
            entry.remove();
        }
        if let Some(account) = accounts.remove(key) {
            self.turns.leave(key, &account.turn);
            self.floor = self.floor.max(account.clock.revision());
        }
    }

    /// Takes in a task whose id is free.
    pub(super) fn add_task(&mut self, account: u32, task: Task) -> u32 {
        let Self { tasks, task_index, hasher, .. } = self;
        let hash_of = |stored: &Stored| hasher.hash_one((stored.account, stored.task.id()));
        let stored = Stored { task, account };
        let hash = hash_of(&stored);
        let slot = tasks.insert(stored);
        task_index.insert_unique(hash, slot, |slot| hash_of(&tasks[*slot]));
        self.link(slot);
        slot
    }

    /// Drops a task that is in no order any more.
    pub(super) fn remove_task(&mut self, slot: u32) {
        let Self { tasks, task_index, hasher, .. } = self;
        let stored = &tasks[slot];
        let hash = hasher.hash_one((stored.account, stored.task.id()));
        if let Ok(entry) = task_index.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        tasks.remove(slot);
    }

    /// Puts a task into its place in every order, and moves its account's clock to it.
    pub(super) fn link(&mut self, slot: u32) {
        let Self { config, tasks, accounts, expiry, turns, .. } = self;
        let Stored { task, account: key } = &tasks[slot];
        let account = &mut accounts[*key];
        account.clock.advance_to(task);
        account.in_status_mut(task.status()).push(task.revision(), slot);
        expiry.insert(task.expires_at(), slot);
        if counts_as_open(config, task) {
            account.open.insert(task.expires_at(), slot);
        }
        if counts_as_in_progress(config, task) {
            account.in_progress.insert(task.expires_at(), slot);
        }
        turns.wake(*key, &mut account.turn);
    }

    /// Takes a task out of every order.
    pub(super) fn unlink(&mut self, slot: u32) {
        let Self { config, tasks, accounts, expiry, turns, .. } = self;
        let Stored { task, account: key } = &tasks[slot];
        let account = &mut accounts[*key];
        account.in_status_mut(task.status()).remove(task.revision());
        expiry.remove(task.expires_at(), slot);
        if counts_as_open(config, task) {
            account.open.remove(task.expires_at(), slot);
        }
        if counts_as_in_progress(config, task) {
            account.in_progress.remove(task.expires_at(), slot);
        }
        turns.wake(*key, &mut account.turn);
    }
}

fn counts_as_open(config: &StoreConfig, task: &Task) -> bool {
    config.max_open() < usize::MAX && !task.status().is_terminal()
}

fn counts_as_in_progress(config: &StoreConfig, task: &Task) -> bool {
    config.max_in_progress().is_some() && task.status() == TaskStatus::ProcessingInProgress
}
