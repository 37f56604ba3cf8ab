//! The clock of the API. It may run faster than real time, stand still, or be moved on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use tasklife::{MAX_TIME, Timestamp};

/// A clock that starts at the real time. It never goes back, except when it is reset.
pub(crate) struct Clock {
    initial_speed: f64,
    reading: Mutex<Reading>,
}

/// A time of the clock, the real instant at which the clock had it, and the speed since then.
struct Reading {
    time: Timestamp,
    taken_at: Instant,
    speed: f64,
}

impl Reading {
    fn real_time(speed: f64) -> Self {
        Self { time: Utc::now(), taken_at: Instant::now(), speed }
    }

    fn now(&self) -> Timestamp {
        let passed = self.taken_at.elapsed().as_secs_f64() * self.speed;
        // A time that does not fit saturates at `MAX_TIME`.
        let passed = Duration::try_from_secs_f64(passed).unwrap_or(Duration::MAX);
        saturating_add(self.time, passed)
    }

    /// Takes a new reading, so that a change applies from now on.
    fn renew(&mut self) {
        (self.time, self.taken_at) = (self.now(), Instant::now());
    }
}

/// Returns the later time, or [`MAX_TIME`] if that is earlier.
fn saturating_add(time: Timestamp, duration: Duration) -> Timestamp {
    let sum = TimeDelta::from_std(duration).ok().and_then(|delta| time.checked_add_signed(delta));
    sum.map_or(MAX_TIME, |sum| sum.min(MAX_TIME))
}

impl Clock {
    /// Creates a clock that passes `speed` seconds for each real second. With 0 it stands still.
    pub(crate) fn starting_now(speed: f64) -> Self {
        Self { initial_speed: speed, reading: Mutex::new(Reading::real_time(speed)) }
    }

    pub(crate) fn speed(&self) -> f64 {
        self.reading().speed
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.reading().now()
    }

    pub(crate) fn advance(&self, duration: Duration) {
        let mut reading = self.reading();
        reading.renew();
        reading.time = saturating_add(reading.time, duration);
    }

    pub(crate) fn set_speed(&self, speed: f64) {
        let mut reading = self.reading();
        reading.renew();
        reading.speed = speed;
    }

    /// Sets the clock to the real time and its initial speed.
    pub(crate) fn reset(&self) {
        *self.reading() = Reading::real_time(self.initial_speed);
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
