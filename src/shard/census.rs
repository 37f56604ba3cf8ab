//! Counts of what a shard holds.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use super::Shard;
use crate::id::AccountId;
use crate::store::Census;
use crate::time::Timestamp;

/// A page of accounts, sorted by name and beginning after one, while it is collected.
#[derive(Debug)]
pub(crate) struct AccountPage<'a> {
    after: Option<&'a AccountId>,
    limit: NonZeroUsize,
    /// A heap with the last of them on top.
    first: BinaryHeap<AccountId>,
}

impl<'a> AccountPage<'a> {
    pub(crate) fn new(after: Option<&'a AccountId>, limit: NonZeroUsize) -> Self {
        Self { after, limit, first: BinaryHeap::new() }
    }

    fn add(&mut self, account: &AccountId) {
        if self.after.is_some_and(|after| account <= after) {
            return;
        }
        if self.first.len() < self.limit.get() {
            self.first.push(account.clone());
        } else if let Some(mut last) = self.first.peek_mut()
            && *account < *last
        {
            *last = account.clone();
        }
    }

    /// Returns the accounts, sorted by name.
    pub(crate) fn into_sorted(self) -> Vec<AccountId> {
        self.first.into_sorted_vec()
    }
}

impl Shard {
    /// Counts all tasks at the later of `now` and the horizon.
    pub(crate) fn census(&self, now: Timestamp) -> Census {
        let effective_now = self.effective_now(now);
        let mut census = Census::new().with_accounts(self.accounts.iter().count());
        for stored in self.tasks.iter() {
            census.record(&stored.task, effective_now);
        }
        census
    }

    /// Adds this shard's accounts to a page.
    pub(crate) fn add_accounts(&self, page: &mut AccountPage<'_>) {
        self.accounts.iter().for_each(|account| page.add(&account.id));
    }
}
