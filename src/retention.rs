//! How long a task is kept.

use core::time::Duration;

use chrono::TimeDelta;

use crate::status::TaskStatus;
use crate::time::{MAX_TIME, Now, clamp_time};

/// How long a task is kept, and from when the time is counted.
///
/// | | counted from | a task that is not done |
/// |---|---|---|
/// | [`since_submission`](Self::since_submission) | the submission, however recent the latest update | expires like any other |
/// | [`since_update`](Self::since_update) | the latest event | expires where nothing happens to it for the period |
/// | [`since_end`](Self::since_end) | the end | never expires |
///
/// The default is the documented one: [`Retention::DAYS`] days from the submission. A task is there until
/// the nanosecond before its `expires_at`.
///
/// ```
/// use tasklife::{MAX_TIME, Retention, TaskStatus};
///
/// let submitted = "2019-08-08T06:49:15.929Z".parse()?;
/// let expires = Retention::default().after_submission(submitted);
/// assert_eq!(expires.to_rfc3339(), "2019-08-18T06:49:15.929+00:00");
///
/// let a_day = std::time::Duration::from_hours(24);
/// let from_the_end = Retention::since_end(a_day);
/// assert_eq!(from_the_end.after_submission(submitted), MAX_TIME);
/// let ended = "2019-09-01T12:00:00Z".parse()?;
/// let expires = from_the_end.after_event(MAX_TIME, TaskStatus::ProcessingCompleted, ended);
/// assert_eq!(expires.to_rfc3339(), "2019-09-02T12:00:00+00:00");
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retention {
    period: Duration,
    counted_from: CountedFrom,
    input_until_end: bool,
}

/// From when a task's period is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum CountedFrom {
    #[default]
    Submission,
    Update,
    End,
}

impl Retention {
    /// The days for which the Redis Cloud API lists a task after its submission.
    pub const DAYS: u32 = 10;

    /// Keeps a task for `period` from its submission. With a period of zero, every submission is
    /// refused as expired at birth; one that is longer than time lasts ends with it, at
    /// [`MAX_TIME`](crate::MAX_TIME).
    #[must_use]
    pub const fn since_submission(period: Duration) -> Self {
        Self::counted_from(period, CountedFrom::Submission)
    }

    /// Keeps a task for `period` from its latest event. An event never brings the end nearer, even
    /// one that a slow clock dates before the last.
    #[must_use]
    pub const fn since_update(period: Duration) -> Self {
        Self::counted_from(period, CountedFrom::Update)
    }

    /// Keeps a task for `period` from its end. What has not ended never expires: its `expires_at` is
    /// [`MAX_TIME`](crate::MAX_TIME). With a period of zero, every submission is refused as expired at birth.
    ///
    /// So nothing but its end makes room for another: a store that is full of tasks that nobody works on
    /// refuses submissions for good. Limit the [unfinished tasks of an
    /// account](crate::StoreConfig::with_max_open), and let tasks be [taken
    /// over](crate::StoreConfig::with_takeover_after), which ends those that kill their workers.
    ///
    /// The end is at its event's `now`, or at the store's horizon where that is later: a task that is ended by
    /// a clock that is behind is not gone at once.
    #[must_use]
    pub const fn since_end(period: Duration) -> Self {
        Self::counted_from(period, CountedFrom::End)
    }

    pub(crate) const fn counted_from(period: Duration, counted_from: CountedFrom) -> Self {
        Self { period, counted_from, input_until_end: false }
    }

    /// Lets go of a task's [input](crate::Task::input) when the task ends: no worker needs it any more,
    /// and requests hold secrets. By default it is kept as long as the task.
    ///
    /// In its place a digest is kept (16 bytes of SHA-1, as a UUID of version 5), so that a request that
    /// is made again is still [told](crate::Submission::is_repeat_of) from another under the same id. The same
    /// input has the same digest everywhere, so that one of few possible values can be guessed. To make the
    /// digest of large JSON takes time and memory while the task's account is locked: 0.2 seconds and 45 MB for
    /// a MiB of one-digit numbers.
    #[must_use]
    pub const fn with_input_until_end(mut self) -> Self {
        self.input_until_end = true;
        self
    }

    /// How long a task is kept.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period
    }

    /// Whether a task's input is let go at [its end](Self::with_input_until_end).
    #[must_use]
    pub const fn drops_input_at_end(self) -> bool {
        self.input_until_end
    }

    /// When a task expires that is submitted `now`.
    #[must_use]
    pub fn after_submission(self, now: Now) -> Now {
        match self.counted_from {
            CountedFrom::Submission | CountedFrom::Update => self.period_after(now),
            // Where nothing is kept, nothing is taken in either.
            CountedFrom::End if self.period.is_zero() => clamp_time(now),
            CountedFrom::End => MAX_TIME,
        }
    }

    /// When a task expires that would have expired at `expires_at`, and that an event `now` has brought
    /// to a status, or left in it. After its end it has no event.
    #[must_use]
    #[inline]
    pub fn after_event(self, expires_at: Now, status: TaskStatus, now: Now) -> Now {
        match self.counted_from {
            CountedFrom::Submission => expires_at,
            CountedFrom::Update => self.period_after(now).max(expires_at),
            CountedFrom::End if status.is_terminal() => self.period_after(now),
            CountedFrom::End => MAX_TIME,
        }
    }

    /// When a task expires that would have expired at `expires_at`, and has an event `now`. One that has no end in
    /// sight, as another retention wanted it, gets one here, which is not over yet.
    pub(crate) fn in_sight(
        self,
        expires_at: Now,
        submitted_at: Now,
        updated_at: Now,
        now: Now,
    ) -> Now {
        match self.counted_from {
            CountedFrom::Submission if expires_at == MAX_TIME => {
                self.period_after(submitted_at.max(now))
            }
            CountedFrom::Update if expires_at == MAX_TIME => self.period_after(updated_at),
            _ => expires_at,
        }
    }

    /// Whether the period is counted from the [end](Self::since_end): then a store has to know its horizon for
    /// an event that ends a task.
    #[must_use]
    pub const fn is_since_end(self) -> bool {
        matches!(self.counted_from, CountedFrom::End)
    }

    /// From when the period of an event is counted, of a call that is made `now` at an instant: the later of
    /// `now` and the horizon.
    pub(crate) fn count_from(self, now: Now, instant: Now) -> Now {
        if self.counted_from == CountedFrom::End { instant } else { now }
    }

    fn period_after(self, now: Now) -> Now {
        let period = TimeDelta::from_std(self.period).ok();
        let end = period.and_then(|period| clamp_time(now).checked_add_signed(period));
        end.map_or(MAX_TIME, clamp_time)
    }
}

impl Default for Retention {
    /// [`Retention::DAYS`] days from the submission.
    fn default() -> Self {
        Self::since_submission(Duration::from_hours(24 * u64::from(Self::DAYS)))
    }
}
