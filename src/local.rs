//! The store in memory, for one thread.

use alloc::vec::Vec;
use core::num::NonZeroUsize;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::shard::{AccountPage, Growth, NoRoom, Shard, Snapshot, SnapshotError, Turn, room_for};
use crate::store::{
    ApplyError, BackendError, Census, Change, Claimed, ListError, ListQuery, Page, Scope,
    StoreConfig, SubmitError, Submitted, Swept, Target,
};
use crate::submission::Submission;
use crate::task::{Task, TaskRecord};
use crate::time::{Now, clamp_time};

/// The store in memory, for one thread: the six methods of [`TaskStore`](crate::TaskStore) and its
/// laws, with `&mut self` where they write. It needs no `std`.
///
/// What threads share is a [`MemoryStore`](crate::MemoryStore).
///
/// Where bytes are limited, a call that needs room looks at as many expired tasks as it takes, and drops them.
///
/// With N tasks in the store, `get`, `submit`, `apply` and `claim` take time logarithmic in N at
/// the most, and `sweep` as much for each task that it drops. A `list` of k tasks takes time for k
/// and a logarithm of N, from a cursor and with a status filter too, however many tasks other
/// statuses and other accounts hold. Expired tasks that no sweep has dropped yet can be in the way:
/// all but `get` and `sweep` may also pass over those of the account, and a `claim` for any account
/// once over each account in which something has expired since it was last looked at. So sweep often.
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
    /// An empty store of the default configuration.
    fn default() -> Self {
        Self::new(StoreConfig::default())
    }
}

impl LocalStore {
    /// An empty store.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        Self { shard: Shard::new(config), last_ticket: 0 }
    }

    /// The store's configuration.
    #[must_use]
    pub const fn config(&self) -> &StoreConfig {
        self.shard.config()
    }

    /// How many tasks the store holds, the expired ones that no sweep has dropped yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shard.len()
    }

    /// Whether the store holds no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the store holds, where that is [limited](StoreConfig::with_max_bytes): the sum of its
    /// tasks' [`held_bytes`](Task::held_bytes), the expired ones that no sweep has dropped yet included.
    #[must_use]
    pub fn held_bytes(&self) -> Option<usize> {
        (self.config().max_bytes() < usize::MAX).then(|| self.shard.held_bytes())
    }

    /// The store's whole content.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&[&self.shard], self.shard.horizon(), self.last_ticket)
    }

    /// The store whose content was saved. Everything is checked.
    ///
    /// `now` is when it is restored: later than all calls to the store that was saved and to every
    /// other restoration, by an eighth of a microsecond for each event of an account. Revisions go on
    /// [beyond what any store has come to](crate::Revision::unreached_by) by then. If the clock went
    /// back, so that the snapshot is already past that point, they go on a whole number of times 2⁴⁸
    /// further.
    ///
    /// A task that is in progress has lost its worker, where that was in the same process. It is handed
    /// out again once it has been [silent for long](StoreConfig::with_takeover_after), which counts as one
    /// of its [attempts](StoreConfig::with_max_attempts).
    ///
    /// # Errors
    /// Where the snapshot is none that a store made: it is of another version, a task's record is
    /// none, two accounts or two tasks of an account have the same name, a task is with the wrong
    /// account, or revisions, times or tickets contradict each other.
    pub fn restore(
        config: StoreConfig,
        snapshot: Snapshot,
        now: Now,
    ) -> Result<Self, SnapshotError> {
        let mut restored = snapshot.restore(config, now, 1, |_| 0)?;
        let shard = restored.shards.pop().unwrap_or_else(|| Shard::new(config));
        Ok(Self { shard, last_ticket: restored.last_ticket })
    }

    /// The store of which a log tells: what is left after a crash, where a [`TaskRecord`] was written
    /// after each call that changed a task. Such a call is a submission that was answered by
    /// [`Submitted::New`], an event, or a claim that wasn't answered by `None`.
    ///
    /// ```
    /// use tasklife::*;
    ///
    /// let (mut store, mut log) = (LocalStore::default(), String::new());
    /// let mut write = |task: &Task| -> serde_json::Result<()> {
    ///     log += &serde_json::to_string(&TaskRecord::from(task))?; // and to a file, in one's own program
    ///     Ok(log.push('\n'))
    /// };
    /// # let (account, id): (AccountId, TaskId) = ("acme".parse()?, uuid::Uuid::nil().into());
    /// # const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
    /// # let now = "2026-01-01T00:00:00Z".parse()?;
    /// if let Submitted::New(task) = store.submit(Submission::new(account.clone(), id, CREATE), now)? {
    ///     write(&task)?;
    /// }
    /// if let Some(claimed) = store.claim(Scope::Any, now)? {
    ///     write(claimed.change().task())?;
    /// }
    ///
    /// let records: Vec<TaskRecord> = log.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    /// let restored = LocalStore::from_records(*store.config(), records, now)?;
    /// assert_eq!(restored.get(&account, id, now)?, store.get(&account, id, now)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # What counts
    ///
    /// Of each task (an account and an id) the record with the highest revision. Records may come in any
    /// order, and more than once. So a log may go on after a restart, and records that count no more may be
    /// taken out. Those that do count take the memory that they take in a store; each of the others takes
    /// 32 bytes while the store is made.
    ///
    /// What is expired at `now` is left out, as after a [`sweep`](Self::sweep) at `now`: that is the horizon.
    /// A log doesn't say how far the horizon was. If it was later, since another clock was ahead, what that
    /// hid is there again. The accounts' next turns are in the order in which they first appear in the log,
    /// as it doesn't say whose turn it was. Limits may be exceeded at first.
    ///
    /// # What was lost
    ///
    /// Revisions go on as after [`restore`](Self::restore): whoever saw a change that is not in the log, as
    /// the process died before it was written, is told so. For [changes](ListQuery::changed_since) since a
    /// page that was read in a lost history, that takes a log of each account that is in order, of which no
    /// more than the end was lost: by the crash, and by each one before. Where a record was taken out, a page
    /// that was read at its revision counts as lost, too; then more tasks are answered than have changed.
    ///
    /// # Errors
    /// Where no store's log has these records: two different ones have the same account and revision. Of
    /// those that count and are not expired: a record is that of no task, one task was updated before
    /// another of the same account with a lower revision, or a revision is above 2⁶².
    pub fn from_records(
        config: StoreConfig,
        records: impl IntoIterator<Item = TaskRecord>,
        now: Now,
    ) -> Result<Self, SnapshotError> {
        Self::restore(config, Snapshot::of_records(records, now)?, now)
    }

    /// Counts what the store holds, visible at `now` or not.
    ///
    /// Each task is looked at, which takes a few milliseconds for a hundred thousand of them: cheap enough
    /// for metrics that are read every few seconds, too dear for each request.
    #[must_use]
    pub fn census(&self, now: Now) -> Census {
        self.shard.census(now)
    }

    /// A page of the accounts that hold tasks, in ascending order of name: at most `limit`, `after` one. The
    /// last account of a page is what the next one comes after. Those of which all tasks are expired are
    /// among them, until a sweep drops the last of those.
    ///
    /// An account that holds tasks from the first page to the last is on exactly one of them, whatever
    /// happens in between. Each page takes time for all accounts of the store, as they are kept in no order:
    /// with pages of a thousand, a hundred thousand accounts are looked at a hundred times.
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

    /// As [`TaskStore::submit`](crate::TaskStore::submit).
    ///
    /// # Errors
    /// As there; the backend is memory and doesn't fail.
    pub fn submit(&mut self, submission: Submission, now: Now) -> Result<Submitted, SubmitError> {
        let mut proposal = match self.shard.examine(&submission, now) {
            Ok(proposal) => proposal,
            Err(answer) => return answer,
        };
        if let Some(by) = self.room_for(self.shard.growth_by(&submission, &proposal), now)? {
            if !proposal.fits_account() {
                return Err(SubmitError::AccountFull);
            }
            self.shard.drop_expired(by);
            proposal = match self.shard.examine(&submission, now) {
                Ok(proposal) => proposal,
                Err(answer) => return answer,
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

    /// As [`TaskStore::apply`](crate::TaskStore::apply).
    ///
    /// # Errors
    /// As there; the backend is memory and doesn't fail.
    pub fn apply(
        &mut self,
        target: Target<'_>,
        event: TaskEvent,
        now: Now,
    ) -> Result<Change, ApplyError> {
        if self.config().max_bytes() < usize::MAX {
            let growth = self.shard.growth_by_event(target, &event, now)?;
            if let Some(by) = self.room_for(growth, now)? {
                self.shard.drop_expired(by);
            }
        }
        self.shard.apply(target, event, now)
    }

    /// As [`TaskStore::claim`](crate::TaskStore::claim).
    ///
    /// # Errors
    /// Never: the backend is memory.
    pub fn claim(&mut self, scope: Scope<'_>, now: Now) -> Result<Option<Claimed>, BackendError> {
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

    /// As [`TaskStore::get`](crate::TaskStore::get).
    ///
    /// # Errors
    /// Never: the backend is memory.
    pub fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Now,
    ) -> Result<Option<Task>, BackendError> {
        Ok(self.shard.get(account, id, now))
    }

    /// As [`TaskStore::list`](crate::TaskStore::list).
    ///
    /// # Errors
    /// As there; the backend is memory and doesn't fail.
    pub fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Now,
    ) -> Result<Page, ListError> {
        self.shard.list(account, query, now)
    }

    /// As [`TaskStore::sweep`](crate::TaskStore::sweep).
    ///
    /// # Errors
    /// Never: the backend is memory.
    pub fn sweep(&mut self, limit: usize, now: Now) -> Result<Swept, BackendError> {
        self.shard.advance_horizon(clamp_time(now));
        Ok(self.shard.sweep(limit))
    }

    /// What has to go for a call: [`room_for`].
    fn room_for(&self, growth: Growth, now: Now) -> Result<Option<Now>, NoRoom> {
        let Self { shard, .. } = self;
        room_for((0, growth), &[shard], shard.held_bytes(), shard.instant(now))
    }

    /// As [`MemoryStore::remove`](crate::MemoryStore::remove).
    pub fn remove(&mut self, account: &AccountId, id: TaskId) -> Option<Task> {
        self.shard.remove(account, id)
    }

    /// As [`MemoryStore::remove_account`](crate::MemoryStore::remove_account).
    pub fn remove_account(&mut self, account: &AccountId) -> usize {
        self.shard.remove_account(account)
    }
}

/// The ticket after the last one.
fn next(last: &mut u64) -> impl FnOnce() -> u64 {
    move || {
        *last += 1;
        *last
    }
}
