//! The tasks of one account and status, by revision.
//!
//! Revisions only grow, so that a task which changes leaves its location and goes to the end: nothing
//! is ever inserted between others. So an index is made of blocks of entries, written one after the
//! other. Each task knows its [`Location`], so that it leaves without being searched for: it leaves a
//! tombstone, and a block of many tombstones is compacted. The blocks are in a tree by their first
//! revision, to seek in.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::b_plus_tree::BPlusTree;
use super::slab::Slab;
use crate::clock::Revision;

/// How many entries a block has at the most.
const CAPACITY: usize = 128;

/// How many entries two blocks have at the most, to be merged when one of them has become sparse.
const MERGED: usize = CAPACITY * 3 / 4;

/// For how many entries a block has room at the least, to be called sparse: with less it is not worth
/// it. So much room is not given back either, as it will be of use again.
const MIN_CAPACITY: usize = 16;

/// The blocks of all indexes of a store.
#[derive(Clone, Debug)]
pub(super) struct Blocks(Slab<Block, 64>);

/// Some entries of an index, by revision, the lowest first.
#[derive(Clone, Debug)]
struct Block {
    account: u32,
    entries: Vec<BlockEntry>,
    /// The first entry that is no tombstone.
    begin: u8,
    /// How many entries are no tombstones.
    live: u8,
}

/// An entry of a block: a task's slot, and how far its revision is from the block's first.
#[derive(Clone, Copy, Debug)]
struct BlockEntry {
    offset: u32,
    slot: u32,
}

impl BlockEntry {
    /// The slot of an entry whose task has left. A slab never gives it out.
    const TOMBSTONE: u32 = u32::MAX;

    fn is_tombstone(self) -> bool {
        self.slot == Self::TOMBSTONE
    }
}

/// Where a task is in its index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Location {
    block: u32,
    at: u8,
}

/// A task in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) revision: u64,
    pub(super) slot: u32,
}

/// The tasks of one account and status. Without any it takes no more than a word.
#[derive(Clone, Debug, Default)]
pub(super) struct RevisionIndex(Option<Box<BPlusTree<BlockKey>>>);

/// A block of an index, and the revision of its first entry, in halves that need no padding. None
/// of its entries is below that, and all of the block before are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct BlockKey {
    high: u32,
    low: u32,
    block: u32,
}

impl BlockKey {
    fn new(first: u64, block: u32) -> Self {
        let half = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self { high: half(first >> 32), low: half(first), block }
    }

    fn first(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }

    /// The offset of a revision in this block, where it is not too far.
    fn offset(self, revision: u64) -> Option<u32> {
        revision.checked_sub(self.first()).and_then(|offset| u32::try_from(offset).ok())
    }
}

impl Blocks {
    pub(super) const fn new() -> Self {
        Self(Slab::new())
    }

    /// Whose task is at a location.
    pub(super) fn account(&self, location: Location) -> u32 {
        self.0[location.block].account
    }

    /// An empty block: one that was left empty, if there is one.
    fn allocate(&mut self, account: u32, emptied: Option<u32>) -> u32 {
        emptied.unwrap_or_else(|| {
            self.0.insert(Block { account, entries: Vec::new(), begin: 0, live: 0 })
        })
    }

    /// Drops a block that was left empty.
    pub(super) fn release(&mut self, emptied: Option<u32>) {
        if let Some(block) = emptied {
            self.0.remove(block);
        }
    }

    /// The entries of a block from the first one on that is no tombstone.
    fn entries(&self, key: BlockKey) -> &[BlockEntry] {
        let block = &self.0[key.block];
        &block.entries[usize::from(block.begin)..]
    }

    fn live(&self, key: BlockKey) -> usize {
        self.0[key.block].live.into()
    }

    /// Whether two blocks, of which one comes after the other, can be merged.
    fn can_merge(&self, earlier: BlockKey, later: BlockKey) -> bool {
        let last = self.entries(later).last().map_or(0, |entry| entry.offset);
        let is_near = earlier.offset(later.first()).and_then(|shift| shift.checked_add(last));
        is_near.is_some() && self.live(earlier) + self.live(later) <= MERGED
    }

    /// Rewrites a block without its tombstones, and appends the entries of the next one where the two
    /// are to be merged.
    fn compact(
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

/// A number that is at most [`CAPACITY`].
fn to_u8(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

impl Block {
    fn is_full(&self) -> bool {
        self.entries.len() >= CAPACITY
    }

    fn push(&mut self, entry: BlockEntry) -> u8 {
        let at = self.entries.len();
        if at == self.entries.capacity() {
            self.entries.reserve_exact(at.clamp(1, CAPACITY - at));
        }
        self.entries.push(entry);
        self.live += 1;
        to_u8(at)
    }

    /// Makes an entry a tombstone, and says whether few enough are left for the block to be compacted.
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

impl RevisionIndex {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a task, whose revision is above all others'. A block that was left empty by another
    /// index of the same account is made use of, or dropped.
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
            && let block = &mut blocks.0[last.block]
            && !block.is_full()
        {
            let location =
                Location { block: last.block, at: block.push(BlockEntry { offset, slot }) };
            blocks.release(emptied);
            return location;
        }
        let block = blocks.allocate(account, emptied);
        keys.insert(BlockKey::new(revision, block));
        Location { block, at: blocks.0[block].push(BlockEntry { offset: 0, slot }) }
    }

    /// Takes a task out, and tells which others have got another location thereby. Returns the block
    /// that it has left empty, if it has, to be dropped or to be made use of.
    pub(super) fn remove(
        &mut self,
        blocks: &mut Blocks,
        location: Location,
        revision: Revision,
        moved: impl FnMut(u32, Location),
    ) -> Option<u32> {
        if blocks.0[location.block].remove(location.at) {
            self.compact(blocks, location, revision.get(), moved)
        } else {
            None
        }
    }

    /// Takes out the block of a revision if it is empty, and else compacts it, merged with one beside it
    /// where both fit into one.
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
            key.block, location.block,
            "the block of a location is that of its revision"
        );
        if blocks.live(key) == 0 {
            keys.remove(key);
            if keys.is_empty() {
                self.0 = None;
            }
            return Some(key.block);
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

    /// By revision, the lowest first.
    pub(super) fn ascending<'a>(&'a self, blocks: &'a Blocks) -> impl Iterator<Item = Entry> {
        let keys = self.0.iter().flat_map(|keys| keys.ascending());
        keys.flat_map(|key| {
            let entries = blocks.entries(key).iter().filter(|entry| !entry.is_tombstone());
            entries.map(move |entry| Entry::new(key.first(), *entry))
        })
    }

    /// By revision, the highest first, of those below `end`, or all.
    #[inline]
    pub(super) fn descending<'a>(
        &'a self,
        blocks: &'a Blocks,
        end: Option<Revision>,
    ) -> Option<Descending<'a>> {
        let keys = self.0.as_deref()?;
        let Some(end) = end.map(Revision::get) else {
            let key = keys.last()?;
            return Some(Descending { blocks, keys, key, entries: blocks.entries(key) });
        };
        let key = *keys.until(|key| key.first() < end).last()?;
        let entries = blocks.entries(key);
        let is_below = |entry: &BlockEntry| Entry::new(key.first(), *entry).revision < end;
        let entries = &entries[..entries.partition_point(is_below)];
        let mut descending = Descending { blocks, keys, key, entries };
        descending.skip_empty_blocks();
        Some(descending)
    }
}

impl Entry {
    fn new(first: u64, entry: BlockEntry) -> Self {
        Self { revision: first + u64::from(entry.offset), slot: entry.slot }
    }
}

/// Entries by revision, the highest first.
#[derive(Debug)]
pub(super) struct Descending<'a> {
    blocks: &'a Blocks,
    keys: &'a BPlusTree<BlockKey>,
    key: BlockKey,
    /// Those of the block that are to come, in ascending order: none only at the end.
    entries: &'a [BlockEntry],
}

impl Descending<'_> {
    /// No entry that is to come has a higher revision: 0 at the end.
    pub(super) fn highest(&self) -> u64 {
        self.entries.last().map_or(0, |last| Entry::new(self.key.first(), *last).revision)
    }

    /// Takes the slots of the next entries above a revision, as many as there is room for, and
    /// says how many there were.
    pub(super) fn take_above(&mut self, revision: u64, slots: &mut [u32]) -> usize {
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

    /// Goes on to the block before, where nothing of this one is to come.
    fn skip_empty_blocks(&mut self) {
        while self.entries.is_empty()
            && self.keys.first() != Some(self.key)
            && let Some(before) = self.keys.until(|other| *other < self.key).last()
        {
            (self.key, self.entries) = (*before, self.blocks.entries(*before));
        }
    }
}
