//! The store: its connections and threads, and how calls reach them.

mod futures;
mod methods;

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use tasklife::kit::Call;
use tasklife::{
    AccountId, ApplyError, BackendError, Census, Change, Claimed, ListError, ListQuery, Notifier,
    Page, Revision, Scope, StoreConfig, StoreFuture, Submission, SubmitError, Submitted, Swept,
    Target, Task, TaskEvent, TaskId, Timestamp,
};

use crate::calls::{self, Step};
use crate::database::{Location, OpenError};
use crate::fault::{CallError, Fault};
use crate::readers::{BlockingPool, Readers};
use crate::tables::Tables;
use crate::watcher::Watcher;
use crate::writer::Writer;

/// The largest number of tasks that a sweep drops before other calls may write.
const SWEEP_BATCH: usize = 1_000;

/// A task store in an SQLite file, for any number of threads and processes of one machine.
///
/// It implements [`TaskStore`](tasklife::TaskStore) and
/// [`AsyncTaskStore`](tasklife::AsyncTaskStore). Clones share the store. All processes that open a
/// file must use the same [`StoreConfig`].
///
/// ```
/// use tasklife::{AccountId, CommandType, StoreConfig, Submission, TaskId, TaskStore};
/// use tasklife_sqlite::SqliteStore;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("tasks.db");
/// let store = SqliteStore::open(&path, StoreConfig::default())?;
/// let now = "2026-01-01T12:00:00Z".parse()?;
/// let account: AccountId = "acme".parse()?;
/// let id = TaskId::for_key(&account, "order-7f3a");
/// let create = CommandType::from_static("databaseCreateRequest");
/// store.submit(Submission::new(account.clone(), id, create), now)?;
/// drop(store); // or the process is killed
///
/// let store = SqliteStore::open(&path, StoreConfig::default())?;
/// assert!(store.get(&account, id, now)?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # How it keeps the laws
///
/// Calls that write run one at a time, over all processes, and each is atomic. A call that reads
/// sees the file at one moment.
///
/// Each store has one thread that writes. It commits the calls that waited for it together, so that
/// they share one transaction and one write to the disk. If one of them fails, it alone is rolled
/// back. A call returns after its commit.
///
/// Revisions keep up with time ([`Revision::unreached_by`](tasklife::Revision::unreached_by)). A
/// revision that was lost in a power cut, or because an older copy of the file was restored, is
/// never given to something else.
///
/// # Blocking
///
/// The futures run on any executor and never block it. The thread that writes makes the writes, and
/// a pool of four threads makes the reads and waits for sweeps. The methods of
/// [`TaskStore`](tasklife::TaskStore) block the calling thread. A write blocks until it is
/// committed.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: StoreConfig,
    _watcher: Option<Watcher>,
    /// `None` for a store in memory, which has only one connection.
    readers: Option<Arc<Readers>>,
    /// Started by the first future that needs it.
    pool: OnceLock<BlockingPool>,
    notifier: Notifier,
    /// Dropped after the connections that read. It completes the pending writes, and the last
    /// connection to close moves the log into the file.
    writer: Writer,
}

impl SqliteStore {
    /// Returns the configuration of the store.
    #[must_use]
    pub fn config(&self) -> &StoreConfig {
        &self.shared.config
    }

    /// Counts the tasks and accounts at one moment, for metrics and for finding work after a
    /// restart.
    ///
    /// This blocks, for a time that grows with the number of all tasks and accounts.
    ///
    /// # Errors
    ///
    /// Returns [`BackendError`] if the file fails, or if the record of the longest-waiting task of
    /// an account can't be read.
    pub fn census(&self, now: Timestamp) -> Result<Census, BackendError> {
        self.read(move |tables, config| {
            let call = Call::new(config, tables.store()?.horizon, now);
            Ok(tables.census(call.effective_now())?)
        })
    }

    /// Lists accounts that hold tasks, expired or not, in the order of their names.
    ///
    /// Returns at most `limit` accounts: the first, or those that come after `after`. This blocks, for a
    /// time that grows only with the number of accounts returned.
    ///
    /// # Errors
    ///
    /// Returns [`BackendError`] if the file fails.
    pub fn accounts(
        &self,
        after: Option<&AccountId>,
        limit: NonZeroUsize,
    ) -> Result<Vec<AccountId>, BackendError> {
        let after = after.cloned();
        self.read(move |tables, _| Ok(tables.accounts(after.as_ref(), limit)?))
    }

    pub(crate) fn open_at(location: Location, config: StoreConfig) -> Result<Self, OpenError> {
        let connection = location.open(&config)?;
        let notifier = Notifier::default();
        let in_memory = location.path.is_none();
        let watcher = if in_memory {
            None
        } else {
            let reader = location.open_reader().map_err(|fault| location.error(fault))?;
            let started = Watcher::start(reader, notifier.clone()).map_err(Fault::Thread);
            Some(started.map_err(|fault| location.error(fault))?)
        };
        let writer = Writer::start(connection, location.busy_timeout, notifier.clone())
            .map_err(Fault::Thread)
            .map_err(|fault| location.error(fault))?;
        let readers = (!in_memory).then(|| Arc::new(Readers::new(location)));
        let pool = OnceLock::new();
        let shared = Shared { config, writer, readers, pool, notifier, _watcher: watcher };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs a call on the thread that writes. `may_make_work` decides whether its answer wakes
    /// workers.
    fn write<X, E>(
        &self,
        work: impl FnOnce(Tables<'_>, &StoreConfig) -> Result<X, CallError<E>> + Send + 'static,
        may_make_work: fn(&X) -> bool,
    ) -> oneshot::Receiver<Result<X, E>>
    where
        X: Send + 'static,
        E: From<BackendError> + Send + 'static,
    {
        let config = self.shared.config;
        self.shared.writer.call(move |tables| work(tables, &config), may_make_work)
    }

    fn send_submission(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> oneshot::Receiver<Result<Submitted, SubmitError>> {
        self.write(
            move |tables, config| calls::submit(tables, config, submission, now),
            |submitted| matches!(submitted, Submitted::New(_)),
        )
    }

    fn send_event(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> oneshot::Receiver<Result<Change, ApplyError>> {
        let target = OwnedTarget::from(target);
        self.write(
            move |tables, config| calls::apply(tables, config, target.target(), event, now),
            Change::may_make_work,
        )
    }

    fn send_claim(
        &self,
        scope: Scope<'_>,
        now: Timestamp,
    ) -> oneshot::Receiver<Result<Step<Option<Claimed>>, BackendError>> {
        let account = match scope {
            Scope::Any => None,
            Scope::Account(account) => Some(account.clone()),
        };
        self.write(
            move |tables, config| {
                let scope = account.as_ref().map_or(Scope::Any, Scope::Account);
                calls::claim(tables, config, scope, now)
            },
            |step| match step {
                Step::Done(Some(claimed)) => claimed.change().may_make_work(),
                Step::Done(None) | Step::Again => false,
            },
        )
    }

    fn send_sweep(
        &self,
        limit: usize,
        now: Timestamp,
    ) -> oneshot::Receiver<Result<Swept, BackendError>> {
        self.write(move |tables, config| calls::sweep(tables, config, limit, now), |_| false)
    }

    fn read_task(
        &self,
        account: AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        self.read(move |tables, _| Ok(tables.get(&account, id, now)?))
    }

    fn read_page(
        &self,
        account: AccountId,
        query: ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        self.read(move |tables, config| calls::list(tables, config, &account, &query, now))
    }

    /// Runs a call that reads on this thread, or on the thread that writes for a store in memory.
    fn read<X, E>(
        &self,
        work: impl FnOnce(Tables<'_>, &StoreConfig) -> Result<X, CallError<E>> + Send + 'static,
    ) -> Result<X, E>
    where
        X: Send + 'static,
        E: From<BackendError> + Send + 'static,
    {
        let Some(readers) = &self.shared.readers else {
            return answered(self.write(work, |_| false).recv());
        };
        readers.read(|tables| work(tables, &self.shared.config)).map_err(|error| match error {
            CallError::Refused(refusal) => refusal,
            CallError::Failed(fault) => BackendError::from(fault).into(),
        })
    }

    /// Runs a blocking call on the pool of threads.
    fn run_blocking<X, E>(
        &self,
        work: impl FnOnce(&Self) -> Result<X, E> + Send + 'static,
    ) -> StoreFuture<'_, X, E>
    where
        X: Send + 'static,
        E: From<BackendError> + Send + 'static,
    {
        Box::pin(async move {
            let pool = if let Some(pool) = self.shared.pool.get() {
                pool
            } else {
                let started =
                    BlockingPool::start().map_err(Fault::Thread).map_err(BackendError::from)?;
                self.shared.pool.get_or_init(|| started)
            };
            let store = self.clone();
            answered(pool.run(move || work(&store)).await)
        })
    }
}

/// Returns the answer of a thread. If the thread ended without one, the outcome is unknown.
fn answered<X, E: From<BackendError>>(
    answer: Result<Result<X, E>, oneshot::RecvError>,
) -> Result<X, E> {
    answer.unwrap_or_else(|_| Err(BackendError::unknown(Fault::ThreadEnded).into()))
}

/// An owned [`Target`], for the thread that writes.
struct OwnedTarget {
    account: AccountId,
    id: TaskId,
    revision: Option<Revision>,
}

impl From<Target<'_>> for OwnedTarget {
    fn from(target: Target<'_>) -> Self {
        let (account, id) = (target.account().clone(), target.id());
        Self { account, id, revision: target.revision() }
    }
}

impl OwnedTarget {
    fn target(&self) -> Target<'_> {
        match self.revision {
            Some(revision) => Target::at(&self.account, self.id, revision),
            None => Target::latest(&self.account, self.id),
        }
    }
}
