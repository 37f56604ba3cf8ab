//! How often a worker has to be heard of.

use core::time::Duration;

use chrono::TimeDelta;

use crate::status::TaskStatus;
use crate::store::StoreConfig;
use crate::task::Task;
use crate::time::Now;

impl StoreConfig {
    /// How long a worker may be silent before it sends a heartbeat: a third of the
    /// [silence](Self::with_takeover_after) after which its task is handed out again, so that one that is
    /// late, or lost, does no harm. 10 minutes by default; `None` where tasks are not taken over.
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

    /// Whether a worker should be heard of `now`: its task is in progress, and was last updated a
    /// [third of the silence](Self::heartbeat_every) ago. For work in steps, between two of which it asks;
    /// other work has a timer beside it.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tasklife::*;
    /// # let config = StoreConfig::default().with_takeover_after(Duration::from_secs(60));
    /// # let store = MemoryStore::new(config);
    /// # let id = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
    /// # let submission = Submission::new("acme".parse()?, id, "subscriptionCreateRequest".parse()?);
    /// # let second = |second: u32| format!("2019-08-08T06:49:{second:02}Z").parse::<Now>();
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
    pub fn heartbeat_due(&self, task: &Task, now: Now) -> bool {
        let every = self.heartbeat_every().and_then(|every| TimeDelta::from_std(every).ok());
        task.status() == TaskStatus::ProcessingInProgress
            && every.is_some_and(|every| now.signed_duration_since(task.updated_at()) >= every)
    }
}
