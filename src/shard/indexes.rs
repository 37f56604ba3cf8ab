//! Updates of all indexes together: tasks and accounts by id, tasks by revision and by expiry.

use core::hash::BuildHasher;

use super::account::Account;
use super::ready_queue::QueueEntry;
use super::{Shard, Stored, bytes_of};
use crate::clock::{AccountClock, Revision};
use crate::id::{AccountId, TaskId};
use crate::status::TaskStatus;
use crate::store::StoreConfig;
use crate::task::Task;
use crate::time::Timestamp;

impl Shard {
    /// Returns the hash of an account's id. It leads to the account and, with their ids, to its
    /// tasks.
    pub(super) fn hash_account(&self, id: &AccountId) -> u64 {
        self.hasher.hash_one(id)
    }

    pub(super) fn find_account(&self, hash: u64, id: &AccountId) -> Option<u32> {
        self.account_index.find(hash, |key| (self.accounts[key].id == *id).then_some(key))
    }

    /// Finds a task by its hash and ids, without looking at its account.
    #[inline]
    pub(super) fn find_task(
        &self,
        hash: u64,
        account: &AccountId,
        id: TaskId,
    ) -> Option<(u32, &Stored)> {
        self.task_index.find(hash, |slot| {
            let stored = &self.tasks[slot];
            let is_it = stored.task.id() == id && stored.task.account() == account;
            is_it.then_some((slot, stored))
        })
    }

    /// Finds the task under an account and id, visible or not.
    pub(super) fn find(&self, account: &AccountId, id: TaskId) -> Option<(u32, &Stored)> {
        self.find_task(self.hash_task(self.hash_account(account), id), account, id)
    }

    pub(super) fn add_account(&mut self, hash: u64, id: AccountId, ticket: u64) -> u32 {
        let clock = AccountClock::after(self.floor);
        self.insert_account(hash, Account::new(id, clock, QueueEntry::new(ticket)))
    }

    pub(super) fn insert_account(&mut self, hash: u64, account: Account) -> u32 {
        let key = self.accounts.insert(account);
        self.account_index.insert(hash, key);
        key
    }

    /// Forgets an account without tasks. Its revision raises the floor.
    pub(super) fn forget_if_empty(&mut self, key: u32) {
        let account = &self.accounts[key];
        if account.is_empty() {
            self.account_index.remove(self.hasher.hash_one(&account.id), key);
            self.ready_queue.remove(key, &account.queue_entry);
            self.floor = self.floor.max(account.clock.revision());
            self.accounts.remove(key);
        }
    }

    /// Adds a task whose id is free to every index.
    pub(super) fn add_task(&mut self, key: u32, hash: u64, task: Task, now: Timestamp) {
        let Self { config, tasks, blocks, accounts, expiry, held_bytes, .. } = self;
        *held_bytes += bytes_of(config, &task);
        let (account, at) = (&mut accounts[key], IndexKeys::of(&task));
        account.clock.advance_to(&task);
        let slot = tasks.insert_with(|slot| {
            let location =
                account.in_status_mut(at.status).append(blocks, (key, None), at.revision, slot);
            Stored { task, location }
        });
        expiry.insert(at.expires_at, slot);
        at.insert_into_limits(config, account, slot);
        self.update_readiness(key, now);
        self.task_index.insert(hash, slot);
    }

    /// Returns the hash of a stored task.
    pub(super) fn hash_of(&self, slot: u32) -> u64 {
        let task = &self.tasks[slot].task;
        self.hash_task(self.hash_account(task.account()), task.id())
    }

    /// Returns the hash of a task, given its account's hash.
    pub(super) fn hash_task(&self, account: u64, id: TaskId) -> u64 {
        let (high, low) = id.as_uuid().as_u64_pair();
        self.hasher.hash_one((account ^ high, low))
    }

    /// Removes a task from every index except the expiry index and the task index, and returns its
    /// account.
    pub(super) fn unlink(&mut self, slot: u32, now: Timestamp) -> u32 {
        let Self { config, tasks, blocks, accounts, held_bytes, .. } = self;
        let Stored { task, location } = &tasks[slot];
        *held_bytes -= bytes_of(config, task);
        let (key, at, location) = (blocks.account(*location), IndexKeys::of(task), *location);
        let account = &mut accounts[key];
        let index = account.in_status_mut(at.status);
        let moved = |slot, location| tasks[slot].location = location;
        let emptied = index.remove(blocks, location, at.revision, moved);
        blocks.release(emptied);
        at.remove_from_limits(config, account, slot);
        self.update_readiness(key, now);
        key
    }

    /// Updates every index, and the account's clock, after a task has changed.
    pub(super) fn relink(&mut self, slot: u32, before: IndexKeys, now: Timestamp) {
        let Self { config, tasks, blocks, accounts, expiry, .. } = self;
        let Stored { task, location } = &tasks[slot];
        let (key, at, location) = (blocks.account(*location), IndexKeys::of(task), *location);
        let account = &mut accounts[key];
        account.clock.advance_to(task);
        let stays = at.status == before.status;
        // A task that stays in its index is appended first, so that the index is never empty.
        if stays {
            let index = account.in_status_mut(at.status);
            tasks[slot].location = index.append(blocks, (key, None), at.revision, slot);
        }
        let moved = |slot, location| tasks[slot].location = location;
        let index = account.in_status_mut(before.status);
        let emptied = index.remove(blocks, location, before.revision, moved);
        if stays {
            blocks.release(emptied);
        } else {
            let index = account.in_status_mut(at.status);
            tasks[slot].location = index.append(blocks, (key, emptied), at.revision, slot);
        }
        if at.expires_at != before.expires_at {
            expiry.remove(before.expires_at, slot);
            expiry.insert(at.expires_at, slot);
        }
        before.remove_from_limits(config, account, slot);
        at.insert_into_limits(config, account, slot);
        self.update_readiness(key, now);
    }
}

/// A task's keys in the indexes.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexKeys {
    pub(super) status: TaskStatus,
    revision: Revision,
    expires_at: Timestamp,
}

impl IndexKeys {
    pub(super) fn of(task: &Task) -> Self {
        Self { status: task.status(), revision: task.revision(), expires_at: task.expires_at() }
    }

    fn insert_into_limits(self, config: &StoreConfig, account: &mut Account, slot: u32) {
        if self.counts_as_open(config) {
            account.limit_indexes_mut().open.insert(self.expires_at, slot);
        }
        if self.counts_as_in_progress(config) {
            account.limit_indexes_mut().in_progress.insert(self.expires_at, slot);
        }
    }

    fn remove_from_limits(self, config: &StoreConfig, account: &mut Account, slot: u32) {
        if self.counts_as_open(config) {
            account.limit_indexes_mut().open.remove(self.expires_at, slot);
        }
        if self.counts_as_in_progress(config) {
            account.limit_indexes_mut().in_progress.remove(self.expires_at, slot);
        }
    }

    fn counts_as_open(self, config: &StoreConfig) -> bool {
        config.max_open() < usize::MAX && !self.status.is_terminal()
    }

    fn counts_as_in_progress(self, config: &StoreConfig) -> bool {
        config.max_in_progress().is_some() && self.status == TaskStatus::ProcessingInProgress
    }
}
