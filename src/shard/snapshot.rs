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
use crate::time::{self, MIN_TIME, Timestamp};
use crate::wire::known::serde_by_known_names;

/// A store's whole content, to be saved with serde and restored later.
///
/// # Restoration
///
/// The stores in memory keep a further law, S14. Other stores need not keep it.
///
/// - A store that is restored under the same configuration answers every question as the saved
///   store would, except for the revisions that it gives out from then on.
/// - No other store gives out these revisions: neither the saved store after the snapshot, nor
///   another store that was restored from the snapshot before the `now` of this restoration.
///
/// The events between the snapshot and the restoration are a *lost history*. A worker that holds a
/// task from it is refused: as [stale](crate::ApplyError::Stale), or as [not
/// found](crate::ApplyError::NotFound) if the task itself is lost. A client that asks for the
/// [changes since](crate::ListQuery::changed_since) a page of the lost history gets all tasks of the
/// account.
///
/// A snapshot doesn't save in which order a sweep with a limit drops expired tasks. (A
/// [`LocalStore`](crate::LocalStore) begins with the tasks that expired first.) Under another
/// configuration, limits may be exceeded at first, because no task is dropped.
///
/// Two stores with the same history have equal snapshots. The default snapshot is the snapshot of a
/// store that has never held a task. Restore it to begin a store if an earlier store may have left
/// workers behind.
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
    horizon: Timestamp,
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

/// The largest revision or ticket that is restored. No store counts this far. From here, a restored
/// store can count as far again before it reaches [`Revision::MAX`], above which no revision can be
/// read back.
const MAX_COUNT: u64 = 1 << 62;

/// The version of the snapshots that are written, and the only one that is read.
const VERSION: u32 = 2;

/// If the clock is behind a snapshot, revisions go on at the clock's revision plus a multiple of
/// this. A clock takes more than a year to advance by one step (2⁴⁸ eighths of a microsecond), so
/// restorations at different times within a year never go on at the same revision.
const LEAP: u64 = 1 << 48;

/// The content of a snapshot, spread over shards.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) shards: Vec<Shard>,
    pub(crate) horizon: Timestamp,
    pub(crate) last_ticket: u64,
}

impl Snapshot {
    /// Saves the content of a store that consists of these shards.
    pub(crate) fn of(shards: &[&Shard], horizon: Timestamp, last_ticket: u64) -> Self {
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
    ///
    /// Returns [`SnapshotError`] if no store made this content.
    pub(crate) fn restore(
        self,
        config: StoreConfig,
        now: Timestamp,
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
        now: Timestamp,
        shards: usize,
        shard_of: impl Fn(&AccountId) -> usize,
    ) -> Result<Restored, SnapshotErrorKind> {
        if self.version > VERSION {
            return Err(SnapshotErrorKind::Newer(self.version));
        }
        if self.version < VERSION {
            return Err(SnapshotErrorKind::Version(self.version));
        }
        let last_ticket = self.last_ticket;
        if last_ticket > MAX_COUNT {
            return Err(SnapshotErrorKind::CountTooLarge);
        }
        if !self.restorations.iter().chain([&self.floor]).is_sorted() {
            return Err(SnapshotErrorKind::Restorations);
        }
        let clocks = self.accounts.iter().map(|account| account.clock.revision());
        let last = clocks.fold(self.floor, Revision::max).get();
        if last > MAX_COUNT {
            return Err(SnapshotErrorKind::CountTooLarge);
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
            return Err(SnapshotErrorKind::Tickets);
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

    fn load_account(&mut self, saved: AccountSnapshot, last: u64) -> Result<(), SnapshotErrorKind> {
        let AccountSnapshot { account: id, clock, ticket, gaps, tasks } = saved;
        let fail = |kind| Err(SnapshotErrorKind::Account { id: id.clone(), kind });
        let hash = self.hash_account(&id);
        if self.find_account(hash, &id).is_some() {
            return fail(AccountErrorKind::Twice);
        }
        if tasks.is_empty() {
            return fail(AccountErrorKind::Empty);
        }
        let ends = gaps.iter().flat_map(|gap| [gap.after, gap.before]);
        if !ends.chain([clock.revision()]).is_sorted() {
            return fail(AccountErrorKind::Gaps);
        }
        if ticket == 0 || ticket > last {
            return Err(SnapshotErrorKind::Tickets);
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
                return fail(AccountErrorKind::Foreign(task.id()));
            }
            let task_hash = self.hash_task(hash, task.id());
            if self.find_task(task_hash, &id, task.id()).is_some() {
                return fail(AccountErrorKind::TaskTwice(task.id()));
            }
            let follows =
                task.revision() > before.revision() && task.updated_at() >= before.updated_at();
            let precedes =
                task.revision() <= clock.revision() && task.updated_at() <= clock.updated_at();
            let is_lost = Gap::any_has(&gaps, task.revision());
            if !follows || !precedes || is_lost {
                return fail(AccountErrorKind::Order(task.id()));
            }
            before.advance_to(&task);
            if self.tasks.is_full() {
                return Err(SnapshotErrorKind::TooLarge);
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
pub struct SnapshotError(#[from] SnapshotErrorKind);

#[derive(Debug, thiserror::Error)]
enum SnapshotErrorKind {
    #[error("expected a snapshot of version {VERSION}, got version {0}")]
    Version(u32),
    #[error(
        "expected a snapshot of version {VERSION}, got version {0}: it was written by a newer version"
    )]
    Newer(u32),
    #[error("expected at most {} tasks, got more", u32::MAX)]
    TooLarge,
    #[error("expected revisions and tickets of at most {MAX_COUNT}, got more")]
    CountTooLarge,
    #[error("expected a different ticket for each account, from 1 to the last one given out")]
    Tickets,
    #[error("expected restorations in ascending order of revision, none above the floor")]
    Restorations,
    #[error("account {id}: {kind}")]
    Account { id: AccountId, kind: AccountErrorKind },
    #[error(transparent)]
    Record(#[from] RecordError),
}

#[derive(Debug, thiserror::Error)]
enum AccountErrorKind {
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
