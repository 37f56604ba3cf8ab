//! How long to wait between reads where nobody says more.

use core::time::Duration;

/// How long to wait between reads: the first time so long, then each time longer by a factor, up to a bound.
///
/// Unless set, it begins with 1 s and doubles up to 30 s, as the public client in Go of Redis Cloud does, and has
/// no jitter.
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
    /// Waits that begin with the first and double up to the longest; where that is shorter, it counts for both.
    #[must_use]
    pub const fn new(first: Duration, max: Duration) -> Self {
        let first = if first.as_nanos() > max.as_nanos() { max } else { first };
        Self { first, max, factor: 2.0, jitter: 0.0, seed: 0 }
    }

    /// Sets how many times longer each wait is than the one before: 1 or more, and 2 unless set. What is less, or
    /// no number, counts as 1.
    #[must_use]
    pub const fn with_factor(mut self, factor: f64) -> Self {
        self.factor = factor.max(1.0); // the greater of NaN and 1 is 1
        self
    }

    /// Makes each wait shorter by a random share of up to this one, from 0 to 1, so that the reads of many clients
    /// don't come at once. None, unless set; what is out of range counts as the nearest, and no number as 0.
    ///
    /// The shares follow from the seed and the task's address: the same seed gives the same waits, and tasks
    /// beside each other still have different ones. Give each process a seed of its own.
    #[must_use]
    pub const fn with_jitter(mut self, share: f64, seed: u64) -> Self {
        self.jitter = share.max(0.0).min(1.0);
        self.seed = seed;
        self
    }

    /// The first wait, before jitter.
    #[must_use]
    pub const fn first(&self) -> Duration {
        self.first
    }

    /// The longest wait.
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// The shortest wait that can come of it, with jitter.
    #[must_use]
    pub fn shortest(&self) -> Duration {
        shortened(self.first, self.jitter)
    }

    /// The waits for a task, beginning with the first.
    pub(super) fn waits(self, address: &str) -> Waits {
        // FNV-1a, 64 bits.
        let hash = address.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Waits { backoff: self, next: self.first, state: self.seed ^ hash }
    }
}

/// The waits for one task, which have no end.
#[derive(Clone, Debug)]
pub(super) struct Waits {
    backoff: Backoff,
    next: Duration,
    state: u64,
}

impl Waits {
    /// The next wait.
    pub(super) fn next(&mut self) -> Duration {
        let Backoff { max, factor, jitter, .. } = self.backoff;
        let wait = self.next;
        let longer = Duration::try_from_secs_f64(wait.as_secs_f64() * factor);
        self.next = longer.map_or(max, |longer| longer.min(max));
        shortened(wait, jitter * self.share())
    }

    /// A number of 0 to 1: the next of `SplitMix64`.
    fn share(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from((mixed >> 32) as u32) / f64::from(u32::MAX)
    }
}

/// A time that is shorter by a share of 0 to 1.
fn shortened(time: Duration, share: f64) -> Duration {
    // Not by a product, which may be more than any time is, once rounded.
    let less = Duration::try_from_secs_f64(time.as_secs_f64() * share).unwrap_or(time);
    time.saturating_sub(less)
}
