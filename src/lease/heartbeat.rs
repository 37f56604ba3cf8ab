//! When a worker sends heartbeats.

use core::time::Duration;

use chrono::TimeDelta;

use crate::status::TaskStatus;
use crate::store::StoreConfig;
use crate::task::Task;
use crate::time::Timestamp;

impl StoreConfig {
    /// Returns the time between two heartbeats of a worker: a third of the
    /// [silence](Self::with_takeover_after) after which its task is taken over. So a late or lost
    /// heartbeat does no harm. The default is 10 minutes; `None` if tasks are not taken over.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tasklife::StoreConfig;
    /// let config = StoreConfig::default().with_takeover_after(Duration::from_secs(60));
    /// assert_eq!(config.heartbeat_every(), Some(Duration::from_secs(20)));
    /// assert_eq!(config.without_takeover().heartbeat_every(), None);
    /// ```
    #[must_use]
    pub fn heartbeat_every(&self) -> Option<Duration> {
        self.takeover_after().map(|silence| silence / 3)
    }

    /// Returns whether a heartbeat is due at `now`: the task is in progress, and was last updated
    /// at least [`heartbeat_every`](Self::heartbeat_every) ago.
    ///
    /// Call this between the steps of work that has steps. For other work, use a timer.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tasklife::*;
    /// # let config = StoreConfig::default().with_takeover_after(Duration::from_secs(60));
    /// # let store = MemoryStore::new(config);
    /// # let id = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
    /// # let submission = Submission::new("acme".parse()?, id, "subscriptionCreateRequest".parse()?);
    /// # let second = |second: u32| format!("2019-08-08T06:49:{second:02}Z").parse::<Timestamp>();
    /// # store.submit(submission, second(0)?)?;
    /// # let claimed = store.claim(Scope::Any, second(0)?)?.unwrap();
    /// # let mut lease = Lease::of(&store, claimed).unwrap();
    /// // claimed at 06:49:00
    /// assert!(!config.heartbeat_due(lease.task(), second(19)?));
    /// assert!(config.heartbeat_due(lease.task(), second(20)?));
    /// lease.heartbeat(second(20)?)?;
    /// assert!(!config.heartbeat_due(lease.task(), second(39)?));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn heartbeat_due(&self, task: &Task, now: Timestamp) -> bool {
        let every = self.heartbeat_every().and_then(|every| TimeDelta::from_std(every).ok());
        task.status() == TaskStatus::ProcessingInProgress
            && every.is_some_and(|every| now.signed_duration_since(task.updated_at()) >= every)
    }
}
