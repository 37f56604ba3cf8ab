//! The store in memory, shared between threads.

use parking_lot::RwLock;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::local::{LocalStore, Snapshot, SnapshotError};
use crate::store::{
    ApplyError, BackendError, Change, Claimed, ListError, ListQuery, Page, Scope, StoreConfig,
    SubmitError, Submitted, Swept, Target, TaskStore,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Now;

/// The store in memory: a [`LocalStore`] behind one lock, to be shared between threads.
///
/// It obeys the laws of [`TaskStore`]. Nothing fails but what the contract refuses:
/// [`BackendError`] never occurs. Expired tasks are held until they are [swept](TaskStore::sweep), or
/// make room for others in a [full](StoreConfig::with_max_tasks) store. What is in memory is gone with
/// the process, unless a [`snapshot`](Self::snapshot) was saved.
///
/// ```
/// use tasklife::{MemoryStore, StoreConfig};
///
/// let store = MemoryStore::new(StoreConfig::default().with_max_tasks(1_000_000));
/// let saved = serde_json::to_string(&store.snapshot())?;
/// let now = "2026-01-01T00:00:00Z".parse()?; // when it is restored
/// let restored = MemoryStore::restore(*store.config(), serde_json::from_str(&saved)?, now)?;
/// assert!(restored.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    config: StoreConfig,
    local: RwLock<LocalStore>,
}

impl Default for MemoryStore {
    /// An empty store of the default configuration.
    fn default() -> Self {
        Self::new(StoreConfig::default())
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        Self::from(LocalStore::new(config))
    }

    /// The store's configuration.
    #[must_use]
    pub const fn config(&self) -> &StoreConfig {
        &self.config
    }

    /// How many tasks the store holds, the expired ones that no sweep has dropped yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.local.read().len()
    }

    /// Whether the store holds no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.local.read().is_empty()
    }

    /// The store's whole content at one moment. Writers wait while it is taken, and readers that
    /// come after a writer.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.local.read().snapshot()
    }

    /// The store whose content was saved, restored `now`. What that means for revisions, and for tasks
    /// that were in progress, says [`LocalStore::restore`].
    ///
    /// # Errors
    /// As there.
    pub fn restore(
        config: StoreConfig,
        snapshot: Snapshot,
        now: Now,
    ) -> Result<Self, SnapshotError> {
        LocalStore::restore(config, snapshot, now).map(Self::from)
    }
}

impl From<LocalStore> for MemoryStore {
    fn from(local: LocalStore) -> Self {
        Self { config: *local.config(), local: RwLock::new(local) }
    }
}

impl TaskStore for MemoryStore {
    fn submit(&self, submission: Submission, now: Now) -> Result<Submitted, SubmitError> {
        self.local.write().submit(submission, now)
    }

    fn apply(&self, target: Target<'_>, event: TaskEvent, now: Now) -> Result<Change, ApplyError> {
        self.local.write().apply(target, event, now)
    }

    fn claim(&self, scope: Scope<'_>, now: Now) -> Result<Option<Claimed>, BackendError> {
        self.local.write().claim(scope, now)
    }

    fn get(&self, account: &AccountId, id: TaskId, now: Now) -> Result<Option<Task>, BackendError> {
        self.local.read().get(account, id, now)
    }

    fn list(&self, account: &AccountId, query: &ListQuery, now: Now) -> Result<Page, ListError> {
        self.local.read().list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Now) -> Result<Swept, BackendError> {
        self.local.write().sweep(limit, now)
    }
}
