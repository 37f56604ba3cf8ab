//! How long a task is kept.

use core::time::Duration;

use chrono::TimeDelta;

use crate::time::{MAX_TIME, Now, clamp_time};

/// How long a task is kept, and from when the time is counted.
///
/// The default is the documented one: [`Retention::DAYS`] days from the submission, however recent
/// the latest update. A task is there until the nanosecond before its `expires_at`.
///
/// ```
/// use tasklife::Retention;
///
/// let submitted = "2019-08-08T06:49:15.929Z".parse()?;
/// let expires = Retention::default().after_submission(submitted);
/// assert_eq!(expires.to_rfc3339(), "2019-08-18T06:49:15.929+00:00");
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retention {
    period: Duration,
    counted_from: CountedFrom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CountedFrom {
    Submission,
    Update,
}

impl Retention {
    /// The days for which the Redis Cloud API lists a task after its submission.
    pub const DAYS: u32 = 10;

    /// Keeps a task for `period` from its submission. With a period of zero, every submission is
    /// refused as expired at birth; one that is longer than time lasts ends with it, at
    /// [`MAX_TIME`](crate::MAX_TIME).
    #[must_use]
    pub const fn since_submission(period: Duration) -> Self {
        Self { period, counted_from: CountedFrom::Submission }
    }

    /// Keeps a task for `period` from its latest event. An event never brings the end nearer, even
    /// one that a slow clock dates before the last.
    #[must_use]
    pub const fn since_update(period: Duration) -> Self {
        Self { period, counted_from: CountedFrom::Update }
    }

    /// How long a task is kept.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period
    }

    /// When a task expires that is submitted `now`.
    #[must_use]
    pub fn after_submission(self, now: Now) -> Now {
        let period = TimeDelta::from_std(self.period).ok();
        let end = period.and_then(|period| clamp_time(now).checked_add_signed(period));
        end.map_or(MAX_TIME, clamp_time)
    }

    /// When a task expires that would have expired at `expires_at` and has an event `now`.
    #[must_use]
    pub fn after_event(self, mut expires_at: Now, now: Now) -> Now {
        self.extend(&mut expires_at, now);
        expires_at
    }

    /// Puts off the end of a task that has an event `now`.
    #[inline]
    pub(crate) fn extend(self, expires_at: &mut Now, now: Now) {
        if self.counted_from == CountedFrom::Update {
            *expires_at = self.after_submission(now).max(*expires_at);
        }
    }
}

impl Default for Retention {
    /// [`Retention::DAYS`] days from the submission.
    fn default() -> Self {
        Self::since_submission(Duration::from_hours(24 * u64::from(Self::DAYS)))
    }
}
