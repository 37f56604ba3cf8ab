//! How long a store keeps a task.

use core::time::Duration;

use chrono::TimeDelta;

use crate::status::TaskStatus;
use crate::time::{MAX_TIME, Timestamp, clamp_time};

/// How long a store keeps a task: a period, and the event that it is counted from.
///
/// | | counted from | a task that has not ended |
/// |---|---|---|
/// | [`since_submission`](Self::since_submission) | the submission | expires like any other task |
/// | [`since_update`](Self::since_update) | the latest event | expires if it has no event for the period |
/// | [`since_end`](Self::since_end) | the end | never expires |
///
/// The default is the documented retention: [`Retention::DAYS`] days from the submission. The last
/// instant at which a task is visible is one nanosecond before its `expires_at`.
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
    drops_input_at_end: bool,
}

/// The event from which the period of a task is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum CountedFrom {
    #[default]
    Submission,
    Update,
    End,
}

impl Retention {
    /// The number of days for which the Redis Cloud API lists a task after its submission: 10.
    pub const DAYS: u32 = 10;

    /// Keeps a task for `period` from its submission.
    ///
    /// With a period of zero, a store refuses every submission as already expired. A period that
    /// would end after [`MAX_TIME`](crate::MAX_TIME) ends there.
    #[must_use]
    pub const fn since_submission(period: Duration) -> Self {
        Self::new(period, CountedFrom::Submission)
    }

    /// Keeps a task for `period` from its latest event.
    ///
    /// An event never makes a task expire earlier, even if a slow clock dates it before the last
    /// event.
    #[must_use]
    pub const fn since_update(period: Duration) -> Self {
        Self::new(period, CountedFrom::Update)
    }

    /// Keeps a task for `period` from its end. Until it ends, its `expires_at` is
    /// [`MAX_TIME`](crate::MAX_TIME), so it never expires.
    ///
    /// With a period of zero, a store refuses every submission as already expired.
    ///
    /// A store that is full of open tasks refuses all submissions until one of them ends. To avoid
    /// this, limit the [open tasks of an account](crate::StoreConfig::with_max_open). Also leave
    /// [takeovers](crate::StoreConfig::with_takeover_after) on, as they are by default: a claim
    /// gives up a task whose workers keep dying, which ends it.
    ///
    /// The period is counted from the later of the event's `now` and the store's horizon.
    /// Otherwise, a task could expire as soon as a caller with a slow clock ended it. For example,
    /// with a period of 30 minutes and the horizon at 12:00, a task that ends at 11:00 expires at
    /// 12:30, not at 11:30.
    #[must_use]
    pub const fn since_end(period: Duration) -> Self {
        Self::new(period, CountedFrom::End)
    }

    pub(crate) const fn new(period: Duration, counted_from: CountedFrom) -> Self {
        Self { period, counted_from, drops_input_at_end: false }
    }

    /// Drops a task's [input](crate::Task::input) when the task ends.
    ///
    /// By default, the input is kept as long as the task. Workers don't need it after the end, and
    /// inputs often contain secrets.
    ///
    /// A digest replaces the input: 16 bytes of SHA-1, as a version 5 UUID. It still distinguishes
    /// [a repeated request](crate::Submission::is_repeat_of) from another request with the same id.
    /// The same input has the same digest everywhere, so an input with few possible values can be
    /// guessed from it.
    ///
    /// Computing the digest of a large JSON input takes time and memory while the task's account is
    /// locked: 0.2 seconds and 45 MB for 1 MiB of one-digit numbers.
    #[must_use]
    pub const fn without_input_after_end(mut self) -> Self {
        self.drops_input_at_end = true;
        self
    }

    /// Returns the period for which a task is kept.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period
    }

    /// Returns whether a task's input is dropped [when the task ends](Self::without_input_after_end).
    #[must_use]
    pub const fn drops_input_at_end(self) -> bool {
        self.drops_input_at_end
    }

    /// Returns the expiry of a task that is submitted at `now`.
    #[must_use]
    pub fn after_submission(self, now: Timestamp) -> Timestamp {
        match self.counted_from {
            CountedFrom::Submission | CountedFrom::Update => self.end_of_period(now),
            // With a period of zero, a store must refuse the submission.
            CountedFrom::End if self.period.is_zero() => clamp_time(now),
            CountedFrom::End => MAX_TIME,
        }
    }

    /// Returns the expiry of a task after an event at `now`.
    ///
    /// `expires_at` is the expiry before the event, and `status` the status after it. If the period
    /// is counted from the [end](Self::is_since_end), a store passes the later of `now` and its
    /// horizon. An ended task has no further events.
    #[must_use]
    #[inline]
    pub fn after_event(
        self,
        expires_at: Timestamp,
        status: TaskStatus,
        now: Timestamp,
    ) -> Timestamp {
        match self.counted_from {
            CountedFrom::Submission => expires_at,
            CountedFrom::Update => self.end_of_period(now).max(expires_at),
            CountedFrom::End if status.is_terminal() => self.end_of_period(now),
            CountedFrom::End => MAX_TIME,
        }
    }

    /// Returns the expiry from which [`after_event`](Self::after_event) continues. It replaces an
    /// unlimited expiry, which an earlier [`since_end`](Self::since_end) retention set, with a
    /// limited one.
    ///
    /// Counting from `now` keeps a task that was submitted long ago from expiring at once. With
    /// [`since_update`](Self::since_update), `after_event` counts from `now`.
    pub(crate) fn limit_expiry(
        self,
        expires_at: Timestamp,
        submitted_at: Timestamp,
        updated_at: Timestamp,
        now: Timestamp,
    ) -> Timestamp {
        match self.counted_from {
            CountedFrom::Submission if expires_at == MAX_TIME => {
                self.end_of_period(submitted_at.max(now))
            }
            CountedFrom::Update if expires_at == MAX_TIME => self.end_of_period(updated_at),
            _ => expires_at,
        }
    }

    /// Returns whether the period is counted from the [end](Self::since_end).
    ///
    /// A store then needs its horizon to apply an event that ends a task.
    #[must_use]
    pub const fn is_since_end(self) -> bool {
        matches!(self.counted_from, CountedFrom::End)
    }

    /// Returns the instant from which the period is counted after an event at `now`.
    ///
    /// `effective_now` is the later of `now` and the store's horizon.
    pub(crate) fn start_of_period(self, now: Timestamp, effective_now: Timestamp) -> Timestamp {
        if self.counted_from == CountedFrom::End { effective_now } else { now }
    }

    fn end_of_period(self, start: Timestamp) -> Timestamp {
        let period = TimeDelta::from_std(self.period).ok();
        let end = period.and_then(|period| clamp_time(start).checked_add_signed(period));
        end.map_or(MAX_TIME, clamp_time)
    }
}

impl Default for Retention {
    /// Keeps a task for [`Retention::DAYS`] days from its submission.
    fn default() -> Self {
        Self::since_submission(Duration::from_hours(24 * u64::from(Self::DAYS)))
    }
}
