//! Slots found by the hash of what they hold, in a table that grows and shrinks a little at a time.
//!
//! A table that doubles moves everything at once. This one is made of small tables, found through a
//! directory by some bits of the hash; a table that is full is split in two by the next bit, and
//! two that have become sparse are joined (extendible hashing).

use alloc::vec::Vec;

use hashbrown::HashTable;

use super::slab::Slab;

/// How many slots a table holds at the most, before it is split: as many as 128 places take.
const FULL: usize = 112;

/// How many slots a table holds at least, to be split rather than tidied, when it has no room left.
/// Places of removed slots take up room as well.
const CROWDED: usize = 84;

/// How many slots two tables hold at the most, to be joined.
const SPARSE: usize = 48;

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
    slots: HashTable<u32>,
    /// How many bits all hashes in this table share.
    depth: u32,
}

impl Lookup {
    pub(super) fn new() -> Self {
        let mut tables = Slab::new();
        let only = tables.insert(Table { slots: HashTable::new(), depth: 0 });
        let mut by_depth = [0; BITS as usize + 1];
        by_depth[0] = 1;
        Self { directory: Vec::from([only]), depth: 0, tables, by_depth, len: 0 }
    }

    pub(super) fn find(&self, hash: u64, is_it: impl FnMut(&u32) -> bool) -> Option<u32> {
        self.tables[self.directory[place(hash, self.depth)]].slots.find(hash, is_it).copied()
    }

    /// Adds a slot that is not yet there.
    pub(super) fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        self.len += 1;
        loop {
            let table = &mut self.tables[self.directory[place(hash, self.depth)]];
            let (len, capacity) = (table.slots.len(), table.slots.capacity());
            if len < capacity {
                table.slots.insert_unique(hash, slot, |slot| hash_of(*slot));
                return;
            }
            // The directory never outgrows what it leads to, whatever the hashes.
            let may_split = table.depth < BITS && 1 << table.depth < self.len;
            if len >= CROWDED && may_split {
                self.split(hash, &hash_of);
            } else {
                let room = if len < FULL { FULL.min(len * 2) } else { len * 2 };
                table.slots = rebuilt(table.slots.iter(), room.max(3), &hash_of);
            }
        }
    }

    pub(super) fn remove(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        let key = self.directory[place(hash, self.depth)];
        let table = &mut self.tables[key];
        let Ok(entry) = table.slots.find_entry(hash, |other| *other == slot) else { return };
        entry.remove();
        self.len -= 1;
        let (len, capacity) = (table.slots.len(), table.slots.capacity());
        if len <= SPARSE / 2 && table.depth > 0 {
            self.join(hash, &hash_of);
        } else if len * 8 < capacity {
            table.slots = rebuilt(table.slots.iter(), len * 2, &hash_of);
        }
    }

    /// Splits the table of a hash in two by the next bit.
    fn split(&mut self, hash: u64, hash_of: &impl Fn(u32) -> u64) {
        let key = self.directory[place(hash, self.depth)];
        let depth = self.tables[key].depth + 1;
        if depth > self.depth {
            self.directory = self.directory.iter().flat_map(|key| [*key; 2]).collect();
            self.depth = depth;
        }
        let mut halves = [(); 2].map(|()| HashTable::with_capacity(FULL));
        for slot in &self.tables[key].slots {
            let hash = hash_of(*slot);
            halves[place(hash, depth) & 1].insert_unique(hash, *slot, |slot| hash_of(*slot));
        }
        let [zero, one] = halves;
        self.tables[key] = Table { slots: zero, depth };
        let other = self.tables.insert(Table { slots: one, depth });
        self.count(depth - 1, depth);
        self.direct(place(hash, depth) | 1, depth, other);
    }

    /// Joins the table of a hash with the one that it was split from, where both are sparse.
    fn join(&mut self, hash: u64, hash_of: &impl Fn(u32) -> u64) {
        let key = self.directory[place(hash, self.depth)];
        let depth = self.tables[key].depth;
        let other = self.directory[(place(hash, depth) ^ 1) << (self.depth - depth)];
        let len = self.tables[key].slots.len() + self.tables[other].slots.len();
        if self.tables[other].depth != depth || len > SPARSE {
            return;
        }
        let Some(removed) = self.tables.remove(other) else { return };
        let all = self.tables[key].slots.iter().chain(&removed.slots);
        let slots = rebuilt(all, FULL, hash_of);
        self.tables[key] = Table { slots, depth: depth - 1 };
        self.count(depth, depth - 1);
        self.direct(place(hash, depth - 1), depth - 1, key);
        while self.depth > 0 && self.by_depth[self.depth as usize] == 0 {
            self.directory = self.directory.iter().step_by(2).copied().collect();
            self.depth -= 1;
        }
    }

    /// Keeps account of two tables of one depth that were one of another, or the reverse.
    fn count(&mut self, from: u32, to: u32) {
        let (from, to) = (from as usize, to as usize);
        self.by_depth[from] -= if from < to { 1 } else { 2 };
        self.by_depth[to] += if from < to { 2 } else { 1 };
    }

    /// Directs all hashes that begin with some bits to a table.
    fn direct(&mut self, prefix: usize, depth: u32, table: u32) {
        let spread = self.depth - depth;
        self.directory[prefix << spread..(prefix + 1) << spread].fill(table);
    }
}

/// The first bits of a hash, of those that the small tables don't use: these place by the lowest
/// bits, and tell apart by the seven highest.
fn place(hash: u64, depth: u32) -> usize {
    let prefix = (hash << 7) >> (64 - BITS);
    usize::try_from(prefix >> (BITS - depth)).unwrap_or(0)
}

fn rebuilt<'a>(
    slots: impl Iterator<Item = &'a u32>,
    room: usize,
    hash_of: &impl Fn(u32) -> u64,
) -> HashTable<u32> {
    let mut table = HashTable::with_capacity(room);
    for slot in slots {
        table.insert_unique(hash_of(*slot), *slot, |slot| hash_of(*slot));
    }
    table
}
