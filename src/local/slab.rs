//! A slab: values under small numbers that stay theirs until they are removed.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// How many values lie together. The slab grows and shrinks by as much at a time; no value moves but
/// in the first chunk, while that grows. One empty chunk is kept, so that values which come and go
/// at the end of one take and give back nothing.
const CHUNK: usize = 256;

#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    /// The chunks with a place that is free, so that the first ones fill up and the last ones can
    /// be given back.
    roomy: BTreeSet<u32>,
    /// The empty chunk whose places are kept.
    spare: Option<usize>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Chunk<T> {
    places: Vec<Place<T>>,
    free: Option<u16>,
    /// How many places are full.
    full: u16,
}

#[derive(Clone, Debug)]
enum Place<T> {
    Full(T),
    /// Free, and so is the next one.
    Free(Option<u16>),
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), roomy: BTreeSet::new(), spare: None, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether all numbers are taken, but for the last one, which is never given out.
    pub(super) fn is_full(&self) -> bool {
        self.len >= u32::MAX as usize
    }

    /// Takes in a value, under a number that it returns. The slab must not be full.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        self.insert_with(|_| value)
    }

    /// Takes in a value that is made for its number.
    pub(super) fn insert_with(&mut self, value: impl FnOnce(u32) -> T) -> u32 {
        self.len += 1;
        let number = match self.roomy.first() {
            Some(number) => *number as usize,
            None => self.grow(),
        };
        let chunk = &mut self.chunks[number];
        if self.spare == Some(number) {
            self.spare = None;
        }
        // The slab is not full, so that each number fits.
        let key = u32::try_from(number * CHUNK + chunk.next()).unwrap_or(u32::MAX);
        // The first chunk grows with the slab, so that a small one is small.
        if number > 0 && chunk.places.capacity() == 0 {
            chunk.places.reserve_exact(CHUNK);
        }
        chunk.insert(value(key));
        if chunk.is_full() {
            self.roomy.pop_first();
        }
        key
    }

    /// Drops a value that is there.
    pub(super) fn remove(&mut self, key: u32) {
        let (number, place) = split(key);
        let chunk = &mut self.chunks[number];
        let was_full = chunk.is_full();
        chunk.remove(place);
        self.len -= 1;
        if was_full {
            self.roomy.insert(key / CHUNK_U32);
        }
        if chunk.full == 0 {
            chunk.clear();
            self.keep_one(number);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| &chunk.places).filter_map(Place::value)
    }

    /// Adds a chunk, and returns its number.
    fn grow(&mut self) -> usize {
        let number = self.chunks.len();
        self.chunks.push(Chunk { places: Vec::new(), free: None, full: 0 });
        self.roomy.extend(u32::try_from(number));
        number
    }

    /// Gives back what a chunk had that is now empty, or what the one had that was kept so far:
    /// the first one is kept, as it is filled first.
    fn keep_one(&mut self, number: usize) {
        if self.len == 0 {
            *self = Self::new();
            return;
        }
        let kept = self.spare.map_or(number, |spare| spare.min(number));
        for given_back in self.spare.into_iter().chain([number]).filter(|other| *other != kept) {
            self.chunks[given_back].places = Vec::new();
        }
        self.spare = Some(kept);
        self.shrink();
    }

    /// Drops the chunks at the end that are empty and not kept.
    fn shrink(&mut self) {
        while let Some(last) = self.chunks.len().checked_sub(1)
            && self.chunks[last].full == 0
            && self.spare != Some(last)
        {
            self.chunks.pop();
            self.roomy.pop_last();
        }
        if self.chunks.len() * 4 < self.chunks.capacity() {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
    }
}

/// [`CHUNK`], of the type of keys.
const CHUNK_U32: u32 = 256;

fn split(key: u32) -> (usize, usize) {
    (key as usize / CHUNK, key as usize % CHUNK)
}

impl<T> Chunk<T> {
    fn is_full(&self) -> bool {
        usize::from(self.full) == CHUNK
    }

    /// The place of the next value.
    fn next(&self) -> usize {
        self.free.map_or(self.places.len(), usize::from)
    }

    /// Puts a value into the next place. The chunk must not be full.
    fn insert(&mut self, value: T) {
        self.full += 1;
        let Some(place) = self.free.map(usize::from) else {
            self.places.push(Place::Full(value));
            return;
        };
        if let Place::Free(next) = core::mem::replace(&mut self.places[place], Place::Full(value)) {
            self.free = next;
        }
    }

    /// Forgets the places, which are all free, but keeps the room for them.
    fn clear(&mut self) {
        self.places.clear();
        self.free = None;
    }

    fn remove(&mut self, place: usize) {
        self.places[place] = Place::Free(self.free);
        self.free = u16::try_from(place).ok();
        self.full -= 1;
    }
}

impl<T> Place<T> {
    fn value(&self) -> Option<&T> {
        match self {
            Self::Full(value) => Some(value),
            Self::Free(_) => None,
        }
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, key: u32) -> &T {
        let (number, place) = split(key);
        match &self.chunks[number].places[place] {
            Place::Full(value) => value,
            Place::Free(_) => unreachable!("the index holds no key of a removed value"),
        }
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, key: u32) -> &mut T {
        let (number, place) = split(key);
        match &mut self.chunks[number].places[place] {
            Place::Full(value) => value,
            Place::Free(_) => unreachable!("the index holds no key of a removed value"),
        }
    }
}
