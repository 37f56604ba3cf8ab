//! Slots found by the hash of what they hold, in a table that grows and shrinks a little at a time.
//!
//! A table that doubles moves everything at once. This one is made of small tables, found through a
//! directory by the first bits of the hash; a table that is full is split in two by the next bit,
//! and two that have become sparse are joined (extendible hashing). A small table is made of lines
//! that are as long as those of a cache, so that finding a slot takes one of them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::slab::Slab;

/// How many lines a table has.
const LINES: usize = 15;

/// How many slots a line holds.
const PLACES: usize = 12;

/// How many slots a table holds, to be split before it takes in another one.
const FULL: usize = LINES * PLACES * 5 / 6;

/// How many slots two tables hold at the most, to be joined.
const SPARSE: usize = FULL * 2 / 3;

/// How many bits of a hash the directory can use.
const BITS: u32 = 32;

#[derive(Clone, Debug)]
pub(super) struct Lookup {
    /// The table for each value of the first `depth` bits.
    directory: Vec<u32>,
    depth: u32,
    tables: Slab<Table>,
    /// How many tables tell by so many bits.
    by_depth: [u32; BITS as usize + 1],
    len: usize,
}

#[derive(Clone, Debug)]
struct Table {
    lines: [Line; LINES],
    /// Slots whose hashes no bit tells apart, beyond what the lines can hold.
    #[expect(clippy::box_collection, reason = "it is hardly ever there")]
    spilled: Option<Box<Vec<u32>>>,
    len: usize,
    /// How many bits all hashes in this table share.
    depth: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line {
    /// Some bits of the hash of each slot, none of them 0: that is for a free place.
    tags: [u8; PLACES],
    /// How many slots would be here, had there been a place.
    passed: u32,
    slots: [u32; PLACES],
}

impl Lookup {
    pub(super) fn new() -> Self {
        let mut by_depth = [0; BITS as usize + 1];
        by_depth[0] = 1;
        let mut tables = Slab::new();
        let directory = Vec::from([tables.insert(Table::new(0))]);
        Self { directory, depth: 0, tables, by_depth, len: 0 }
    }

    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.tables[self.key_of(hash)].find(hash, is_it)
    }

    /// Adds a slot that is not yet there.
    pub(super) fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        self.len += 1;
        let mut key = self.key_of(hash);
        // The directory never outgrows what it leads to, whatever the hashes.
        while self.tables[key].len >= FULL
            && self.tables[key].depth < BITS
            && 1 << self.tables[key].depth < self.len
        {
            self.split(hash, key, &hash_of);
            key = self.key_of(hash);
        }
        self.tables[key].insert(hash, slot);
    }

    pub(super) fn remove(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        let key = self.key_of(hash);
        let table = &mut self.tables[key];
        if table.remove(hash, slot) {
            self.len -= 1;
            if table.len <= SPARSE / 2 && table.depth > 0 {
                self.join(hash, key, &hash_of);
            }
        }
    }

    /// The table in which a hash belongs.
    fn key_of(&self, hash: u64) -> u32 {
        self.directory[prefix(hash, self.depth)]
    }

    /// Splits the table of a hash in two by the next bit.
    fn split(&mut self, hash: u64, key: u32, hash_of: &impl Fn(u32) -> u64) {
        let depth = self.tables[key].depth + 1;
        if depth > self.depth {
            self.directory = self.directory.iter().flat_map(|key| [*key; 2]).collect();
            self.depth = depth;
        }
        let [mut zero, mut one] = [Table::new(depth), Table::new(depth)];
        for slot in self.tables[key].slots() {
            let hash = hash_of(slot);
            let half = if prefix(hash, depth) & 1 == 0 { &mut zero } else { &mut one };
            half.insert(hash, slot);
        }
        self.tables[key] = zero;
        let other = self.tables.insert(one);
        self.by_depth[depth as usize - 1] -= 1;
        self.by_depth[depth as usize] += 2;
        self.direct(prefix(hash, depth) | 1, depth, other);
    }

    /// Joins the table of a hash with the one that it was split from, where both are sparse.
    fn join(&mut self, hash: u64, key: u32, hash_of: &impl Fn(u32) -> u64) {
        let depth = self.tables[key].depth;
        let other = self.directory[(prefix(hash, depth) ^ 1) << (self.depth - depth)];
        let len = self.tables[key].len + self.tables[other].len;
        if self.tables[other].depth != depth || len > SPARSE {
            return;
        }
        let Some(removed) = self.tables.remove(other) else { return };
        let table = &mut self.tables[key];
        for slot in removed.slots() {
            table.insert(hash_of(slot), slot);
        }
        table.depth -= 1;
        self.by_depth[depth as usize] -= 2;
        self.by_depth[depth as usize - 1] += 1;
        self.direct(prefix(hash, depth - 1), depth - 1, key);
        while self.depth > 0 && self.by_depth[self.depth as usize] == 0 {
            self.directory = self.directory.iter().step_by(2).copied().collect();
            self.depth -= 1;
        }
    }

    /// Directs all hashes that begin with some bits to a table.
    fn direct(&mut self, prefix: usize, depth: u32, table: u32) {
        let spread = self.depth - depth;
        self.directory[prefix << spread..(prefix + 1) << spread].fill(table);
    }
}

/// The first bits of a hash. There are at most [`BITS`] of them.
fn prefix(hash: u64, depth: u32) -> usize {
    // A shift by all 64 bits is none.
    usize::try_from(hash >> 1 >> (63 - depth)).unwrap_or(0)
}

/// The line where a slot of this hash is, or would be. Of the bits that are no prefix.
fn line(hash: u64) -> usize {
    let bits = hash & 0xFF_FFFF;
    usize::try_from((bits * LINES as u64) >> 24).unwrap_or(0)
}

/// A byte that is not 0, of other bits.
fn tag(hash: u64) -> u8 {
    let [.., tag, _, _, _] = hash.to_be_bytes();
    tag.max(1)
}

impl Table {
    fn new(depth: u32) -> Self {
        Self { lines: [Line::default(); LINES], spilled: None, len: 0, depth }
    }

    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let (tag, mut at) = (tag(hash), line(hash));
        for _ in 0..LINES {
            let line = &self.lines[at];
            if let Some(place) = line.find(tag, &is_it) {
                return Some(line.slots[place]);
            }
            if line.passed == 0 {
                return None;
            }
            at = (at + 1) % LINES;
        }
        self.spilled.iter().flat_map(|slots| slots.iter()).copied().find(|slot| is_it(*slot))
    }

    fn insert(&mut self, hash: u64, slot: u32) {
        let (tag, mut at) = (tag(hash), line(hash));
        self.len += 1;
        for _ in 0..LINES {
            let line = &mut self.lines[at];
            if let Some(place) = line.find(0, |_| true) {
                line.tags[place] = tag;
                line.slots[place] = slot;
                return;
            }
            line.passed += 1;
            at = (at + 1) % LINES;
        }
        self.spilled.get_or_insert_default().push(slot);
    }

    fn remove(&mut self, hash: u64, slot: u32) -> bool {
        let (tag, home) = (tag(hash), line(hash));
        let place = |turn| (home + turn) % LINES;
        for turn in 0..LINES {
            let line = &mut self.lines[place(turn)];
            if let Some(found) = line.find(tag, |other| other == slot) {
                line.tags[found] = 0;
                for passed in 0..turn {
                    self.lines[place(passed)].passed -= 1;
                }
                self.len -= 1;
                return true;
            }
            if line.passed == 0 {
                return false;
            }
        }
        let Some(spilled) = &mut self.spilled else { return false };
        let Some(found) = spilled.iter().position(|other| *other == slot) else { return false };
        spilled.swap_remove(found);
        if spilled.is_empty() {
            self.spilled = None;
        }
        for line in &mut self.lines {
            line.passed -= 1;
        }
        self.len -= 1;
        true
    }

    fn slots(&self) -> impl Iterator<Item = u32> {
        let placed = self.lines.iter().flat_map(|line| line.tags.iter().zip(line.slots));
        let placed = placed.filter(|(tag, _)| **tag != 0).map(|(_, slot)| slot);
        placed.chain(self.spilled.iter().flat_map(|slots| slots.iter()).copied())
    }
}

impl Line {
    /// The place of a slot with this tag.
    fn find(&self, tag: u8, is_it: impl Fn(u32) -> bool) -> Option<usize> {
        let mut places = self.places_of(tag);
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            if is_it(self.slots[place]) {
                return Some(place);
            }
            places &= places - 1;
        }
        None
    }

    /// The places of a tag, a bit each.
    fn places_of(&self, tag: u8) -> u32 {
        let each = self.tags.iter().enumerate();
        each.fold(0, |places, (place, other)| places | u32::from(*other == tag) << place)
    }
}
