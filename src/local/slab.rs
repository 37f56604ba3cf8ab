//! A slab: values under small numbers that stay theirs until they are removed.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// How many values lie together. The slab grows by as much at a time, copying nothing.
const CHUNK: usize = 1024;

#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Vec<Place<T>>>,
    free: Option<u32>,
    len: usize,
}

#[derive(Clone, Debug)]
enum Place<T> {
    Full(T),
    /// Free, and so is the next one.
    Free(Option<u32>),
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), free: None, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether all numbers are taken.
    pub(super) fn is_full(&self) -> bool {
        self.len >= u32::MAX as usize
    }

    /// Takes in a value, under a number that it returns. The slab must not be full.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        if let Some(key) = self.free {
            let place = self.place_mut(key);
            if let Place::Free(next) = core::mem::replace(place, Place::Full(value)) {
                self.free = next;
            }
            return key;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            // The first chunk grows as it is needed, for the sake of small stores.
            let capacity = if self.chunks.is_empty() { 0 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(capacity));
        }
        let chunk = self.chunks.len() - 1;
        self.chunks[chunk].push(Place::Full(value));
        let key = chunk * CHUNK + self.chunks[chunk].len() - 1;
        u32::try_from(key).unwrap_or(u32::MAX)
    }

    pub(super) fn remove(&mut self, key: u32) -> Option<T> {
        let free = self.free;
        match core::mem::replace(self.place_mut(key), Place::Free(free)) {
            Place::Full(value) => {
                self.free = Some(key);
                self.len -= 1;
                Some(value)
            }
            vacant @ Place::Free(_) => {
                *self.place_mut(key) = vacant;
                None
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten().filter_map(|place| match place {
            Place::Full(value) => Some(value),
            Place::Free(_) => None,
        })
    }

    fn place_mut(&mut self, key: u32) -> &mut Place<T> {
        &mut self.chunks[key as usize / CHUNK][key as usize % CHUNK]
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, key: u32) -> &T {
        match &self.chunks[key as usize / CHUNK][key as usize % CHUNK] {
            Place::Full(value) => value,
            Place::Free(_) => unreachable!("the index holds no key of a removed value"),
        }
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, key: u32) -> &mut T {
        match self.place_mut(key) {
            Place::Full(value) => value,
            Place::Free(_) => unreachable!("the index holds no key of a removed value"),
        }
    }
}
