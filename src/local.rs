//! The store in memory for one thread.

mod saved;

use alloc::vec::Vec;
use core::num::NonZeroUsize;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::shard::{AccountPage, Examined, Growth, NoRoom, Shard, Turn, room_for};
use crate::store::{
    ApplyError, BackendError, Census, Change, Claimed, ListError, ListQuery, Page, Scope,
    StoreConfig, SubmitError, Submitted, Swept, Target,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::{Timestamp, clamp_time};

/// The store in memory for one thread. It has the methods and laws of
/// [`TaskStore`](crate::TaskStore), with `&mut self` where they write, and needs no `std`.
///
/// To share a store between threads, use [`MemoryStore`](crate::MemoryStore).
///
/// # Cost
///
/// With N tasks in the store, `get`, `submit`, `apply` and `claim` take time at most logarithmic in
/// N, and `sweep` as much for each task that it drops. A `list` of k tasks takes time for k and a
/// logarithm of N, also from a cursor or with a status filter, however many tasks other statuses
/// and accounts hold.
///
/// Sweep often, because expired tasks slow down other calls until a sweep drops them. All calls
/// except `get` and `sweep` may pass over the expired tasks of their account. A `claim` from any
/// account may do so once for each account in which something has expired since it was last looked
/// at. If bytes are limited, a call that needs room looks at as many expired tasks as it takes, and
/// drops them.
///
/// # Examples
///
/// ```
/// use tasklife::{LocalStore, StoreConfig, Submission, TaskId};
///
/// let mut store = LocalStore::new(StoreConfig::default());
/// let now = "2019-08-08T06:49:15.929Z".parse()?;
/// let account: tasklife::AccountId = "acme".parse()?;
/// let id = TaskId::for_key(&account, "order-7f3a");
/// store.submit(Submission::new(account.clone(), id, "databaseCreateRequest".parse()?), now)?;
/// assert!(store.get(&account, id, now)?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalStore {
    shard: Shard,
    last_ticket: u64,
}

impl Default for LocalStore {
    /// An empty store with the default configuration.
    fn default() -> Self {
        Self::new(StoreConfig::default())
    }
}

impl LocalStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        Self { shard: Shard::new(config), last_ticket: 0 }
    }

    /// Returns the store's configuration.
    #[must_use]
    pub const fn config(&self) -> &StoreConfig {
        self.shard.config()
    }

    /// Returns how many tasks the store holds, including expired ones that no sweep has dropped
    /// yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shard.len()
    }

    /// Returns whether the store holds no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes the store holds, if that is [limited](StoreConfig::with_max_bytes):
    /// the sum of its tasks' [`held_bytes`](Task::held_bytes), including expired tasks that no
    /// sweep has dropped yet.
    #[must_use]
    pub fn held_bytes(&self) -> Option<usize> {
        (self.config().max_bytes() < usize::MAX).then(|| self.shard.held_bytes())
    }

    /// Counts what the store holds, visible at `now` or not.
    ///
    /// This looks at each task, which takes a few milliseconds for a hundred thousand tasks. That
    /// is cheap enough for metrics that are read every few seconds, but too expensive for each
    /// request.
    #[must_use]
    pub fn census(&self, now: Timestamp) -> Census {
        self.shard.census(now)
    }

    /// Returns a page of the accounts that hold tasks, sorted by name: at most `limit` accounts,
    /// beginning after the account `after`. Pass the last account of a page to get the next one. An
    /// account whose tasks have all expired is included until a sweep drops the last of them.
    ///
    /// An account that holds tasks from the first page to the last is on exactly one of them,
    /// whatever happens in between. Accounts are not kept in order, so each page takes time for all
    /// accounts of the store: with pages of a thousand, a hundred thousand accounts are looked at a
    /// hundred times.
    ///
    /// ```
    /// use core::num::NonZeroUsize;
    /// # let store = tasklife::LocalStore::default();
    ///
    /// let (limit, mut last) = (NonZeroUsize::MIN.saturating_add(999), None);
    /// loop {
    ///     let page = store.accounts(last.as_ref(), limit);
    ///     for account in &page {
    ///         println!("{account} may have work");
    ///     }
    ///     if page.len() < limit.get() {
    ///         break;
    ///     }
    ///     last = page.into_iter().next_back();
    /// }
    /// ```
    #[must_use]
    pub fn accounts(&self, after: Option<&AccountId>, limit: NonZeroUsize) -> Vec<AccountId> {
        let mut page = AccountPage::new(after, limit);
        self.shard.add_accounts(&mut page);
        page.into_sorted()
    }

    /// See [`TaskStore::submit`](crate::TaskStore::submit).
    ///
    /// # Errors
    ///
    /// Like [`TaskStore::submit`](crate::TaskStore::submit), except that the backend is memory and
    /// doesn't fail.
    pub fn submit(
        &mut self,
        submission: Submission,
        now: Timestamp,
    ) -> Result<Submitted, SubmitError> {
        let mut proposal = match self.shard.examine(&submission, now) {
            Examined::Proposed(proposal) => proposal,
            Examined::Answered(answer) => return answer,
        };
        // As in `MemoryStore`, a full store is reported before a full account.
        if let Some(by) = self.room_for(self.shard.growth_by(&submission, &proposal), now)? {
            if !proposal.fits_account() {
                return Err(SubmitError::AccountFull);
            }
            self.shard.drop_expired(by);
            proposal = match self.shard.examine(&submission, now) {
                Examined::Proposed(proposal) => proposal,
                Examined::Answered(answer) => return answer,
            };
            let Self { shard, last_ticket } = self;
            return Ok(Submitted::New(shard.accept(&proposal, submission, now, next(last_ticket))));
        }
        let needs_room = proposal.needs_place() && self.shard.is_full();
        if needs_room && !self.shard.has_expired_at(now) {
            return Err(SubmitError::StoreFull);
        }
        if !proposal.fits_account() {
            return Err(SubmitError::AccountFull);
        }
        if needs_room {
            self.shard.make_room(&mut proposal, submission.account());
        }
        let Self { shard, last_ticket } = self;
        Ok(Submitted::New(shard.accept(&proposal, submission, now, next(last_ticket))))
    }

    /// See [`TaskStore::apply`](crate::TaskStore::apply).
    ///
    /// # Errors
    ///
    /// Like [`TaskStore::apply`](crate::TaskStore::apply), except that the backend is memory and
    /// doesn't fail.
    pub fn apply(
        &mut self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        if self.config().max_bytes() < usize::MAX {
            let growth = self.shard.growth_by_event(target, &event, now)?;
            if let Some(by) = self.room_for(growth, now)? {
                self.shard.drop_expired(by);
            }
        }
        self.shard.apply(target, event, now)
    }

    /// See [`TaskStore::claim`](crate::TaskStore::claim).
    ///
    /// # Errors
    ///
    /// Never fails, as the backend is memory.
    pub fn claim(
        &mut self,
        scope: Scope<'_>,
        now: Timestamp,
    ) -> Result<Option<Claimed>, BackendError> {
        let Self { shard, last_ticket } = self;
        if let Scope::Account(id) = scope {
            return Ok(shard.claim_of(id, now));
        }
        shard.wake_overdue(now);
        while let Some(turn) = shard.claim_next(now, next(last_ticket)) {
            if let Turn::Served(claimed) = turn {
                return Ok(Some(claimed));
            }
        }
        Ok(None)
    }

    /// See [`TaskStore::get`](crate::TaskStore::get).
    ///
    /// # Errors
    ///
    /// Never fails, as the backend is memory.
    pub fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        Ok(self.shard.get(account, id, now))
    }

    /// See [`TaskStore::list`](crate::TaskStore::list).
    ///
    /// # Errors
    ///
    /// Like [`TaskStore::list`](crate::TaskStore::list), except that the backend is memory and
    /// doesn't fail.
    pub fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        self.shard.list(account, query, now)
    }

    /// See [`TaskStore::sweep`](crate::TaskStore::sweep).
    ///
    /// # Errors
    ///
    /// Never fails, as the backend is memory.
    pub fn sweep(&mut self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        self.shard.advance_horizon(clamp_time(now));
        Ok(self.shard.sweep(limit))
    }

    /// Returns the instant by which expired tasks have to be dropped for a call, if any have.
    fn room_for(&self, growth: Growth, now: Timestamp) -> Result<Option<Timestamp>, NoRoom> {
        let Self { shard, .. } = self;
        room_for((0, growth), &[shard], shard.held_bytes(), shard.effective_now(now))
    }

    /// Removes a task, as [`MemoryStore::remove`](crate::MemoryStore::remove) does.
    pub fn remove(&mut self, account: &AccountId, id: TaskId) -> Option<Task> {
        self.shard.remove(account, id)
    }

    /// Removes all tasks of an account, as
    /// [`MemoryStore::remove_account`](crate::MemoryStore::remove_account) does.
    pub fn remove_account(&mut self, account: &AccountId) -> usize {
        self.shard.remove_account(account)
    }
}

/// Returns a function that issues the next ticket.
fn next(last: &mut u64) -> impl FnOnce() -> u64 {
    move || {
        *last += 1;
        *last
    }
}
