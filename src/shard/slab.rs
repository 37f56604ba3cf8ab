//! A slab: values with small integer keys that stay valid until their values are removed.
//!
//! Unlike the crate `slab`, it grows without moving its values, gives memory back when values are
//! removed, and has keys of 32 bits.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// An empty chunk is kept only beside at least this many chunks; with fewer, it would take too much
/// memory.
const SPARE_ABOVE: usize = 16;

/// Values in chunks of `CHUNK`. The slab grows and shrinks by one chunk at a time. No value moves,
/// except in the first chunk while that grows. One empty chunk is kept, so that values that come
/// and go at the end of a chunk don't cause allocations.
///
/// Small chunks waste less memory when only some of their values are left. Large chunks are found
/// faster.
#[derive(Clone, Debug)]
pub(super) struct Slab<T, const CHUNK: usize> {
    chunks: Vec<Chunk<T>>,
    /// The chunks with a vacant entry. The first of them is filled first, so that the last ones can
    /// be freed.
    with_room: BitSet,
    /// The empty chunk whose memory is kept.
    spare: Option<usize>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Chunk<T> {
    entries: Vec<Entry<T>>,
    free: Option<u16>,
    /// The number of occupied entries.
    occupied: u16,
}

#[derive(Clone, Debug)]
enum Entry<T> {
    Occupied(T),
    /// Vacant, with the next vacant entry of the chunk: a free list.
    Vacant(Option<u16>),
}

impl<T, const CHUNK: usize> Slab<T, CHUNK> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), with_room: BitSet::new(), spare: None, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns whether all keys are taken. The last `u32` is never issued.
    pub(super) fn is_full(&self) -> bool {
        self.len >= u32::MAX as usize
    }

    /// Adds a value, and returns its key. The slab must not be full.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        self.insert_with(|_| value)
    }

    /// Adds a value that is made from its key.
    pub(super) fn insert_with(&mut self, value: impl FnOnce(u32) -> T) -> u32 {
        self.len += 1;
        let at = self.with_room.first().unwrap_or_else(|| self.grow());
        let chunk = &mut self.chunks[at];
        if self.spare == Some(at) {
            self.spare = None;
        }
        // The slab is not full, so each key fits.
        let key = u32::try_from(at * CHUNK + chunk.next()).unwrap_or(u32::MAX);
        // The first chunk grows with the slab, so that a small slab takes little memory.
        if at > 0 && chunk.entries.capacity() == 0 {
            chunk.entries.reserve_exact(CHUNK);
        }
        chunk.insert(value(key));
        if chunk.is_full(CHUNK) {
            self.with_room.remove(at);
        }
        key
    }

    /// Removes a value that exists.
    pub(super) fn remove(&mut self, key: u32) {
        let (at, index) = Self::split(key);
        let chunk = &mut self.chunks[at];
        let was_full = chunk.is_full(CHUNK);
        chunk.remove(index);
        self.len -= 1;
        if was_full {
            self.with_room.insert(at);
        }
        if chunk.occupied == 0 {
            chunk.clear();
            self.keep_spare(at);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| &chunk.entries).filter_map(Entry::value)
    }

    /// Returns the chunk of a key, and the index in it.
    fn split(key: u32) -> (usize, usize) {
        (key as usize / CHUNK, key as usize % CHUNK)
    }

    /// Adds a chunk, and returns its number.
    fn grow(&mut self) -> usize {
        let at = self.chunks.len();
        self.chunks.push(Chunk { entries: Vec::new(), free: None, occupied: 0 });
        self.with_room.insert(at);
        at
    }

    /// Keeps the memory of the chunk `at`, which is now empty, or of the previous spare chunk, and
    /// frees the other. The one that comes first is kept, as it is filled first.
    fn keep_spare(&mut self, at: usize) {
        if self.len == 0 {
            *self = Self::new();
            return;
        }
        let kept = self.spare.map_or(at, |spare| spare.min(at));
        let kept = Some(kept).filter(|_| self.len >= SPARE_ABOVE * CHUNK);
        for given_back in self.spare.into_iter().chain([at]).filter(|other| Some(*other) != kept) {
            self.chunks[given_back].entries = Vec::new();
        }
        self.spare = kept;
        self.shrink();
    }

    /// Drops the empty chunks at the end, except the spare one.
    fn shrink(&mut self) {
        while let Some(last) = self.chunks.len().checked_sub(1)
            && self.chunks[last].occupied == 0
            && self.spare != Some(last)
        {
            self.chunks.pop();
            self.with_room.remove(self.chunks.len());
        }
        if self.chunks.len() * 4 < self.chunks.capacity() {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
    }
}

/// A bit set of small numbers.
#[derive(Clone, Debug)]
struct BitSet {
    words: Vec<u64>,
    /// All words before this one are 0.
    first: usize,
}

impl BitSet {
    const fn new() -> Self {
        Self { words: Vec::new(), first: 0 }
    }

    /// Returns the word of a number, and its bit there.
    fn split(number: usize) -> (usize, u64) {
        (number / 64, 1 << (number % 64))
    }

    fn first(&mut self) -> Option<usize> {
        while let Some(word) = self.words.get(self.first) {
            if *word != 0 {
                return Some(self.first * 64 + word.trailing_zeros() as usize);
            }
            self.first += 1;
        }
        None
    }

    fn insert(&mut self, number: usize) {
        let (word, bit) = Self::split(number);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
        self.first = self.first.min(word);
    }

    /// Removes a number that is in the set, and the words at the end that are now 0.
    fn remove(&mut self, number: usize) {
        let (word, bit) = Self::split(number);
        self.words[word] &= !bit;
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }
}

impl<T> Chunk<T> {
    fn is_full(&self, chunk: usize) -> bool {
        usize::from(self.occupied) == chunk
    }

    /// Returns the index of the entry that takes the next value.
    fn next(&self) -> usize {
        self.free.map_or(self.entries.len(), usize::from)
    }

    /// Puts a value into the next vacant entry. The chunk must not be full.
    fn insert(&mut self, value: T) {
        self.occupied += 1;
        let Some(index) = self.free.map(usize::from) else {
            self.entries.push(Entry::Occupied(value));
            return;
        };
        if let Entry::Vacant(next) =
            core::mem::replace(&mut self.entries[index], Entry::Occupied(value))
        {
            self.free = next;
        }
    }

    /// Removes the entries, which are all vacant, but keeps their memory.
    fn clear(&mut self) {
        self.entries.clear();
        self.free = None;
    }

    fn remove(&mut self, index: usize) {
        self.entries[index] = Entry::Vacant(self.free);
        self.free = u16::try_from(index).ok();
        self.occupied -= 1;
    }
}

impl<T> Entry<T> {
    fn value(&self) -> Option<&T> {
        match self {
            Self::Occupied(value) => Some(value),
            Self::Vacant(_) => None,
        }
    }
}

impl<T, const CHUNK: usize> Index<u32> for Slab<T, CHUNK> {
    type Output = T;

    fn index(&self, key: u32) -> &T {
        let (at, index) = Self::split(key);
        match &self.chunks[at].entries[index] {
            Entry::Occupied(value) => value,
            Entry::Vacant(_) => unreachable!("the index holds no key of a removed value"),
        }
    }
}

impl<T, const CHUNK: usize> IndexMut<u32> for Slab<T, CHUNK> {
    fn index_mut(&mut self, key: u32) -> &mut T {
        let (at, index) = Self::split(key);
        match &mut self.chunks[at].entries[index] {
            Entry::Occupied(value) => value,
            Entry::Vacant(_) => unreachable!("the index holds no key of a removed value"),
        }
    }
}
