//! The configuration of a store: one for every backend.

use core::num::NonZeroU32;
use core::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike};

use crate::retention::Retention;
use crate::status::TaskStatus;
use crate::task::Task;
use crate::time::{MAX_TIME, Now};

/// How long a store keeps tasks, how many, and how they are handed out. The same for every
/// backend.
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
    /// Retention of 10 days from the submission, up to 100,000 tasks, inputs up to 1 MiB, takeover
    /// after 30 minutes of silence, 5 attempts; and neither unfinished tasks nor tasks in progress
    /// are limited.
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
    /// Each task keeps the expiry that it has, where a store is opened with another retention. One that had none
    /// in sight, as it ran under [`Retention::since_end`], gets one with its next event: a whole period from then.
    #[must_use]
    pub const fn with_retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Sets how many tasks the store holds in all, the expired ones that no sweep has dropped yet
    /// included. 100,000 by default; `usize::MAX` is no limit.
    ///
    /// All that is kept counts, ended tasks too: 100,000 kept for 10 days are 10,000 submissions a day.
    /// In memory they take 28 MB in one account, and 49 MB where each has an account of its own; inputs
    /// and resources come on top. (`cargo run --release -p tasklife-peers --bin weigh` measures it.)
    ///
    /// A full store makes room for a submission by dropping the task that expired first; it refuses only
    /// where all that it holds is visible. Law S7 of [`TaskStore`](crate::TaskStore#life-and-death) has
    /// the details.
    #[must_use]
    pub const fn with_max_tasks(mut self, total: usize) -> Self {
        self.max_tasks = total;
        self
    }

    /// Sets how many visible tasks of an account may be unfinished. Unlimited by default.
    #[must_use]
    pub const fn with_max_open(mut self, per_account: usize) -> Self {
        self.max_open = per_account;
        self
    }

    /// Sets how many visible tasks of an account may be in progress: the width of its lane.
    /// Unlimited by default; the documented API has 1.
    #[must_use]
    pub const fn with_max_in_progress(mut self, per_account: NonZeroU32) -> Self {
        self.max_in_progress = Some(per_account);
        self
    }

    /// Sets after what silence a task in progress is handed out again: once its `updated_at` is
    /// more than that ago. 30 minutes by default.
    ///
    /// A worker that takes longer reports now and then, as each [report](crate::TaskEvent::report) is
    /// a heartbeat. Choose a few times the interval between two reports: what a dead worker left waits
    /// for so long, a restart of the process included, and so does its account, where its lane is full.
    #[must_use]
    pub const fn with_takeover_after(mut self, silence: Duration) -> Self {
        self.takeover_after = Some(silence);
        self
    }

    /// Never hands out a task again. What a dead worker left then stays in progress, and keeps its place
    /// in the lane, until it expires or the server ends it by itself.
    #[must_use]
    pub const fn without_takeover(mut self) -> Self {
        self.takeover_after = None;
        self
    }

    /// Sets how often a task is handed out at the most: started once, and taken over for the rest.
    /// 5 by default.
    ///
    /// A task that has had so many [attempts](Task::attempts) and falls silent again is given up:
    /// [`claim`](crate::TaskStore::claim) ends it in `processing-error`, with the code
    /// [`TOO_MANY_ATTEMPTS`](crate::TaskError::too_many_attempts). So a task that kills its workers does
    /// not kill all of them, one after the other, for as long as it is kept.
    ///
    /// Each takeover is an attempt, whatever silenced the worker: one after a restart or a deployment
    /// too. Where tasks outlast several of those, set it higher.
    #[must_use]
    pub const fn with_max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets how many bytes of input a submission may have. 1 MiB (2²⁰) by default.
    #[must_use]
    pub const fn with_max_input(mut self, bytes: usize) -> Self {
        self.max_input = bytes;
        self
    }

    /// Sets how many bytes the words and the outcome of an event may have: its
    /// [`output_len`](crate::TaskEvent::output_len). 1 MiB (2²⁰) by default. What a task holds besides its
    /// input is then never more, as an end takes the place of the words before it; but for the error of a task that is
    /// given up, which has some 100 bytes.
    #[must_use]
    pub const fn with_max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// Sets how many bytes a store in memory holds in all, the expired tasks that no sweep has dropped yet
    /// included. Unlimited by default, when no more than [`max_tasks`](Self::with_max_tasks) limits it. Stores
    /// on an engine don't look at it, as the engine has limits of its own.
    ///
    /// What a task counts says [`Task::held_bytes`]: at least 768 bytes and its names. That is more than it
    /// takes, so that the store with all of its indexes stays within the limit, and 128 KiB of its own, as long as
    /// it is filled. Where nearly all tasks of a fuller moment have gone and a few stay, the indexes keep up to 115
    /// bytes for each of that moment's. What the allocator can't give back comes on top.
    ///
    /// A store that is full makes room as by law S7 of [`TaskStore`](crate::TaskStore#life-and-death), of as
    /// many expired tasks as it needs: those first that expired first, and of one instant all. Where that is
    /// not enough it refuses, and drops nothing: a submission with
    /// [`SubmitError::StoreFull`](crate::SubmitError::StoreFull), and an event that has more words or a larger
    /// outcome than there is room for with [`ApplyError::StoreFull`](crate::ApplyError::StoreFull). Each task
    /// has room for 256 bytes of them from its submission on, so that a heartbeat, a short error and a small
    /// result are never refused.
    #[must_use]
    pub const fn with_max_bytes(mut self, total: usize) -> Self {
        self.max_bytes = total;
        self
    }

    /// How long tasks are kept.
    #[must_use]
    pub const fn retention(&self) -> Retention {
        self.retention
    }

    /// How many tasks the store holds in all.
    #[must_use]
    pub const fn max_tasks(&self) -> usize {
        self.max_tasks
    }

    /// How many visible tasks of an account may be unfinished.
    #[must_use]
    pub const fn max_open(&self) -> usize {
        self.max_open
    }

    /// How many visible tasks of an account may be in progress, where that is limited.
    #[must_use]
    pub const fn max_in_progress(&self) -> Option<NonZeroU32> {
        self.max_in_progress
    }

    /// After what silence a task in progress is handed out again; `None` where it never is.
    #[must_use]
    pub const fn takeover_after(&self) -> Option<Duration> {
        self.takeover_after
    }

    /// How often a task is handed out at the most.
    #[must_use]
    pub const fn max_attempts(&self) -> NonZeroU32 {
        self.max_attempts
    }

    /// How many bytes of input a submission may have.
    #[must_use]
    pub const fn max_input(&self) -> usize {
        self.max_input
    }

    /// How many bytes the words and the outcome of an event may have.
    #[must_use]
    pub const fn max_output(&self) -> usize {
        self.max_output
    }

    /// How many bytes a store in memory holds in all.
    #[must_use]
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Whether a task that is due to be taken over is to be given up instead: it was handed out as often
    /// as it [may be](Self::with_max_attempts). Its status is not looked at.
    #[must_use]
    pub fn is_out_of_attempts(&self, task: &Task) -> bool {
        task.attempts() >= self.max_attempts.get()
    }

    /// Whether a task is to be handed out again `now`, or [given up](Self::is_out_of_attempts): it is in
    /// progress, and its last update is more than the [silence](Self::with_takeover_after) ago.
    /// Visibility is not looked at.
    #[must_use]
    pub fn takeover_due(&self, task: &Task, now: Now) -> bool {
        task.status() == TaskStatus::ProcessingInProgress
            && self.takeover_at(task).is_some_and(|at| now > at)
    }

    /// The instant after which a task in progress is [due](Self::takeover_due) to be taken over: its
    /// last update and the silence. An update within a leap second counts as one at the end of it.
    /// `None` where tasks are not taken over, or where no instant is that late. The status of the
    /// task is not looked at.
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
    pub fn takeover_at(&self, task: &Task) -> Option<Now> {
        let silence = TimeDelta::from_std(self.takeover_after?).ok()?;
        let update = task.updated_at();
        // The sum of a later instant within it and a second would be earlier than that of an
        // earlier instant before it.
        let after_leap = || DateTime::from_timestamp(update.timestamp().checked_add(1)?, 0);
        let since = if update.nanosecond() < 1_000_000_000 { Some(update) } else { after_leap() };
        since?.checked_add_signed(silence).filter(|at| *at <= MAX_TIME)
    }
}
