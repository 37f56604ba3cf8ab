//! The configuration of a store, the same for every backend.

use core::num::NonZeroU32;
use core::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike};

use crate::retention::Retention;
use crate::status::TaskStatus;
use crate::task::Task;
use crate::time::{MAX_TIME, Timestamp};

/// The configuration of a store: how long it keeps tasks, how many it may hold, and how workers
/// claim them. It is the same for every backend.
///
/// ```
/// use core::num::NonZeroU32;
/// use core::time::Duration;
/// use tasklife::StoreConfig;
///
/// let as_documented = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
/// let bounded = as_documented
///     .with_max_tasks(1_000_000)
///     .with_max_open(1_000)
///     .with_takeover_after(Duration::from_secs(60));
/// assert_eq!(bounded.max_open(), 1_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    retention: Retention,
    max_tasks: usize,
    max_open: usize,
    max_in_progress: Option<NonZeroU32>,
    takeover_after: Option<Duration>,
    max_attempts: NonZeroU32,
    max_input: usize,
    max_output: usize,
    max_bytes: usize,
}

impl Default for StoreConfig {
    /// The default configuration: retention of 10 days from the submission, up to 100,000 tasks,
    /// inputs and outputs up to 1 MiB, takeover after 30 minutes of silence, and 5 attempts. Open
    /// tasks, tasks in progress and bytes are not limited.
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            max_tasks: 100_000,
            max_open: usize::MAX,
            max_in_progress: None,
            takeover_after: Some(Duration::from_mins(30)),
            max_attempts: NonZeroU32::MIN.saturating_add(4),
            max_input: 1 << 20,
            max_output: 1 << 20,
            max_bytes: usize::MAX,
        }
    }
}

impl StoreConfig {
    /// Sets how long tasks are kept. The default is 10 days from the submission.
    ///
    /// If you open a store with another retention, each task keeps its expiry until its next event.
    /// That event sets the expiry as it does for any task of the new retention. So with
    /// [`Retention::since_submission`], the task keeps its expiry, with one exception: if it has none
    /// because [`Retention::since_end`] was set before, it expires a whole period after the event.
    #[must_use]
    pub const fn with_retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Sets how many tasks the store may hold in all, including expired ones that no sweep has
    /// dropped yet. The default is 100,000; `usize::MAX` is no limit.
    ///
    /// Ended tasks count too: 100,000 tasks kept for 10 days are 10,000 submissions a day. In
    /// memory they take 28 MB in one account, or 49 MB in an account each. Inputs and resources
    /// come on top. (`cargo run --release -p tasklife-peers --bin weigh` measures this.)
    ///
    /// A full store makes room for a submission by dropping the task that expired first. It refuses
    /// only if all its tasks are visible. See law S7 of
    /// [`TaskStore`](crate::TaskStore#visibility-and-expiry).
    #[must_use]
    pub const fn with_max_tasks(mut self, total: usize) -> Self {
        self.max_tasks = total;
        self
    }

    /// Sets how many open tasks an account may have. A task is open until it ends, and only visible
    /// tasks count. Unlimited by default.
    #[must_use]
    pub const fn with_max_open(mut self, per_account: usize) -> Self {
        self.max_open = per_account;
        self
    }

    /// Sets how many visible tasks of an account may be in progress, that is, how many tasks its
    /// lane has room for. Unlimited by default; the documented API has 1.
    #[must_use]
    pub const fn with_max_in_progress(mut self, per_account: NonZeroU32) -> Self {
        self.max_in_progress = Some(per_account);
        self
    }

    /// Sets how long a worker may be silent before its task can be taken over. Once the task's
    /// [`updated_at`](Task::updated_at) is more than this long ago, a claim gives it to another
    /// worker. The default is 30 minutes.
    ///
    /// With 60 seconds, a task that was last updated at 12:00:00 still belongs to its worker at
    /// 12:01:00. A nanosecond later it can be taken over.
    ///
    /// Each event of the task is a heartbeat, so a worker whose work takes longer sends a
    /// [report](crate::TaskEvent::report) now and then. Choose several times the interval between two
    /// reports.
    ///
    /// The task of a dead worker waits this long, even after a restart of the process. If the
    /// account's lane is full, the account's other tasks wait too.
    #[must_use]
    pub const fn with_takeover_after(mut self, silence: Duration) -> Self {
        self.takeover_after = Some(silence);
        self
    }

    /// Disables takeover. The task of a dead worker then stays in progress, and keeps its place in
    /// the lane, until it expires or your server ends it.
    #[must_use]
    pub const fn without_takeover(mut self) -> Self {
        self.takeover_after = None;
        self
    }

    /// Sets how many attempts a task gets. The start is the first attempt, and each takeover is
    /// another. The default is 5.
    ///
    /// If a task has used its [attempts](Task::attempts) and its worker falls silent again, the task
    /// is given up: [`claim`](crate::TaskStore::claim) ends it in `processing-error`, with the code
    /// [`TOO_MANY_ATTEMPTS`](crate::TaskError::too_many_attempts). So a task that crashes its
    /// workers doesn't go on crashing them for as long as it is kept.
    ///
    /// Every takeover is an attempt, including one after a restart or a deployment. Set a higher
    /// number if tasks outlast several of those.
    #[must_use]
    pub const fn with_max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the largest input of a submission, in bytes. The default is 1 MiB (2²⁰).
    #[must_use]
    pub const fn with_max_input(mut self, bytes: usize) -> Self {
        self.max_input = bytes;
        self
    }

    /// Sets the largest size of an event's description and outcome together, in bytes: its
    /// [`output_len`](crate::TaskEvent::output_len). The default is 1 MiB (2²⁰).
    ///
    /// This also bounds what a task holds apart from its input, as the description and outcome of
    /// an end replace the earlier description. The only exception is the error of a task that is
    /// given up, which has some 100 bytes.
    #[must_use]
    pub const fn with_max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// Sets how many bytes a store in memory may hold in all, including expired tasks that no sweep
    /// has dropped yet. By default, only [`max_tasks`](Self::with_max_tasks) limits the store. A
    /// store on a database ignores this limit, since the database has its own.
    ///
    /// Each task counts as its [`Task::held_bytes`]: at least 768 bytes plus its account id and
    /// command type. That is more than the memory that it takes, so the store with all its indexes
    /// stays within this limit plus 128 KiB while it fills up. After nearly all tasks have been
    /// dropped, the indexes may keep up to 115 bytes for each task that the store held at its
    /// fullest. Memory that the allocator can't return comes on top.
    ///
    /// A full store makes room as in law S7 of
    /// [`TaskStore`](crate::TaskStore#visibility-and-expiry), but drops as many expired tasks as it
    /// needs: in the order of their expiry, and all that expired at the same instant. If that isn't
    /// enough, it drops nothing and refuses a submission with
    /// [`SubmitError::StoreFull`](crate::SubmitError::StoreFull), or an event whose description and
    /// outcome need more room with [`ApplyError::StoreFull`](crate::ApplyError::StoreFull). From
    /// its submission on, each task has room for 256 bytes of them. So a heartbeat, a short error
    /// or a small result is never refused.
    #[must_use]
    pub const fn with_max_bytes(mut self, total: usize) -> Self {
        self.max_bytes = total;
        self
    }

    /// Returns how long tasks are kept.
    #[must_use]
    pub const fn retention(&self) -> Retention {
        self.retention
    }

    /// Returns how many tasks the store may hold in all.
    #[must_use]
    pub const fn max_tasks(&self) -> usize {
        self.max_tasks
    }

    /// Returns how many open tasks an account may have.
    #[must_use]
    pub const fn max_open(&self) -> usize {
        self.max_open
    }

    /// Returns how many visible tasks of an account may be in progress, if that is limited.
    #[must_use]
    pub const fn max_in_progress(&self) -> Option<NonZeroU32> {
        self.max_in_progress
    }

    /// Returns how long a worker may be silent before its task can be taken over, or `None` if tasks
    /// are not taken over.
    #[must_use]
    pub const fn takeover_after(&self) -> Option<Duration> {
        self.takeover_after
    }

    /// Returns how many attempts a task gets.
    #[must_use]
    pub const fn max_attempts(&self) -> NonZeroU32 {
        self.max_attempts
    }

    /// Returns the largest input of a submission, in bytes.
    #[must_use]
    pub const fn max_input(&self) -> usize {
        self.max_input
    }

    /// Returns the largest size of an event's description and outcome together, in bytes.
    #[must_use]
    pub const fn max_output(&self) -> usize {
        self.max_output
    }

    /// Returns how many bytes a store in memory may hold in all.
    #[must_use]
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Returns whether a task has used [all its attempts](Self::with_max_attempts), so that it is
    /// given up instead of taken over. This ignores its status.
    #[must_use]
    pub fn is_out_of_attempts(&self, task: &Task) -> bool {
        task.attempts() >= self.max_attempts.get()
    }

    /// Returns whether a task is due to be taken over at `now`, or to be [given
    /// up](Self::is_out_of_attempts): it is in progress, and its last update is more than
    /// [`takeover_after`](Self::with_takeover_after) ago. This ignores visibility.
    #[must_use]
    pub fn takeover_due(&self, task: &Task, now: Timestamp) -> bool {
        task.status() == TaskStatus::ProcessingInProgress
            && self.takeover_at(task).is_some_and(|at| now > at)
    }

    /// Returns the instant after which a task in progress is [due](Self::takeover_due) to be taken
    /// over: its last update plus [`takeover_after`](Self::with_takeover_after). An update within a
    /// leap second counts as an update at the end of that second.
    ///
    /// Returns `None` if tasks are not taken over, or if the instant is out of range. This ignores
    /// the task's status.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tasklife::*;
    /// # let id = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
    /// # let submission = Submission::new("acme".parse()?, id, "subscriptionCreateRequest".parse()?);
    /// # let now = "2019-08-08T06:49:15Z".parse()?;
    /// # let task = Task::new(submission, Retention::default(), now, AccountClock::default().next(now));
    /// let config = StoreConfig::default().with_takeover_after(Duration::from_secs(60));
    /// assert_eq!(config.takeover_at(&task), Some("2019-08-08T06:50:15Z".parse()?));
    /// assert_eq!(StoreConfig::default().without_takeover().takeover_at(&task), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn takeover_at(&self, task: &Task) -> Option<Timestamp> {
        let silence = TimeDelta::from_std(self.takeover_after?).ok()?;
        let update = task.updated_at();
        // Within a leap second, adding the silence to a later instant would give an earlier one
        // than adding it to an instant just before the leap second. So count from its end.
        let after_leap = || DateTime::from_timestamp(update.timestamp().checked_add(1)?, 0);
        let since = if update.nanosecond() < 1_000_000_000 { Some(update) } else { after_leap() };
        since?.checked_add_signed(silence).filter(|at| *at <= MAX_TIME)
    }
}
