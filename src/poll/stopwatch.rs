//! Measuring time with a clock that may jump.

use core::time::Duration;

use chrono::TimeDelta;

use crate::time::{MAX_TIME, Timestamp, clamp_time};

/// Adds up how far a clock moves forward.
///
/// If the clock is behind its latest time by up to [`SLACK`](Self::SLACK), no time passes until it
/// has caught up. This covers small corrections, and threads whose readings arrive out of order. If
/// it is further behind, it was set back, and time is counted from the new reading.
#[derive(Clone, Debug)]
pub(super) struct Stopwatch {
    latest: Timestamp,
    elapsed: Duration,
}

impl Stopwatch {
    const SLACK: TimeDelta = TimeDelta::seconds(1);

    pub(super) fn started(now: Timestamp) -> Self {
        Self { latest: clamp_time(now), elapsed: Duration::ZERO }
    }

    /// Returns how much time has passed by `now`.
    pub(super) fn read(&mut self, now: Timestamp) -> Duration {
        let now = clamp_time(now);
        let forward = now.signed_duration_since(self.latest);
        if let Ok(forward) = forward.to_std() {
            self.elapsed = self.elapsed.saturating_add(forward);
            self.latest = now;
        } else if forward < -Self::SLACK {
            self.latest = now;
        }
        self.elapsed
    }

    /// Returns what the clock will show when this much time has passed, unless it jumps.
    pub(super) fn when(&self, elapsed: Duration) -> Timestamp {
        after(self.latest, elapsed.saturating_sub(self.elapsed))
    }
}

/// Returns the instant this much later, at most the end of the year 9999.
fn after(instant: Timestamp, time: Duration) -> Timestamp {
    let time = TimeDelta::from_std(time).ok();
    let later = time.and_then(|time| instant.checked_add_signed(time));
    later.map_or(MAX_TIME, clamp_time)
}
