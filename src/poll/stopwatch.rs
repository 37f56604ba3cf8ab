//! How much time has passed, by a clock that may jump.

use core::time::Duration;

use chrono::TimeDelta;

use crate::time::{MAX_TIME, Now, clamp_time};

/// Adds up how far a clock went forward.
///
/// A clock that is behind its highest reading by no more than [`SLACK`](Self::SLACK) is waited for: so do calls from
/// several threads whose readings cross, and small corrections. One that is further behind was set back: it is
/// counted from there on.
#[derive(Clone, Debug)]
pub(super) struct Stopwatch {
    highest: Now,
    elapsed: Duration,
}

impl Stopwatch {
    const SLACK: TimeDelta = TimeDelta::seconds(1);

    pub(super) fn started(now: Now) -> Self {
        Self { highest: clamp_time(now), elapsed: Duration::ZERO }
    }

    /// How much time has passed by now.
    pub(super) fn read(&mut self, now: Now) -> Duration {
        let now = clamp_time(now);
        let forward = now.signed_duration_since(self.highest);
        if let Ok(forward) = forward.to_std() {
            self.elapsed = self.elapsed.saturating_add(forward);
            self.highest = now;
        } else if forward < -Self::SLACK {
            self.highest = now;
        }
        self.elapsed
    }

    /// What the clock says once so much time has passed, unless it jumps.
    pub(super) fn when(&self, elapsed: Duration) -> Now {
        after(self.highest, elapsed.saturating_sub(self.elapsed))
    }
}

/// An instant so much later, within the years 0 to 9999.
fn after(instant: Now, time: Duration) -> Now {
    let time = TimeDelta::from_std(time).ok();
    let later = time.and_then(|time| instant.checked_add_signed(time));
    later.map_or(MAX_TIME, clamp_time)
}
