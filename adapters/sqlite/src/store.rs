//! The store: its file, its threads, and how calls reach them.

mod futures;
mod methods;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tasklife::kit::Call;
use tasklife::{
    AccountId, ApplyError, BackendError, Census, Change, Claimed, ListError, ListQuery, Notifier,
    Now, Page, Revision, Scope, StoreConfig, StoreFuture, Submission, SubmitError, Submitted,
    Swept, Target, Task, TaskEvent, TaskId,
};

use crate::calls::{self, Step};
use crate::database::{Durability, Location, OpenError};
use crate::fault::{Fault, Stop};
use crate::readers::{Readers, Threads};
use crate::tables::Tables;
use crate::watcher::Watcher;
use crate::writer::Writer;

/// How many tasks a sweep drops before it lets others write.
const SWEPT_AT_ONCE: usize = 1_000;

/// The store of tasks in an SQLite file: [`TaskStore`](tasklife::TaskStore) and
/// [`AsyncTaskStore`](tasklife::AsyncTaskStore) with all their laws, for any
/// number of threads and processes of one machine.
///
/// Its clones share it. All processes that open a file must do so with the same [`StoreConfig`].
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
/// A call that writes is a transaction, alone at its time in all processes; one that reads sees the file as it
/// was at one moment. A thread of the store's own writes: calls that wait for it while it commits are committed
/// together next time, so that many of them share one write to the disk. Each is answered after that.
///
/// Revisions keep up with time ([`Revision::unreached_by`](tasklife::Revision::unreached_by)): what was given
/// out, and lost with the power or as an older copy of the file was put in place, is not given out again.
///
/// # Futures
///
/// They need no particular executor, and never block it: writes are made by the thread that writes, reads by
/// four others. The methods of
/// [`TaskStore`](tasklife::TaskStore) block, as a disk does: writes until they are committed.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: StoreConfig,
    _watcher: Option<Watcher>,
    /// None in memory, where there is but one connection.
    readers: Option<Arc<Readers>>,
    threads: OnceLock<Threads>,
    notifier: Notifier,
    /// Dropped after what reads: it writes what is on its way, and the last connection that is closed moves the
    /// log into the file.
    writer: Writer,
}

/// How a store is opened, where not as [`SqliteStore::open`] does.
///
/// ```
/// use std::time::Duration;
/// use tasklife::StoreConfig;
/// use tasklife_sqlite::{Durability, SqliteOptions};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("tasks.db");
/// let store = SqliteOptions::new()
///     .with_durability(Durability::System)
///     .with_patience(Duration::from_secs(30))
///     .open(&path, StoreConfig::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    durability: Durability,
    patience: Duration,
    max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl SqliteOptions {
    /// Durability on the [disk](Durability::Disk), 5 seconds of patience, and no limit of the file's size.
    #[must_use]
    pub const fn new() -> Self {
        Self { durability: Durability::Disk, patience: Duration::from_secs(5), max_bytes: None }
    }

    /// Sets how far writes have got when they are acknowledged: on the [disk](Durability::Disk) unless set.
    #[must_use]
    pub const fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets for how long a call waits while another process writes: 5 seconds unless set. Then it fails, and
    /// nothing was applied.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how large the file may get, in bytes, the log beside it not counted: unlimited unless set. In a
    /// full one calls fail as on a full disk.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Opens the store in a file. It is made where there is none, and migrated where an older version of this
    /// crate made it.
    ///
    /// # Errors
    /// Where the file is another program's, was written by a newer version, is damaged, read-only or locked,
    /// or can't be opened. It is left as it was.
    pub fn open(
        self,
        path: impl AsRef<Path>,
        config: StoreConfig,
    ) -> Result<SqliteStore, OpenError> {
        SqliteStore::at(self.location(Some(path.as_ref())), config)
    }

    /// A store in memory, gone when the last of its clones is dropped: for tests.
    ///
    /// # Errors
    /// Where SQLite has no memory.
    pub fn in_memory(self, config: StoreConfig) -> Result<SqliteStore, OpenError> {
        SqliteStore::at(self.location(None), config)
    }

    fn location(self, path: Option<&Path>) -> Location {
        let Self { durability, patience, max_bytes } = self;
        // Connections are opened later, too, wherever the process is by then.
        let path = path.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.into()));
        Location { path, durability, patience, max_bytes }
    }
}

impl SqliteStore {
    /// Opens the store in a file, as [`SqliteOptions::open`] with the options that are set from the start.
    ///
    /// # Errors
    /// As there.
    pub fn open(path: impl AsRef<Path>, config: StoreConfig) -> Result<Self, OpenError> {
        SqliteOptions::new().open(path, config)
    }

    /// A store in memory, as [`SqliteOptions::in_memory`].
    ///
    /// # Errors
    /// As there.
    pub fn in_memory(config: StoreConfig) -> Result<Self, OpenError> {
        SqliteOptions::new().in_memory(config)
    }

    /// The store's configuration.
    #[must_use]
    pub fn config(&self) -> &StoreConfig {
        &self.shared.config
    }

    /// Counts what the store holds at one moment, for metrics and for whoever looks for work after a restart. It
    /// blocks, for a time that grows with all tasks and accounts.
    ///
    /// # Errors
    /// Where the file fails, or the record of a task can't be read that may have waited longest.
    pub fn census(&self, now: Now) -> Result<Census, BackendError> {
        self.read(move |tables, config| {
            let call = Call::new(config, tables.store()?.horizon, now);
            Ok(tables.census(call.effective_now())?)
        })
    }

    /// A page of the accounts that hold tasks, expired or not: the first ones by name that come after one, if one
    /// is given. It blocks, for a time that grows with the page alone.
    ///
    /// # Errors
    /// Where the file fails.
    pub fn accounts(
        &self,
        after: Option<&AccountId>,
        limit: NonZeroUsize,
    ) -> Result<Vec<AccountId>, BackendError> {
        let after = after.cloned();
        self.read(move |tables, _| Ok(tables.accounts(after.as_ref(), limit)?))
    }

    fn at(location: Location, config: StoreConfig) -> Result<Self, OpenError> {
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
        let rung = notifier.clone();
        let writer = Writer::start(connection, location.patience, rung)
            .map_err(Fault::Thread)
            .map_err(|fault| location.error(fault))?;
        let readers = (!in_memory).then(|| Arc::new(Readers::new(location)));
        let threads = OnceLock::new();
        let shared = Shared { config, writer, readers, threads, notifier, _watcher: watcher };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Has a call made by the thread that writes. `may_make_work` says whether it rings the notifier.
    fn write<X, E>(
        &self,
        work: impl FnOnce(Tables<'_>, &StoreConfig) -> Result<X, Stop<E>> + Send + 'static,
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
        now: Now,
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
        now: Now,
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
        now: Now,
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

    fn send_sweep(&self, limit: usize, now: Now) -> oneshot::Receiver<Result<Swept, BackendError>> {
        self.write(move |tables, config| calls::sweep(tables, config, limit, now), |_| false)
    }

    fn read_task(
        &self,
        account: AccountId,
        id: TaskId,
        now: Now,
    ) -> Result<Option<Task>, BackendError> {
        self.read(move |tables, _| Ok(tables.get(&account, id, now)?))
    }

    fn read_page(&self, account: AccountId, query: ListQuery, now: Now) -> Result<Page, ListError> {
        self.read(move |tables, config| calls::list(tables, config, &account, &query, now))
    }

    /// Makes a call that reads, on this thread.
    fn read<X, E>(
        &self,
        work: impl FnOnce(Tables<'_>, &StoreConfig) -> Result<X, Stop<E>> + Send + 'static,
    ) -> Result<X, E>
    where
        X: Send + 'static,
        E: From<BackendError> + Send + 'static,
    {
        let Some(readers) = &self.shared.readers else {
            return answered(self.write(work, |_| false).recv());
        };
        readers.read(|tables| work(tables, &self.shared.config)).map_err(|stop| match stop {
            Stop::Refused(refusal) => refusal,
            Stop::Failed(fault) => BackendError::from(fault).into(),
        })
    }

    /// Makes a call that blocks on a thread of its own.
    fn unblock<X, E>(
        &self,
        work: impl FnOnce(&Self) -> Result<X, E> + Send + 'static,
    ) -> StoreFuture<'_, X, E>
    where
        X: Send + 'static,
        E: From<BackendError> + Send + 'static,
    {
        Box::pin(async move {
            let threads = if let Some(threads) = self.shared.threads.get() {
                threads
            } else {
                let started =
                    Threads::start().map_err(Fault::Thread).map_err(BackendError::from)?;
                self.shared.threads.get_or_init(|| started)
            };
            let store = self.clone();
            answered(threads.run(move || work(&store)).await)
        })
    }
}

/// The answer of a thread, which is certain only if it came.
fn answered<X, E: From<BackendError>>(
    answer: Result<Result<X, E>, oneshot::RecvError>,
) -> Result<X, E> {
    answer.unwrap_or_else(|_| Err(BackendError::unknown(Fault::ThreadEnded).into()))
}

/// A target that outlives its caller.
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
