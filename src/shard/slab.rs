//! A slab: values under small keys that stay theirs until they are removed.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// For how many chunks an empty one is kept: beside fewer, it would be much.
const SPARE_ABOVE: usize = 16;

/// Values in chunks of a few. The slab grows and shrinks by as much at a time; no value moves but in the
/// first chunk, while that grows. One empty chunk is kept, so that values which come and go at the end of
/// one take and give back nothing.
///
/// Small chunks leave less room unused, where only some of their values are left; large ones are found
/// faster.
#[derive(Clone, Debug)]
pub(super) struct Slab<T, const CHUNK: usize> {
    chunks: Vec<Chunk<T>>,
    /// The chunks with a vacant entry, so that the first ones fill up and the last ones can
    /// be given back.
    with_room: BitSet,
    /// The empty chunk whose entries are kept.
    spare: Option<usize>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Chunk<T> {
    entries: Vec<Entry<T>>,
    free: Option<u16>,
    /// How many entries are occupied.
    occupied: u16,
}

#[derive(Clone, Debug)]
enum Entry<T> {
    Occupied(T),
    /// Vacant, and the next vacant entry of the chunk: a free list.
    Vacant(Option<u16>),
}

impl<T, const CHUNK: usize> Slab<T, CHUNK> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), with_room: BitSet::new(), spare: None, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether all keys are taken, but for the last one, which is never given out.
    pub(super) fn is_full(&self) -> bool {
        self.len >= u32::MAX as usize
    }

    /// Takes in a value, under a key that it returns. The slab must not be full.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        self.insert_with(|_| value)
    }

    /// Takes in a value that is made for its key.
    pub(super) fn insert_with(&mut self, value: impl FnOnce(u32) -> T) -> u32 {
        self.len += 1;
        let at = self.with_room.first().unwrap_or_else(|| self.grow());
        let chunk = &mut self.chunks[at];
        if self.spare == Some(at) {
            self.spare = None;
        }
        // The slab is not full, so that each key fits.
        let key = u32::try_from(at * CHUNK + chunk.next()).unwrap_or(u32::MAX);
        // The first chunk grows with the slab, so that a small one is small.
        if at > 0 && chunk.entries.capacity() == 0 {
            chunk.entries.reserve_exact(CHUNK);
        }
        chunk.insert(value(key));
        if chunk.is_full(CHUNK) {
            self.with_room.remove(at);
        }
        key
    }

    /// Drops a value that is there.
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

    /// The chunk of a key, and the index in it.
    fn split(key: u32) -> (usize, usize) {
        (key as usize / CHUNK, key as usize % CHUNK)
    }

    /// Adds a chunk, and returns where it is.
    fn grow(&mut self) -> usize {
        let at = self.chunks.len();
        self.chunks.push(Chunk { entries: Vec::new(), free: None, occupied: 0 });
        self.with_room.insert(at);
        at
    }

    /// Gives back what a chunk had that is now empty, or what the one had that was kept so far:
    /// the first one is kept, as it is filled first.
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

    /// Drops the chunks at the end that are empty and not kept.
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

/// A set of small numbers, a bit each.
#[derive(Clone, Debug)]
struct BitSet {
    words: Vec<u64>,
    /// No word before this one has a number.
    first: usize,
}

impl BitSet {
    const fn new() -> Self {
        Self { words: Vec::new(), first: 0 }
    }

    /// The word of a number, and its bit there.
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

    /// Takes out a number that is there, and the words at the end that have none then.
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

    /// The index of the entry that takes the next value.
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

    /// Forgets the entries, which are all vacant, but keeps the room for them.
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
