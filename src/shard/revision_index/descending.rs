//! Iteration in descending order of revision.

use super::block::{BlockEntry, BlockKey, Blocks, Entry};
use crate::shard::b_plus_tree::BPlusTree;

/// Entries of an index, in descending order of revision.
#[derive(Debug)]
pub(in crate::shard) struct Descending<'a> {
    blocks: &'a Blocks,
    keys: &'a BPlusTree<BlockKey>,
    key: BlockKey,
    /// The remaining entries of the block, in ascending order. It is empty only at the end.
    entries: &'a [BlockEntry],
}

impl<'a> Descending<'a> {
    /// Begins at the end of `entries`, which are the first entries of the block `key`.
    pub(super) fn new(
        blocks: &'a Blocks,
        keys: &'a BPlusTree<BlockKey>,
        key: BlockKey,
        entries: &'a [BlockEntry],
    ) -> Self {
        let mut descending = Self { blocks, keys, key, entries };
        descending.skip_empty_blocks();
        descending
    }

    /// Returns a revision that no remaining entry exceeds, or 0 at the end.
    pub(in crate::shard) fn highest(&self) -> u64 {
        self.entries.last().map_or(0, |last| Entry::new(self.key.first(), *last).revision)
    }

    /// Fills `slots` with the slots of the next entries above a revision. Returns how many there
    /// were.
    pub(in crate::shard) fn take_above(&mut self, revision: u64, slots: &mut [u32]) -> usize {
        let mut taken = 0;
        while let Some((last, before)) = self.entries.split_last() {
            if !last.is_tombstone() {
                let is_above = Entry::new(self.key.first(), *last).revision > revision;
                let Some(room) = slots.get_mut(taken).filter(|_| is_above) else { break };
                *room = last.slot;
                taken += 1;
            }
            self.entries = before;
            self.skip_empty_blocks();
        }
        taken
    }

    /// Moves on to the block before if nothing of this one remains.
    fn skip_empty_blocks(&mut self) {
        while self.entries.is_empty()
            && self.keys.first() != Some(self.key)
            && let Some(before) = self.keys.until(|other| *other < self.key).last()
        {
            (self.key, self.entries) = (*before, self.blocks.entries(*before));
        }
    }
}
