//! The time of the API, which may run faster than that of the world, stand still, or be moved on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use tasklife::{MAX_TIME, Now};

/// A clock that starts at the true time and goes back only where it begins anew.
pub(crate) struct Clock {
    /// Its speed from the start on.
    speed: f64,
    hand: Mutex<Hand>,
}

/// Where it was when, and how fast it has gone since.
struct Hand {
    at: Now,
    since: Instant,
    speed: f64,
}

impl Hand {
    fn starting_now(speed: f64) -> Self {
        Self { at: Utc::now(), since: Instant::now(), speed }
    }

    fn now(&self) -> Now {
        let passed = self.since.elapsed().as_secs_f64() * self.speed;
        // What is too long to be told is the end of time.
        let passed = Duration::try_from_secs_f64(passed).unwrap_or(Duration::MAX);
        later(self.at, passed)
    }

    /// Goes on from what it shows.
    fn go_on(&mut self) {
        (self.at, self.since) = (self.now(), Instant::now());
    }
}

fn later(now: Now, time: Duration) -> Now {
    let time = TimeDelta::from_std(time).ok();
    time.and_then(|time| now.checked_add_signed(time)).map_or(MAX_TIME, |now| now.min(MAX_TIME))
}

impl Clock {
    /// A clock of so many seconds a second; of none, it stands still.
    pub(crate) fn starting_now(speed: f64) -> Self {
        Self { speed, hand: Mutex::new(Hand::starting_now(speed)) }
    }

    pub(crate) fn speed(&self) -> f64 {
        self.hand().speed
    }

    pub(crate) fn now(&self) -> Now {
        self.hand().now()
    }

    pub(crate) fn advance(&self, time: Duration) {
        let mut hand = self.hand();
        hand.go_on();
        hand.at = later(hand.at, time);
    }

    pub(crate) fn set_speed(&self, speed: f64) {
        let mut hand = self.hand();
        hand.go_on();
        hand.speed = speed;
    }

    /// Shows the true time, at the speed of the start.
    pub(crate) fn begin_anew(&self) {
        *self.hand() = Hand::starting_now(self.speed);
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
