//! A doubly linked list with its links in the slots of a slab.

/// The absence of a slot.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) previous: u32,
    pub(super) next: u32,
}

impl Default for Link {
    fn default() -> Self {
        Self { previous: NONE, next: NONE }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Default for Chain {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

impl Chain {
    /// Appends a slot.
    pub(super) fn push<S>(&mut self, slots: &mut [S], slot: u32, link: fn(&mut S) -> &mut Link) {
        *link(&mut slots[slot as usize]) = Link { previous: self.last, next: NONE };
        match self.last {
            NONE => self.first = slot,
            last => link(&mut slots[last as usize]).next = slot,
        }
        self.last = slot;
    }

    /// Removes a slot.
    pub(super) fn remove<S>(&mut self, slots: &mut [S], slot: u32, link: fn(&mut S) -> &mut Link) {
        let Link { previous, next } = *link(&mut slots[slot as usize]);
        match previous {
            NONE => self.first = next,
            previous => link(&mut slots[previous as usize]).next = next,
        }
        match next {
            NONE => self.last = previous,
            next => link(&mut slots[next as usize]).previous = previous,
        }
    }
}
