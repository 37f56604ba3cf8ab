//! How long to wait between reads if nothing else demands a longer wait.

use core::time::Duration;

use crate::wire::fnv1a;

/// How long to wait between reads: waits that grow by a factor, up to a maximum.
///
/// The default starts with 1 s and doubles up to 30 s, without jitter. Redis Cloud's public Go
/// client does the same.
///
/// ```
/// use std::time::Duration;
/// use tasklife::poll::Backoff;
///
/// let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10))
///     .with_factor(1.5)
///     .with_jitter(0.2, 7); // each wait is up to a fifth shorter
/// assert_eq!(backoff.shortest(), Duration::from_millis(400));
/// assert_eq!(backoff.max(), Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    factor: f64,
    jitter: f64,
    seed: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(30))
    }
}

impl Backoff {
    /// Creates a backoff that starts with `first` and doubles up to `max`. If `max` is shorter, it
    /// counts for both.
    #[must_use]
    pub const fn new(first: Duration, max: Duration) -> Self {
        let first = if first.as_nanos() > max.as_nanos() { max } else { first };
        Self { first, max, factor: 2.0, jitter: 0.0, seed: 0 }
    }

    /// Sets the factor by which each wait is longer than the one before. The default is 2.0. A value
    /// below 1, or NaN, counts as 1.
    #[must_use]
    pub const fn with_factor(mut self, factor: f64) -> Self {
        self.factor = factor.max(1.0); // `NaN.max(1.0)` is 1
        self
    }

    /// Sets the jitter: each wait is shortened by a random share of it, between 0 and `share`. This
    /// keeps many clients from reading at the same moment.
    ///
    /// The default is 0. A value below 0 or above 1 counts as the nearest, and NaN as 0.
    ///
    /// The random numbers follow from the seed and the task's address. The same seed gives a task
    /// the same waits, and different tasks different ones. Give each process its own seed.
    #[must_use]
    pub const fn with_jitter(mut self, share: f64, seed: u64) -> Self {
        self.jitter = share.max(0.0).min(1.0);
        self.seed = seed;
        self
    }

    /// Returns the first wait, without jitter.
    #[must_use]
    pub const fn first(&self) -> Duration {
        self.first
    }

    /// Returns the longest wait.
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// Returns the shortest wait that is possible, with jitter.
    #[must_use]
    pub fn shortest(&self) -> Duration {
        shortened(self.first, self.jitter)
    }

    /// Returns the waits for the task at this address.
    pub(super) fn waits(self, address: &str) -> Waits {
        let hash = fnv1a(address.bytes());
        Waits { backoff: self, next: self.first, state: self.seed ^ hash }
    }
}

/// The endless sequence of waits for one task.
#[derive(Clone, Debug)]
pub(super) struct Waits {
    backoff: Backoff,
    next: Duration,
    state: u64,
}

impl Waits {
    /// Returns the next wait.
    pub(super) fn next(&mut self) -> Duration {
        let Backoff { max, factor, jitter, .. } = self.backoff;
        let wait = self.next;
        let longer = Duration::try_from_secs_f64(wait.as_secs_f64() * factor);
        self.next = longer.map_or(max, |longer| longer.min(max));
        shortened(wait, jitter * self.share())
    }

    /// Returns the next random number from 0 to 1, by `SplitMix64`.
    fn share(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from((mixed >> 32) as u32) / f64::from(u32::MAX)
    }
}

/// Shortens a time by a share from 0 to 1.
fn shortened(time: Duration, share: f64) -> Duration {
    // A product with 1 - share could be rounded to more than the longest `Duration`.
    let less = Duration::try_from_secs_f64(time.as_secs_f64() * share).unwrap_or(time);
    time.saturating_sub(less)
}
