//! Blocks of entries.

use alloc::vec::Vec;

use crate::shard::slab::Slab;

/// The largest number of entries in a block.
const CAPACITY: usize = 128;

/// The largest number of live entries in two blocks that are merged when one of them is sparse.
const MERGED: usize = CAPACITY * 3 / 4;

/// A block with less room is never sparse, as compacting it isn't worth it. This much room is kept
/// when a block is compacted, as it will be needed again.
const MIN_CAPACITY: usize = 16;

/// A block and the revision of its first entry, in halves that need no padding. None of its entries
/// is below that revision, and all of the block before are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BlockKey {
    high: u32,
    low: u32,
    block: u32,
}

impl BlockKey {
    pub(super) fn new(first: u64, block: u32) -> Self {
        let half = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self { high: half(first >> 32), low: half(first), block }
    }

    pub(super) fn first(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }

    pub(super) fn block(self) -> u32 {
        self.block
    }

    /// Returns the offset of a revision in this block, unless it is too far.
    pub(super) fn offset(self, revision: u64) -> Option<u32> {
        revision.checked_sub(self.first()).and_then(|offset| u32::try_from(offset).ok())
    }
}

/// The blocks of all indexes of a shard.
#[derive(Clone, Debug)]
pub(in crate::shard) struct Blocks(Slab<Block, 64>);

/// Some entries of an index, in ascending order of revision.
#[derive(Clone, Debug)]
struct Block {
    account: u32,
    entries: Vec<BlockEntry>,
    /// The first entry that is not a tombstone.
    begin: u8,
    /// The number of entries that are not tombstones.
    live: u8,
}

/// A task's slot, and the distance of its revision from the block's first.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockEntry {
    pub(super) offset: u32,
    pub(super) slot: u32,
}

impl BlockEntry {
    /// The slot of a removed entry. A slab never issues it.
    const TOMBSTONE: u32 = u32::MAX;

    pub(super) fn is_tombstone(self) -> bool {
        self.slot == Self::TOMBSTONE
    }
}

/// Where a task is in its index.
#[derive(Clone, Copy, Debug)]
pub(in crate::shard) struct Location {
    block: u32,
    at: u8,
}

impl Location {
    pub(super) fn block(self) -> u32 {
        self.block
    }
}

impl Blocks {
    pub(in crate::shard) const fn new() -> Self {
        Self(Slab::new())
    }

    /// Returns the account that the task at a location belongs to.
    pub(in crate::shard) fn account(&self, location: Location) -> u32 {
        self.0[location.block].account
    }

    /// Returns an empty block: `emptied`, or a new one.
    pub(super) fn allocate(&mut self, account: u32, emptied: Option<u32>) -> u32 {
        emptied.unwrap_or_else(|| {
            self.0.insert(Block { account, entries: Vec::new(), begin: 0, live: 0 })
        })
    }

    /// Drops a block that was left empty.
    pub(in crate::shard) fn release(&mut self, emptied: Option<u32>) {
        if let Some(block) = emptied {
            self.0.remove(block);
        }
    }

    /// Returns the entries of a block, beginning with the first one that is not a tombstone.
    pub(super) fn entries(&self, key: BlockKey) -> &[BlockEntry] {
        let block = &self.0[key.block];
        &block.entries[usize::from(block.begin)..]
    }

    pub(super) fn live(&self, key: BlockKey) -> usize {
        self.0[key.block].live.into()
    }

    pub(super) fn is_full(&self, block: u32) -> bool {
        self.0[block].entries.len() >= CAPACITY
    }

    /// Appends an entry to a block that is not full.
    pub(super) fn push(&mut self, block: u32, entry: BlockEntry) -> Location {
        Location { block, at: self.0[block].push(entry) }
    }

    /// Removes an entry. Returns whether so few are left that the block should be compacted.
    pub(super) fn remove(&mut self, location: Location) -> bool {
        self.0[location.block].remove(location.at)
    }

    /// Returns whether two neighbouring blocks can be merged.
    pub(super) fn can_merge(&self, earlier: BlockKey, later: BlockKey) -> bool {
        let last = self.entries(later).last().map_or(0, |entry| entry.offset);
        let is_near = earlier.offset(later.first()).and_then(|shift| shift.checked_add(last));
        is_near.is_some() && self.live(earlier) + self.live(later) <= MERGED
    }

    /// Rewrites a block without its tombstones, and appends the entries of the block `next`, if
    /// any. Calls `moved` for every task in the result.
    pub(super) fn compact(
        &mut self,
        key: BlockKey,
        next: Option<BlockKey>,
        mut moved: impl FnMut(u32, Location),
    ) {
        let mut entries = core::mem::take(&mut self.0[key.block].entries);
        entries.retain(|entry| !entry.is_tombstone());
        if let Some(next) = next {
            let shift = key.offset(next.first()).unwrap_or_default();
            let later = self.entries(next).iter().filter(|entry| !entry.is_tombstone());
            entries.extend(later.map(|e| BlockEntry { offset: e.offset + shift, slot: e.slot }));
            self.0.remove(next.block);
        }
        entries.shrink_to(MIN_CAPACITY);
        for (at, entry) in entries.iter().enumerate() {
            moved(entry.slot, Location { block: key.block, at: to_u8(at) });
        }
        let block = &mut self.0[key.block];
        (block.begin, block.live, block.entries) = (0, to_u8(entries.len()), entries);
    }
}

/// Converts a number of at most [`CAPACITY`].
fn to_u8(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

impl Block {
    fn push(&mut self, entry: BlockEntry) -> u8 {
        let at = self.entries.len();
        if at == self.entries.capacity() {
            self.entries.reserve_exact(at.clamp(1, CAPACITY - at));
        }
        self.entries.push(entry);
        self.live += 1;
        to_u8(at)
    }

    /// Makes an entry a tombstone. Returns whether so few are left that the block should be
    /// compacted.
    fn remove(&mut self, at: u8) -> bool {
        let index = usize::from(at);
        self.entries[index].slot = BlockEntry::TOMBSTONE;
        self.live -= 1;
        if self.live == 0 {
            (self.entries, self.begin) = (Vec::new(), 0);
            return true;
        }
        if at == self.begin {
            while self.entries[usize::from(self.begin)].is_tombstone() {
                self.begin += 1;
            }
        } else if index + 1 == self.entries.len() {
            while self.entries.last().is_some_and(|last| last.is_tombstone()) {
                self.entries.pop();
            }
        }
        let room = self.entries.capacity();
        room >= MIN_CAPACITY && usize::from(self.live) * 3 <= room
    }
}

/// A task in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::shard) struct Entry {
    pub(in crate::shard) revision: u64,
    pub(in crate::shard) slot: u32,
}

impl Entry {
    pub(super) fn new(first: u64, entry: BlockEntry) -> Self {
        Self { revision: first + u64::from(entry.offset), slot: entry.slot }
    }
}
