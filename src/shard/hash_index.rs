//! A hash table of slots that grows and shrinks a little at a time (linear hashing).
//!
//! A table that doubles moves all its entries at once. This one consists of small tables. As slots
//! are added, one table after the other is split in two, in a fixed order. As slots are removed,
//! they are merged in the opposite order. A table consists of buckets, each in one cache line, and
//! a lookup usually reads one bucket. The buckets store the hashes, so that neither splits nor
//! merges read what is in the slots.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// The number of slots in a bucket.
const BUCKET_LEN: usize = 7;

/// The largest average number of slots in a table.
const SPLIT_ABOVE: usize = 1024;

/// The smallest average number of slots in a table. It is so low that merged tables are not soon
/// split again.
const MERGE_BELOW: usize = 480;

/// Two tables are merged at most once in this many removals, as all of them may be ready for it at
/// about the same time.
const MERGE_EVERY: usize = 32;

#[derive(Clone, Debug)]
pub(super) struct HashIndex {
    /// The low bits of a hash are the number of its table: as many bits as the last table's number
    /// has, or one fewer if there is no table with that number yet.
    tables: Vec<Table>,
    /// A mask for these bits.
    mask: usize,
    len: usize,
}

#[derive(Clone, Debug, Default)]
struct Table {
    buckets: Box<[Bucket]>,
    len: usize,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket {
    /// The hash of each slot, or 0 for a free position.
    hashes: [u32; BUCKET_LEN],
    slots: [u32; BUCKET_LEN],
    /// How many slots are in a later bucket because this one was full.
    overflowed: u32,
}

/// Returns the part of a hash that is stored. It is not 0.
fn fingerprint(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0).max(1)
}

impl HashIndex {
    pub(super) fn new() -> Self {
        Self { tables: Vec::from([Table::with_capacity(0)]), mask: 0, len: 0 }
    }

    /// Calls `is_it` for the slots with this hash until it returns a value, and returns that.
    #[inline]
    pub(super) fn find<T>(&self, hash: u64, is_it: impl Fn(u32) -> Option<T>) -> Option<T> {
        let hash = fingerprint(hash);
        let table = &self.tables[self.number_of(hash)];
        table.find(hash, |_, _, slot| is_it(slot))
    }

    /// Adds a slot that is not in the index yet.
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        let hash = fingerprint(hash);
        self.len += 1;
        if self.len > self.tables.len() * SPLIT_ABOVE {
            self.split();
        }
        let number = self.number_of(hash);
        self.tables[number].insert(hash, slot);
    }

    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let hash = fingerprint(hash);
        let number = self.number_of(hash);
        if self.tables[number].remove(hash, slot) {
            self.len -= 1;
            if self.len.is_multiple_of(MERGE_EVERY) {
                self.merge();
            }
        }
    }

    /// Returns the number of a hash's table.
    #[inline]
    fn number_of(&self, hash: u32) -> usize {
        let number = hash as usize & self.mask;
        if number < self.tables.len() { number } else { number & (self.mask >> 1) }
    }

    /// Adds a table, and moves the slots that now belong there from the table that is split.
    fn split(&mut self) {
        let last = self.tables.len();
        let other = split_from(last);
        self.mask = (last + 1).next_power_of_two() - 1;
        let whole = core::mem::take(&mut self.tables[other]);
        self.tables.push(Table::default());
        let goes = whole.content().filter(|(hash, _)| self.number_of(*hash) == last).count();
        self.tables[last] = Table::with_capacity(goes);
        self.tables[other] = Table::with_capacity(whole.len - goes);
        whole.content().for_each(|(hash, slot)| {
            let number = self.number_of(hash);
            self.tables[number].insert(hash, slot);
        });
    }

    /// Removes the last table, and moves its slots to the table from which it was split, once that
    /// has enough room. So hardly anything is allocated while slots are removed. Since a split
    /// leaves two tables without much room, they are not merged until many slots are gone.
    fn merge(&mut self) {
        let last = self.tables.len() - 1;
        // Don't merge if the tables would soon be split again.
        if last == 0 || self.len * 4 > last * SPLIT_ABOVE * 3 {
            return;
        }
        let other = split_from(last);
        let slots = self.tables[other].len + self.tables[last].len;
        if slots * 5 > self.tables[other].capacity() * 4 {
            if self.len > self.tables.len() * MERGE_BELOW {
                return;
            }
            self.tables[other].resize(slots);
        }
        let Some(table) = self.tables.pop() else { return };
        self.mask = last.next_power_of_two() - 1;
        table.content().for_each(|(hash, slot)| self.tables[other].insert(hash, slot));
        if last * 4 < self.tables.capacity() {
            self.tables.shrink_to(last * 2);
        }
    }
}

/// Returns the number of the table from which a table was split: its own number without the highest
/// bit.
fn split_from(number: usize) -> usize {
    number.checked_ilog2().map_or(0, |bit| number - (1 << bit))
}

impl Table {
    /// Creates a table for this many slots, with room for half as many more.
    fn with_capacity(slots: usize) -> Self {
        let buckets = (slots + slots / 2) / BUCKET_LEN + 1;
        Self { buckets: vec![Bucket::default(); buckets].into(), len: 0 }
    }

    /// Resizes the table for this many slots.
    fn resize(&mut self, slots: usize) {
        let old = core::mem::replace(self, Self::with_capacity(slots));
        old.content().for_each(|(hash, slot)| self.insert(hash, slot));
    }

    fn capacity(&self) -> usize {
        self.buckets.len() * BUCKET_LEN
    }

    /// Returns the bucket where a hash is, or would be. This uses the high bits, as the low ones
    /// select the table.
    #[inline]
    fn bucket_of(&self, hash: u32) -> usize {
        usize::try_from((u64::from(hash) * self.buckets.len() as u64) >> 32).unwrap_or(0)
    }

    fn after(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets.len() { 0 } else { bucket + 1 }
    }

    /// Like [`HashIndex::find`]. `is_it` also gets the slot's bucket and its position there.
    #[inline]
    fn find<T>(&self, hash: u32, is_it: impl Fn(usize, usize, u32) -> Option<T>) -> Option<T> {
        let mut at = self.bucket_of(hash);
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            for position in 0..BUCKET_LEN {
                if bucket.hashes[position] == hash
                    && let Some(found) = is_it(at, position, bucket.slots[position])
                {
                    return Some(found);
                }
            }
            if bucket.overflowed == 0 {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    fn insert(&mut self, hash: u32, slot: u32) {
        if (self.len + 1) * 7 > self.capacity() * 6 {
            self.resize(self.len + 1);
        }
        self.len += 1;
        let mut at = self.bucket_of(hash);
        // There is always a free position.
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(position) = bucket.hashes.iter().position(|hash| *hash == 0) {
                (bucket.hashes[position], bucket.slots[position]) = (hash, slot);
                return;
            }
            bucket.overflowed += 1;
            at = self.after(at);
        }
    }

    fn remove(&mut self, hash: u32, slot: u32) -> bool {
        let position_of = |bucket, position, other| (other == slot).then_some((bucket, position));
        let Some((at, position)) = self.find(hash, position_of) else { return false };
        self.buckets[at].hashes[position] = 0;
        let mut overflowed = self.bucket_of(hash);
        while overflowed != at {
            self.buckets[overflowed].overflowed -= 1;
            overflowed = self.after(overflowed);
        }
        self.len -= 1;
        if self.len * 3 < self.capacity() && self.buckets.len() > 1 {
            self.resize(self.len);
        }
        true
    }

    fn content(&self) -> impl Iterator<Item = (u32, u32)> {
        let buckets = self.buckets.iter();
        buckets
            .flat_map(|bucket| bucket.hashes.into_iter().zip(bucket.slots))
            .filter(|(hash, _)| *hash != 0)
    }
}
