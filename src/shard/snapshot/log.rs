//! A snapshot from a log of task records, each written after a call that changed its task.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

use super::{
    AccountErrorKind, AccountSnapshot, Content, Snapshot, SnapshotError, SnapshotErrorKind, VERSION,
};
use crate::clock::{AccountClock, Revision};
use crate::id::{AccountId, TaskId};
use crate::shard::account::Gap;
use crate::task::TaskRecord;
use crate::time::{MIN_TIME, Timestamp, clamp_time};

/// The records of an account.
#[derive(Debug)]
struct AccountLog {
    ticket: u64,
    /// The clock after the event with the highest revision.
    clock: AccountClock,
    /// The record with the highest revision of each task.
    latest: BTreeMap<TaskId, TaskRecord>,
    entries: Vec<Entry>,
}

/// What is kept of every record, including those that no longer count. Equal records have equal
/// entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    revision: Revision,
    id: TaskId,
    /// A hash of the whole record.
    fingerprint: u64,
}

impl Snapshot {
    /// Makes the snapshot of the store that wrote these records, as after a sweep at `now`. Records
    /// may come in any order.
    ///
    /// # Errors
    ///
    /// Returns [`SnapshotError`] if two different records have the same account and revision.
    pub(crate) fn of_records(
        records: impl IntoIterator<Item = TaskRecord>,
        now: Timestamp,
    ) -> Result<Self, SnapshotError> {
        let (mut logs, mut last_ticket) = (BTreeMap::<AccountId, AccountLog>::new(), 0);
        let hasher = DefaultHashBuilder::default();
        for record in records {
            let fingerprint = hasher.hash_one(&record);
            if let Some(log) = logs.get_mut(record.account()) {
                log.add(record, fingerprint);
            } else {
                last_ticket += 1;
                let mut log = AccountLog::new(last_ticket);
                let account = record.account().clone();
                log.add(record, fingerprint);
                logs.insert(account, log);
            }
        }
        let (horizon, mut floor) = (clamp_time(now), Revision::default());
        let mut accounts = Vec::with_capacity(logs.len());
        for (id, log) in logs {
            let revision = log.clock.revision();
            match log.content(&id, horizon) {
                Ok(Some(account)) => accounts.push(account),
                // The account has no task left and is forgotten.
                Ok(None) => floor = floor.max(revision),
                Err(kind) => return Err(SnapshotErrorKind::Account { id, kind }.into()),
            }
        }
        let restorations = Vec::new();
        let version = VERSION;
        Ok(Self(Content { version, horizon, floor, last_ticket, restorations, accounts }))
    }
}

impl AccountLog {
    fn new(ticket: u64) -> Self {
        let clock = AccountClock::new(Revision::default(), MIN_TIME);
        Self { ticket, clock, latest: BTreeMap::new(), entries: Vec::new() }
    }

    fn add(&mut self, record: TaskRecord, fingerprint: u64) {
        let (revision, id) = (record.revision(), record.id());
        self.entries.push(Entry { revision, id, fingerprint });
        if self.clock.revision() < revision {
            // Don't take the latest time of all records: tasks with a later time may all have been
            // dropped, so that the account was forgotten and began anew.
            self.clock = AccountClock::new(revision, record.updated_at());
        }
        if self.latest.get(&id).is_none_or(|known| known.revision() < revision) {
            self.latest.insert(id, record);
        }
    }

    /// Returns the account after a sweep, if it has any task left.
    fn content(
        self,
        account: &AccountId,
        horizon: Timestamp,
    ) -> Result<Option<AccountSnapshot>, AccountErrorKind> {
        let Self { ticket, clock, latest, mut entries } = self;
        entries.sort_unstable();
        entries.dedup();
        let mut gaps = Vec::new();
        for pair in entries.windows(2) {
            let [before, after] = [pair[0].revision, pair[1].revision];
            if before == after {
                let tasks = [pair[0].id, pair[1].id];
                return Err(AccountErrorKind::Conflict { revision: after, tasks });
            }
            // Between two records there may have been a restoration, and a lost history before it.
            // The revision right before `after` may be where that restoration went on: nothing is
            // lost of a page that was read then.
            gaps.extend(Gap::between(before, after));
        }
        let kept = latest.into_values().filter(|record| record.expires_at() > horizon);
        let mut tasks: Vec<TaskRecord> = kept.collect();
        tasks.sort_unstable_by_key(TaskRecord::revision);
        let account = account.clone();
        let content = AccountSnapshot { account, clock, ticket, gaps, tasks };
        Ok(Some(content).filter(|content| !content.tasks.is_empty()))
    }
}
