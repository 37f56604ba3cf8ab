//! The time of the API, which may run faster than that of the world.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use tasklife::{MAX_TIME, Now};

/// A clock that starts at the true time and never goes back.
pub(crate) struct Clock {
    start: Now,
    started: Instant,
    speed: f64,
}

impl Clock {
    /// A clock of so many seconds a second.
    pub(crate) fn starting_now(speed: f64) -> Self {
        Self { start: Utc::now(), started: Instant::now(), speed }
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    pub(crate) fn now(&self) -> Now {
        let passed = self.started.elapsed().as_secs_f64() * self.speed;
        // What is too long to be told is the end of time.
        let passed = Duration::try_from_secs_f64(passed).ok();
        let passed = passed.and_then(|passed| TimeDelta::from_std(passed).ok());
        passed.and_then(|passed| self.start.checked_add_signed(passed)).unwrap_or(MAX_TIME)
    }
}
