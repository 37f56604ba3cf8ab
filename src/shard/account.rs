//! An account's state in a shard.

use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use super::expiry_index::ExpiryIndex;
use super::ready_queue::QueueEntry;
use super::revision_index::{Blocks, Descending, RevisionIndex};
use crate::clock::{AccountClock, Revision};
use crate::id::AccountId;
use crate::status::TaskStatus;
use crate::store::ListQuery;
use crate::wire::known::serde_by_known_names;

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) id: AccountId,
    pub(super) clock: AccountClock,
    pub(super) queue_entry: QueueEntry,
    limit_indexes: Option<Box<LimitIndexes>>,
    gaps: Box<[Gap]>,
    by_status: [RevisionIndex; TaskStatus::ALL.len()],
}

/// The tasks that count against the account's limits, if there are any.
#[derive(Clone, Debug, Default)]
pub(super) struct LimitIndexes {
    /// The open tasks, if their number is limited.
    pub(super) open: ExpiryIndex,
    /// The tasks in progress, if their number is limited.
    pub(super) in_progress: ExpiryIndex,
}

impl Account {
    pub(super) fn new(id: AccountId, clock: AccountClock, queue_entry: QueueEntry) -> Self {
        let (gaps, by_status) = (Box::default(), Default::default());
        Self { id, clock, queue_entry, limit_indexes: None, gaps, by_status }
    }

    pub(super) fn with_gaps(mut self, gaps: impl IntoIterator<Item = Gap>) -> Self {
        self.gaps = gaps.into_iter().collect();
        self
    }

    pub(super) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Returns whether a revision belongs to a lost history, if it was given out at all. A page
    /// read right after a restoration has such a revision, but nothing on it is lost.
    fn is_lost(&self, revision: Revision, restorations: &[Revision]) -> bool {
        let Some(first) = self.gaps.first() else { return false };
        let is_beyond = revision > self.clock.revision();
        revision > first.after
            && (is_beyond || Gap::any_has(&self.gaps, revision))
            && !restorations.contains(&revision)
    }

    pub(super) fn in_status(&self, status: TaskStatus) -> &RevisionIndex {
        &self.by_status[status as usize]
    }

    pub(super) fn in_status_mut(&mut self, status: TaskStatus) -> &mut RevisionIndex {
        &mut self.by_status[status as usize]
    }

    pub(super) fn limit_indexes(&self) -> Option<&LimitIndexes> {
        self.limit_indexes.as_deref()
    }

    pub(super) fn limit_indexes_mut(&mut self) -> &mut LimitIndexes {
        self.limit_indexes.get_or_insert_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_status.iter().all(RevisionIndex::is_empty)
    }

    /// Returns the tasks that match a query, visible or not, in descending order of revision.
    pub(super) fn matching<'a>(
        &'a self,
        blocks: &'a Blocks,
        query: &ListQuery,
        position: Option<Revision>,
        restorations: &[Revision],
    ) -> MergedIndexes<'a> {
        let since = query.since().unwrap_or_default();
        let since = if self.is_lost(since, restorations) { 0 } else { since.get() };
        let mut merged = MergedIndexes { cursors: [const { None }; TaskStatus::ALL.len()], since };
        let mut count = 0;
        for (status, index) in TaskStatus::ALL.into_iter().zip(&self.by_status) {
            if !index.is_empty() && query.asks_for(status) {
                merged.cursors[count] = index.descending(blocks, position);
                count += usize::from(merged.cursors[count].is_some());
            }
        }
        merged
    }
}

/// Revisions that the account gave out in a lost history, if at all. They lie between a snapshot
/// and the revisions of its restoration, or of several restorations without an event in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct Gap {
    /// The last revision before the gap.
    pub(super) after: Revision,
    /// The first revision after the gap.
    pub(super) before: Revision,
}

serde_by_known_names!(Gap);

impl Gap {
    /// Returns the gap between two revisions that were given out one after the other, if there is
    /// one. The revision right before `next` may be where a restoration went on, and is not part of
    /// the gap.
    pub(super) fn between(after: Revision, next: Revision) -> Option<Self> {
        let before = next.previous();
        (after.next() < before).then_some(Self { after, before })
    }

    fn has(self, revision: Revision) -> bool {
        self.after < revision && revision < self.before
    }

    /// Returns whether a revision is in any of these gaps, which are in ascending order.
    pub(super) fn any_has(gaps: &[Self], revision: Revision) -> bool {
        let behind = gaps.partition_point(|gap| gap.after < revision);
        gaps[..behind].last().is_some_and(|gap| gap.has(revision))
    }
}

/// The indexes of several statuses, merged.
#[derive(Debug)]
pub(super) struct MergedIndexes<'a> {
    /// The cursors, followed by `None`.
    cursors: [Option<Descending<'a>>; TaskStatus::ALL.len()],
    since: u64,
}

impl MergedIndexes<'_> {
    /// Fills `slots` with the slots of the next tasks. Returns how many there were.
    pub(super) fn take(&mut self, slots: &mut [u32]) -> usize {
        if let [Some(only), None, ..] = &mut self.cursors {
            return only.take_above(self.since, slots);
        }
        let mut taken = 0;
        while taken < slots.len() {
            // Take from the cursor with the highest revision, until another one has a higher one.
            let (mut next, mut highest, mut second) = (None, self.since, self.since);
            for cursor in self.cursors.iter_mut().map_while(Option::as_mut) {
                let revision = cursor.highest();
                if revision > highest {
                    (next, highest, second) = (Some(cursor), revision, highest);
                } else {
                    second = second.max(revision);
                }
            }
            let Some(next) = next else { break };
            taken += next.take_above(second, &mut slots[taken..]);
            debug_assert!(next.highest() < highest, "a revision is that of one task of an account");
        }
        taken
    }
}
