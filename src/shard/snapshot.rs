//! A store's whole content, to be saved and restored.

mod log;

use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Shard;
use super::account::{Account, Gap};
use super::ready_queue::QueueEntry;
use crate::clock::{AccountClock, Revision};
use crate::id::{AccountId, TaskId};
use crate::status::TaskStatus;
use crate::store::StoreConfig;
use crate::task::{RecordError, Task, TaskRecord};
use crate::time::{self, MIN_TIME, Now};
use crate::wire::known::serde_by_known_names;

/// A store's whole content, to be saved with serde and restored later.
///
/// Law S14, which a [`TaskStore`](crate::TaskStore) need not keep:
///
/// - A store restored under the same configuration answers every question as the saved one would,
///   except for the revisions that it gives out from then on.
/// - No other store gives out these revisions: neither the saved one after the snapshot, nor
///   another store restored from it before the `now` of this restoration. So a worker that holds a
///   task from the lost history is refused, as [stale](crate::ApplyError::Stale), or as [not
///   found](crate::ApplyError::NotFound) if the task itself is lost. Since a page that was read in
///   the lost history, every task has [changed](crate::ListQuery::changed_since).
///
/// A snapshot doesn't save in which order a sweep with a limit drops the tasks that are due. (A
/// [`LocalStore`](crate::LocalStore) begins with those that have been due longest.) Under another
/// configuration, limits may be exceeded at first, as no task is dropped.
///
/// Two stores with the same history have equal snapshots. The default snapshot is that of a store
/// that has never held a task. Restore it to begin a store if an earlier one may have left workers
/// behind.
///
/// See [`TaskRecord`](TaskRecord#versions) for snapshots of other versions of this crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot(Content);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename = "Snapshot")]
struct Content {
    version: u32,
    #[serde(with = "time::as_text")]
    horizon: Now,
    floor: Revision,
    last_ticket: u64,
    restorations: Vec<Revision>,
    accounts: Vec<AccountSnapshot>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
struct AccountSnapshot {
    account: AccountId,
    clock: AccountClock,
    ticket: u64,
    /// In ascending order.
    gaps: Vec<Gap>,
    /// In ascending order of revision.
    tasks: Vec<TaskRecord>,
}

serde_by_known_names!(Content, AccountSnapshot);

impl Default for Snapshot {
    /// The snapshot of an empty store.
    fn default() -> Self {
        Self::of(&[&Shard::new(StoreConfig::default())], MIN_TIME, 0)
    }
}

/// The largest revision or ticket that is restored. No store counts this far, and a store that did
/// could count as far again before its snapshots were refused.
const MAX_COUNT: u64 = 1 << 62;

/// The version of the snapshots that are written, and the only one that is read.
const VERSION: u32 = 2;

/// If the clock is behind a snapshot, revisions go on a multiple of this further. Two restorations
/// less than a step apart, which is more than a year, get different revisions, whatever the
/// multiple.
const LEAP: u64 = 1 << 48;

/// The content of a snapshot, spread over shards.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) shards: Vec<Shard>,
    pub(crate) horizon: Now,
    pub(crate) last_ticket: u64,
}

impl Snapshot {
    /// Saves the content of a store that consists of these shards.
    pub(crate) fn of(shards: &[&Shard], horizon: Now, last_ticket: u64) -> Self {
        let mut accounts: Vec<_> = shards
            .iter()
            .flat_map(|shard| shard.accounts.iter().map(|account| shard.save(account)))
            .collect();
        accounts.sort_unstable_by(|a, b| a.account.cmp(&b.account));
        Self(Content {
            version: VERSION,
            horizon,
            floor: shards.iter().map(|shard| shard.floor).max().unwrap_or_default(),
            last_ticket,
            restorations: shards.first().map(|s| s.restorations.to_vec()).unwrap_or_default(),
            accounts,
        })
    }

    /// Checks the content and spreads it over this many shards.
    ///
    /// # Errors
    /// Returns [`SnapshotError`] if no store made this content.
    pub(crate) fn restore(
        self,
        config: StoreConfig,
        now: Now,
        shards: usize,
        shard_of: impl Fn(&AccountId) -> usize,
    ) -> Result<Restored, SnapshotError> {
        Ok(self.0.load(config, now, shards, shard_of)?)
    }
}

impl Content {
    fn load(
        self,
        config: StoreConfig,
        now: Now,
        shards: usize,
        shard_of: impl Fn(&AccountId) -> usize,
    ) -> Result<Restored, Fault> {
        if self.version > VERSION {
            return Err(Fault::Newer(self.version));
        }
        if self.version < VERSION {
            return Err(Fault::Version(self.version));
        }
        let last_ticket = self.last_ticket;
        if last_ticket > MAX_COUNT {
            return Err(Fault::NoRoom);
        }
        if !self.restorations.iter().chain([&self.floor]).is_sorted() {
            return Err(Fault::Restorations);
        }
        let clocks = self.accounts.iter().map(|account| account.clock.revision());
        let last = clocks.fold(self.floor, Revision::max).get();
        if last > MAX_COUNT {
            return Err(Fault::NoRoom);
        }
        // Every account goes on from here.
        let clock = Revision::unreached_by(now).get();
        let leaps = if clock > last { 0 } else { (last - clock) / LEAP + 1 };
        let floor = Revision::beyond(clock, leaps * LEAP);
        let empty = || Shard { horizon: self.horizon, floor, ..Shard::new(config) };
        let mut shards: Vec<Shard> = core::iter::repeat_with(empty).take(shards).collect();
        let mut tickets = Vec::with_capacity(self.accounts.len());
        for saved in self.accounts {
            tickets.push(saved.ticket);
            shards[shard_of(&saved.account)].load_account(saved, last_ticket)?;
        }
        tickets.sort_unstable();
        if tickets.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Fault::Tickets);
        }
        let is_in_a_gap = |from: &Revision| {
            let mut accounts = shards.iter().flat_map(|shard| shard.accounts.iter());
            accounts.any(|account| Gap::any_has(account.gaps(), *from))
        };
        let kept = self.restorations.into_iter().filter(is_in_a_gap).chain([floor]);
        let restorations: Arc<[Revision]> = kept.collect();
        for shard in &mut shards {
            shard.restorations = restorations.clone();
        }
        Ok(Restored { shards, horizon: self.horizon, last_ticket })
    }
}

impl Shard {
    fn save(&self, account: &Account) -> AccountSnapshot {
        let mut tasks: Vec<_> = TaskStatus::ALL
            .into_iter()
            .flat_map(|status| account.in_status(status).ascending(&self.blocks))
            .collect();
        tasks.sort_unstable();
        AccountSnapshot {
            account: account.id.clone(),
            clock: account.clock,
            ticket: account.queue_entry.ticket(),
            gaps: account.gaps().to_vec(),
            tasks: tasks
                .iter()
                .map(|entry| TaskRecord::from(&self.tasks[entry.slot].task))
                .collect(),
        }
    }

    fn load_account(&mut self, saved: AccountSnapshot, last: u64) -> Result<(), Fault> {
        let AccountSnapshot { account: id, clock, ticket, gaps, tasks } = saved;
        let fail = |fault| Err(Fault::Account { id: id.clone(), fault });
        let hash = self.hash_account(&id);
        if self.find_account(hash, &id).is_some() {
            return fail(AccountFault::Twice);
        }
        if tasks.is_empty() {
            return fail(AccountFault::Empty);
        }
        let ends = gaps.iter().flat_map(|gap| [gap.after, gap.before]);
        if !ends.chain([clock.revision()]).is_sorted() {
            return fail(AccountFault::Gaps);
        }
        if ticket == 0 || ticket > last {
            return Err(Fault::Tickets);
        }
        let goes_on = AccountClock::new(self.floor, clock.updated_at());
        let account = Account::new(id.clone(), goes_on, QueueEntry::new(ticket));
        // A gap before all of the account's tasks isn't needed: since a revision in it, all of them
        // have changed anyway.
        let first = tasks.first().map(TaskRecord::revision).unwrap_or_default();
        let mut kept: Vec<Gap> = gaps.iter().copied().filter(|gap| first <= gap.after).collect();
        match kept.last_mut() {
            // Nothing has happened since the last restoration.
            Some(gap) if gap.before == clock.revision() => gap.before = self.floor,
            _ => kept.push(Gap { after: clock.revision(), before: self.floor }),
        }
        let key = self.insert_account(hash, account.with_gaps(kept));
        let mut before = AccountClock::default();
        for mut record in tasks {
            record.share_account(&id);
            let task = Task::try_from(record)?;
            if *task.account() != id {
                return fail(AccountFault::Foreign(task.id()));
            }
            let task_hash = self.hash_task(hash, task.id());
            if self.find_task(task_hash, &id, task.id()).is_some() {
                return fail(AccountFault::TaskTwice(task.id()));
            }
            let follows =
                task.revision() > before.revision() && task.updated_at() >= before.updated_at();
            let precedes =
                task.revision() <= clock.revision() && task.updated_at() <= clock.updated_at();
            let is_lost = Gap::any_has(&gaps, task.revision());
            if !follows || !precedes || is_lost {
                return fail(AccountFault::Order(task.id()));
            }
            before.advance_to(&task);
            if self.tasks.is_full() {
                return Err(Fault::TooLarge);
            }
            self.add_task(key, task_hash, task, self.horizon);
        }
        Ok(())
    }
}

/// The error for a [`Snapshot`] that no store made, or for records that are not from the log of a
/// store.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SnapshotError(#[from] Fault);

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("expected a snapshot of version {VERSION}, got version {0}")]
    Version(u32),
    #[error(
        "expected a snapshot of version {VERSION}, got version {0}: it was written by a newer version"
    )]
    Newer(u32),
    #[error("expected at most {} tasks, got more", u32::MAX)]
    TooLarge,
    #[error("expected revisions and tickets of at most {MAX_COUNT}, got more")]
    NoRoom,
    #[error("expected a different ticket for each account, from 1 to the last one given out")]
    Tickets,
    #[error("expected restorations in ascending order of revision, none above the floor")]
    Restorations,
    #[error("account {id}: {fault}")]
    Account { id: AccountId, fault: AccountFault },
    #[error(transparent)]
    Record(#[from] RecordError),
}

#[derive(Debug, thiserror::Error)]
enum AccountFault {
    #[error("expected each account once, got it again")]
    Twice,
    #[error("expected at least one task, got none")]
    Empty,
    #[error("expected gaps between revisions in ascending order, below the account's revision")]
    Gaps,
    #[error("expected tasks of this account, got task {0} of another")]
    Foreign(TaskId),
    #[error("expected each task once, got task {0} again")]
    TaskTwice(TaskId),
    #[error(
        "expected tasks in ascending order of revision, none updated before the last or later than \
         the account's clock, and none within a gap, got task {0} out of order"
    )]
    Order(TaskId),
    #[error(
        "expected one record of each revision, got two different ones of revision {revision}, of task \
         {} and of task {}", tasks[0], tasks[1]
    )]
    Conflict { revision: Revision, tasks: [TaskId; 2] },
}
