//! The horizon, which calls read without a lock.

use super::ordinal::Ordinal;
use crate::memory::sync::{AtomicI64, Mutex, Ordering};
use crate::time::{MIN_TIME, Timestamp, clamp_time};

/// The store's horizon, which only ever moves to later.
#[derive(Debug)]
pub(in crate::memory) struct Horizon {
    /// The instant's number if only this instant has it, and the last number otherwise.
    number: AtomicI64,
    exact: Mutex<Timestamp>,
}

impl Horizon {
    pub(in crate::memory) fn new(instant: Timestamp) -> Self {
        let number = AtomicI64::new(Self::number_of(instant).0);
        Self { number, exact: Mutex::new(instant) }
    }

    fn number_of(instant: Timestamp) -> Ordinal {
        let number = Ordinal::of(instant);
        let is_exact = instant == MIN_TIME || number.only_instant() == Some(instant);
        if is_exact { number } else { Ordinal::LAST }
    }

    fn number(&self) -> Ordinal {
        Ordinal(self.number.load(Ordering::Acquire))
    }

    /// Returns whether the horizon may be later than a caller's `now`.
    pub(in crate::memory) fn is_ahead_of(&self, now: Timestamp) -> bool {
        self.number() >= Ordinal::of(now)
    }

    /// Returns the later of `now` and the horizon.
    pub(in crate::memory) fn effective_now(&self, now: Timestamp) -> Timestamp {
        let now = clamp_time(now);
        if self.is_ahead_of(now) { now.max(self.get()) } else { now }
    }

    pub(in crate::memory) fn get(&self) -> Timestamp {
        match self.number() {
            Ordinal::FIRST => MIN_TIME,
            number => number.only_instant().unwrap_or_else(|| *self.exact.lock()),
        }
    }

    /// Moves the horizon to an instant, if that is later than the horizon.
    pub(in crate::memory) fn advance_to(&self, instant: Timestamp) {
        let mut exact = self.exact.lock();
        if instant > *exact {
            *exact = instant;
            self.number.store(Self::number_of(instant).0, Ordering::Release);
        }
    }
}
