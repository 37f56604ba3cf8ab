//! Counts of what a store holds.

use core::time::Duration;

use crate::status::TaskStatus;
use crate::task::Task;
use crate::time::{Timestamp, clamp_time};

/// Counts of what a store holds, for metrics, and for finding work after a restart.
///
/// [`LocalStore::census`](crate::LocalStore::census) and `MemoryStore::census` return one. If you
/// implement a store, build one [task by task](Self::record), or from [counts](Self::with_visible)
/// that you have. [Add up](Self::add) the censuses of the store's parts.
///
/// ```
/// use tasklife::{LocalStore, Submission, TaskStatus};
///
/// let mut store = LocalStore::default();
/// let (begin, now) = ("2026-01-01T12:00:00Z".parse()?, "2026-01-01T12:00:42Z".parse()?);
/// let id = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
/// let create = "subscriptionCreateRequest".parse()?;
/// store.submit(Submission::new("acme".parse()?, id, create), begin)?;
///
/// let census = store.census(now);
/// assert_eq!(census.visible(TaskStatus::Received), 1);
/// assert_eq!((census.queued(), census.open()), (1, 1));
/// assert_eq!((census.held(), census.accounts()), (1, 1));
/// assert_eq!(census.longest_wait(now).map(|wait| wait.as_secs()), Some(42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    visible: [usize; TaskStatus::ALL.len()],
    expired: usize,
    accounts: usize,
    oldest_waiting: Option<Task>,
}

impl Census {
    /// Creates the census of an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a task that the store holds, visible or expired at `effective_now`: the later of the
    /// caller's `now` and the store's horizon.
    ///
    /// This doesn't count accounts, because a task doesn't show whether its account has been counted
    /// already. Set the number of accounts with [`with_accounts`](Self::with_accounts).
    ///
    /// ```
    /// use tasklife::{Census, Task, Timestamp};
    ///
    /// fn census_of(rows: &[Task], accounts: usize, effective_now: Timestamp) -> Census {
    ///     let mut census = Census::new().with_accounts(accounts);
    ///     for task in rows {
    ///         census.record(task, effective_now);
    ///     }
    ///     census
    /// }
    /// # assert_eq!(census_of(&[], 0, tasklife::MIN_TIME), Census::default());
    /// ```
    pub fn record(&mut self, task: &Task, effective_now: Timestamp) {
        if !task.is_visible_at(clamp_time(effective_now)) {
            self.expired = self.expired.saturating_add(1);
            return;
        }
        let status = task.status();
        let visible = &mut self.visible[status as usize];
        *visible = visible.saturating_add(1);
        if status == TaskStatus::Received && self.is_older(task) {
            self.oldest_waiting = Some(task.clone());
        }
    }

    /// Adds the census of another part of the store, such as a shard. The two parts must have no
    /// account in common.
    pub fn add(&mut self, part: Self) {
        for (visible, more) in self.visible.iter_mut().zip(part.visible) {
            *visible = visible.saturating_add(more);
        }
        self.expired = self.expired.saturating_add(part.expired);
        self.accounts = self.accounts.saturating_add(part.accounts);
        if let Some(task) = part.oldest_waiting
            && self.is_older(&task)
        {
            self.oldest_waiting = Some(task);
        }
    }

    /// Returns whether a task has waited longer than the oldest so far.
    fn is_older(&self, task: &Task) -> bool {
        let key = |task: &Task| (task.updated_at(), task.account().clone(), task.revision());
        self.oldest_waiting.as_ref().is_none_or(|oldest| {
            task.updated_at() <= oldest.updated_at() && key(task) < key(oldest)
        })
    }

    /// Sets the number of visible tasks in a status.
    ///
    /// ```
    /// use tasklife::{Census, TaskStatus};
    ///
    /// // SELECT status, COUNT(*) ... GROUP BY status
    /// let rows = [(TaskStatus::Received, 3), (TaskStatus::ProcessingCompleted, 40)];
    /// let census = rows.into_iter().fold(Census::new(), |census, (status, count)| {
    ///     census.with_visible(status, count)
    /// });
    /// assert_eq!((census.queued(), census.held()), (3, 43));
    /// ```
    #[must_use]
    pub const fn with_visible(mut self, status: TaskStatus, count: usize) -> Self {
        self.visible[status as usize] = count;
        self
    }

    /// Sets the number of expired tasks that no sweep has dropped yet.
    #[must_use]
    pub const fn with_expired(mut self, count: usize) -> Self {
        self.expired = count;
        self
    }

    /// Sets the number of accounts that hold tasks.
    #[must_use]
    pub const fn with_accounts(mut self, count: usize) -> Self {
        self.accounts = count;
        self
    }

    /// Sets the [task that has waited longest](Self::oldest_waiting). This doesn't count it.
    #[must_use]
    pub fn with_oldest_waiting(mut self, task: Option<Task>) -> Self {
        self.oldest_waiting = task;
        self
    }

    /// Returns the number of visible tasks in a status.
    #[must_use]
    pub const fn visible(&self, status: TaskStatus) -> usize {
        self.visible[status as usize]
    }

    /// Returns the depth of the queue: the number of visible tasks that are `received` and wait for
    /// a worker.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.visible(TaskStatus::Received)
    }

    /// Returns the number of open tasks: visible tasks that have not ended.
    #[must_use]
    pub fn open(&self) -> usize {
        let open = TaskStatus::ALL.into_iter().filter(|status| !status.is_terminal());
        open.map(|status| self.visible(status)).fold(0, usize::saturating_add)
    }

    /// Returns the number of expired tasks that no sweep has dropped yet.
    #[must_use]
    pub const fn expired(&self) -> usize {
        self.expired
    }

    /// Returns the number of tasks that the store holds, expired ones included.
    /// [`max_tasks`](crate::StoreConfig::with_max_tasks) limits it.
    #[must_use]
    pub fn held(&self) -> usize {
        self.visible.into_iter().fold(self.expired, usize::saturating_add)
    }

    /// Returns the number of accounts that hold tasks, including those whose tasks have all
    /// expired.
    #[must_use]
    pub const fn accounts(&self) -> usize {
        self.accounts
    }

    /// Returns the task that has waited longest for its first worker: the visible `received` task
    /// with the earliest [`updated_at`](Task::updated_at). Ties are broken by the name of the
    /// account, then by the lowest revision.
    #[must_use]
    pub const fn oldest_waiting(&self) -> Option<&Task> {
        self.oldest_waiting.as_ref()
    }

    /// Returns how long the [oldest waiting](Self::oldest_waiting) task has been `received` by
    /// `now`, if there is one. The wait is 0 if `now` is before that.
    #[must_use]
    pub fn longest_wait(&self, now: Timestamp) -> Option<Duration> {
        let since = self.oldest_waiting()?.updated_at();
        Some(clamp_time(now).signed_duration_since(since).to_std().unwrap_or_default())
    }
}
