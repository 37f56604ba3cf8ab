//! The tasks of one account and status, by revision.
//!
//! Since revisions only grow, a task that comes in comes in at the end. A sorted sequence in
//! chunks seeks by binary search, removes by moving at most a chunk, and never copies the whole.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::clock::Revision;

/// How many tasks a chunk holds at the most.
const CHUNK: usize = 64;

#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    /// None of them is empty.
    chunks: VecDeque<Vec<Entry>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) revision: Revision,
    pub(super) slot: u32,
}

impl Sequence {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Appends a task with a revision above all others.
    pub(super) fn push(&mut self, revision: Revision, slot: u32) {
        let entry = Entry { revision, slot };
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(entry),
            _ => self.chunks.push_back(Vec::from([entry])),
        }
    }

    pub(super) fn remove(&mut self, revision: Revision) {
        let at = self.chunks.partition_point(|chunk| ends_before(chunk, revision));
        let Some(chunk) = self.chunks.get_mut(at) else { return };
        let Ok(place) = chunk.binary_search_by_key(&revision, |entry| entry.revision) else {
            return;
        };
        chunk.remove(place);
        let left = chunk.len();
        if left == 0 {
            self.chunks.remove(at);
        } else if left < CHUNK / 4 {
            self.merge_with_next(at);
        }
    }

    /// Joins a chunk that has become sparse with the next one, where both fit into one.
    fn merge_with_next(&mut self, at: usize) {
        let len = |at| self.chunks.get(at).map(Vec::len);
        let fits = |next| len(at).is_some_and(|own| own + next <= CHUNK / 2);
        if len(at + 1).is_some_and(fits)
            && let Some(next) = self.chunks.remove(at + 1)
            && let Some(chunk) = self.chunks.get_mut(at)
        {
            chunk.extend(next);
        }
    }

    /// By revision, the lowest first.
    pub(super) fn ascending(&self) -> impl Iterator<Item = Entry> {
        self.chunks.iter().flatten().copied()
    }

    /// By revision, the highest first, of those below `end`.
    pub(super) fn descending_below(&self, end: Revision) -> impl Iterator<Item = Entry> {
        let whole = self.chunks.partition_point(|chunk| ends_before(chunk, end));
        let part = self
            .chunks
            .get(whole)
            .map_or(&[][..], |chunk| &chunk[..chunk.partition_point(|entry| entry.revision < end)]);
        let before = self.chunks.range(..whole).rev().flat_map(|chunk| chunk.iter().rev());
        part.iter().rev().chain(before).copied()
    }
}

fn ends_before(chunk: &[Entry], revision: Revision) -> bool {
    chunk.last().is_some_and(|last| last.revision < revision)
}
