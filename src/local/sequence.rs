//! The tasks of one account and status, by revision.

use core::cmp::Ordering;

use super::ordered::Ordered;
use crate::clock::Revision;

#[derive(Clone, Debug, Default)]
pub(super) struct Sequence(Ordered<Entry>);

/// A task in a sequence: its revision, in halves that need no padding, and its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    high: u32,
    low: u32,
    pub(super) slot: u32,
}

impl Entry {
    pub(super) fn new(revision: Revision, slot: u32) -> Self {
        let half = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self { high: half(revision.get() >> 32), low: half(revision.get()), slot }
    }

    /// The revision as a number.
    pub(super) fn revision(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.revision().cmp(&other.revision())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Sequence {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, revision: Revision, slot: u32) {
        self.0.insert(Entry::new(revision, slot));
    }

    pub(super) fn remove(&mut self, revision: Revision, slot: u32) {
        self.0.remove(Entry::new(revision, slot));
    }

    /// By revision, the lowest first.
    pub(super) fn ascending(&self) -> impl Iterator<Item = Entry> {
        self.0.ascending()
    }

    /// By revision, the highest first, of those below `end`.
    pub(super) fn descending_below(&self, end: Revision) -> Descending<'_> {
        let end = end.get();
        let part = self.0.until(|entry| entry.revision() < end);
        Descending { sequence: &self.0, part }
    }
}

/// Entries by revision, the highest first.
#[derive(Debug)]
pub(super) struct Descending<'a> {
    sequence: &'a Ordered<Entry>,
    /// Those that come next, in ascending order: none only at the end.
    part: &'a [Entry],
}

impl Descending<'_> {
    pub(super) fn peek(&self) -> Option<&Entry> {
        self.part.last()
    }
}

impl Iterator for Descending<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let (entry, before) = self.part.split_last()?;
        self.part = before;
        if before.is_empty() {
            self.part = self.sequence.until(|other| other < entry);
        }
        Some(*entry)
    }
}
