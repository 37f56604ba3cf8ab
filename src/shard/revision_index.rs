//! The tasks of one account and status, by revision.
//!
//! Revisions only grow, so a task that changes moves to the end and nothing is ever inserted
//! between others. The index is a sequence of blocks of entries, each written from beginning to
//! end. Each task stores its [`Location`], so that it can be removed without a search. A removed
//! entry becomes a tombstone, and a block with many tombstones is compacted. A tree holds the
//! blocks by their first revision, for seeking.

mod block;
mod descending;

use alloc::boxed::Box;

use super::b_plus_tree::BPlusTree;
use crate::clock::Revision;

use block::{BlockEntry, BlockKey};

pub(super) use block::{Blocks, Entry, Location};
pub(super) use descending::Descending;

/// The tasks of one account and status. Without any, it takes one word of memory.
#[derive(Clone, Debug, Default)]
pub(super) struct RevisionIndex(Option<Box<BPlusTree<BlockKey>>>);

impl RevisionIndex {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a task whose revision is above all others. `emptied` is a block that another index of
    /// the same account has left empty; it is used again, or dropped.
    pub(super) fn append(
        &mut self,
        blocks: &mut Blocks,
        (account, emptied): (u32, Option<u32>),
        revision: Revision,
        slot: u32,
    ) -> Location {
        let (keys, revision) = (self.0.get_or_insert_default(), revision.get());
        if let Some(last) = keys.last()
            && let Some(offset) = last.offset(revision)
            && !blocks.is_full(last.block())
        {
            blocks.release(emptied);
            return blocks.push(last.block(), BlockEntry { offset, slot });
        }
        let block = blocks.allocate(account, emptied);
        keys.insert(BlockKey::new(revision, block));
        blocks.push(block, BlockEntry { offset: 0, slot })
    }

    /// Removes a task, and calls `moved` for every other task whose location changes. Returns the
    /// block that is now empty, if it is. The caller passes it to another index, or drops it.
    pub(super) fn remove(
        &mut self,
        blocks: &mut Blocks,
        location: Location,
        revision: Revision,
        moved: impl FnMut(u32, Location),
    ) -> Option<u32> {
        if blocks.remove(location) {
            self.compact(blocks, location, revision.get(), moved)
        } else {
            None
        }
    }

    /// Removes the block of a revision from the tree if it is empty. Otherwise compacts it, merged
    /// with a neighbour if both fit into one block.
    fn compact(
        &mut self,
        blocks: &mut Blocks,
        location: Location,
        revision: u64,
        moved: impl FnMut(u32, Location),
    ) -> Option<u32> {
        let keys = self.0.as_mut()?;
        let key = *keys.until(|key| key.first() <= revision).last()?;
        debug_assert_eq!(
            key.block(),
            location.block(),
            "the block of a location is that of its revision"
        );
        if blocks.live(key) == 0 {
            keys.remove(key);
            if keys.is_empty() {
                self.0 = None;
            }
            return Some(key.block());
        }
        let after = keys.from(|other| *other <= key).first().copied();
        let before = keys.until(|other| *other < key).last().copied();
        if let Some(after) = after.filter(|after| blocks.can_merge(key, *after)) {
            blocks.compact(key, Some(after), moved);
            keys.remove(after);
        } else if let Some(before) = before.filter(|before| blocks.can_merge(*before, key)) {
            blocks.compact(before, Some(key), moved);
            keys.remove(key);
        } else {
            blocks.compact(key, None, moved);
        }
        None
    }

    /// Iterates over the tasks in ascending order of revision.
    pub(super) fn ascending<'a>(&'a self, blocks: &'a Blocks) -> impl Iterator<Item = Entry> {
        let keys = self.0.iter().flat_map(|keys| keys.ascending());
        keys.flat_map(|key| {
            let entries = blocks.entries(key).iter().filter(|entry| !entry.is_tombstone());
            entries.map(move |entry| Entry::new(key.first(), *entry))
        })
    }

    /// Iterates over the tasks below `end`, or over all, in descending order of revision.
    #[inline]
    pub(super) fn descending<'a>(
        &'a self,
        blocks: &'a Blocks,
        end: Option<Revision>,
    ) -> Option<Descending<'a>> {
        let keys = self.0.as_deref()?;
        let Some(end) = end.map(Revision::get) else {
            let key = keys.last()?;
            return Some(Descending::new(blocks, keys, key, blocks.entries(key)));
        };
        let key = *keys.until(|key| key.first() < end).last()?;
        let entries = blocks.entries(key);
        let is_below = |entry: &BlockEntry| Entry::new(key.first(), *entry).revision < end;
        let entries = &entries[..entries.partition_point(is_below)];
        Some(Descending::new(blocks, keys, key, entries))
    }
}
