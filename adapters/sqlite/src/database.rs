//! Opening, creating, recognizing and migrating the file.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fmt, fs};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use tasklife::kit::instant_to_bytes;
use tasklife::{MIN_TIME, StoreConfig};

use crate::fault::Fault;
use crate::tables::Tables;

/// The application id in the header of this crate's files: "task" in ASCII.
const APPLICATION_ID: i32 = 0x7461_736b;

/// The steps from each version of the schema to the next, the first from an empty file.
///
/// The version of a file is the number of steps taken. A released step never changes in effect.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// The number of compiled statements that a connection keeps: more than there are.
const STATEMENT_CACHE: usize = 64;

/// The page cache of a connection, in KiB.
const PAGE_CACHE: i64 = 16 * 1024;

/// The longest time that SQLite can wait, about 24 days.
const MAX_TIMEOUT: Duration = Duration::from_millis(i32::MAX.cast_unsigned() as u64);

/// What a write waits for before it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The disk (the default).
    ///
    /// Nothing that was acknowledged is lost, as long as the disk keeps what it reports as written.
    #[default]
    Disk,
    /// The operating system.
    ///
    /// A process that ends or is killed loses nothing. A power cut or a crash of the system may
    /// lose the latest acknowledged writes, but leaves the file intact.
    System,
}

/// The path of the database, and the options to open it with.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    /// `None` for a database in memory.
    pub(crate) path: Option<PathBuf>,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    pub(crate) max_bytes: Option<u64>,
}

/// The reason why opening a store failed. The file is unchanged.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    fault: OpenFault,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.fault)
    }
}

impl Error for OpenError {
    /// Returns the error of SQLite or of the operating system, if one caused this.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFault {
    #[error("expected a file of tasklife-sqlite, got a database of another program")]
    Foreign,
    #[error(
        "expected a file of version {known} or earlier, got version {got}: a newer version of \
         tasklife-sqlite wrote it",
        known = MIGRATIONS.len()
    )]
    Newer { got: i64 },
    #[error("expected a writable file, got a read-only one")]
    ReadOnly,
    #[error(
        "expected a file system that supports SQLite's write-ahead log, got the journal mode {0}"
    )]
    NoLog(String),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<rusqlite::Error> for OpenFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl Location {
    /// Opens the connection that writes, and creates or migrates the file.
    ///
    /// Accounts that were parked under another configuration become ready.
    pub(crate) fn open(&self, config: &StoreConfig) -> Result<Connection, OpenError> {
        self.try_open(config).map_err(|fault| self.error(fault))
    }

    /// Opens a connection that reads. It does not create the file again if that is gone.
    pub(crate) fn open_reader(&self) -> Result<Connection, Fault> {
        let connection = self.connect(OpenFlags::empty())?;
        enable_checkpoint_on_close(&connection)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    pub(crate) fn error(&self, fault: impl Into<OpenFault>) -> OpenError {
        let fault = fault.into();
        let path = self.path.as_deref().unwrap_or(Path::new("a database in memory"));
        OpenError { path: path.into(), fault }
    }

    /// Opens a connection.
    ///
    /// If there was a log beside the file, closing the connection leaves it unchanged: the log may
    /// belong to another program.
    fn connect(&self, create: OpenFlags) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let has_log = self.path.as_deref().is_some_and(has_log);
        let connection = match &self.path {
            // SQLite treats some names, such as `:memory:`, specially unless a folder comes first.
            Some(path) => Connection::open_with_flags(Path::new(".").join(path), flags)?,
            None => Connection::open_in_memory_with_flags(flags)?,
        };
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
        connection.busy_timeout(self.busy_timeout.min(MAX_TIMEOUT))?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        // Make plans independent of values. Otherwise SQLite recompiles statements for other
        // values.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "cache_size", -PAGE_CACHE)?;
        let synchronous = match self.durability {
            Durability::Disk => "FULL",
            Durability::System => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        if let Some(bytes) = self.max_bytes {
            let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
            connection.pragma_update(None, "max_page_count", pages.max(1))?;
        }
        Ok(connection)
    }

    fn try_open(&self, config: &StoreConfig) -> Result<Connection, OpenFault> {
        let mut connection = self.connect(OpenFlags::SQLITE_OPEN_CREATE)?;
        // Write nothing to the file before it is known to be a store's.
        version_now(&connection)?;
        if connection.is_readonly(rusqlite::MAIN_DB)? {
            return Err(OpenFault::ReadOnly);
        }
        enable_checkpoint_on_close(&connection)?;
        let mode = self.enable_log(&connection)?;
        if self.path.is_some() && mode != "wal" {
            return Err(OpenFault::NoLog(mode));
        }
        migrate(&mut connection)?;
        if !Tables::new(&connection).are_parked_under(config)? {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            Tables::new(&transaction).park_under(config)?;
            transaction.commit()?;
        }
        // From here on, `writer::begin` waits instead of SQLite.
        connection.busy_timeout(Duration::ZERO)?;
        Ok(connection)
    }

    /// Enables the write-ahead log, and returns the journal mode.
    ///
    /// If several connections do this to a new file at once, SQLite fails in some of them without
    /// waiting. Those wait here.
    fn enable_log(&self, connection: &Connection) -> rusqlite::Result<String> {
        let begin = Instant::now();
        loop {
            let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
                row.get::<_, String>(0)
            });
            match mode {
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && begin.elapsed() < self.busy_timeout =>
                {
                    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
                }
                mode => return mode,
            }
        }
    }
}

/// Returns whether the log beside a file has contents. A link is resolved first.
fn has_log(path: &Path) -> bool {
    let file = fs::canonicalize(path);
    let mut log = file.as_deref().unwrap_or(path).as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Restores SQLite's default: the last connection to close moves the log into the file.
fn enable_checkpoint_on_close(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

/// Reads the version of a file in a transaction, because another process may be creating the file.
fn version_now(connection: &Connection) -> Result<usize, OpenFault> {
    let snapshot = connection.unchecked_transaction()?;
    let version = version(&snapshot)?;
    snapshot.finish()?;
    Ok(version)
}

/// Reads the version of a file, 0 for a new one. The caller has begun a transaction.
fn version(connection: &Connection) -> Result<usize, OpenFault> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    if application == i64::from(APPLICATION_ID) {
        let known = usize::try_from(version).ok().filter(|version| *version <= MIGRATIONS.len());
        return known.ok_or(OpenFault::Newer { got: version });
    }
    let tables: i64 =
        connection.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && version == 0 && tables == 0 { Ok(0) } else { Err(OpenFault::Foreign) }
}

/// Takes all missing steps in one transaction, while other processes wait.
fn migrate(connection: &mut Connection) -> Result<(), OpenFault> {
    if version_now(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction)?;
    for step in MIGRATIONS.iter().skip(version) {
        transaction.execute_batch(step)?;
    }
    if version == 0 {
        transaction.execute(
            "INSERT INTO store (id, horizon, floor, last_ticket, tasks, parked_under)
             VALUES (1, ?1, 0, 0, 0, '')",
            [instant_to_bytes(MIN_TIME)],
        )?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(
        None,
        "user_version",
        i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX),
    )?;
    transaction.commit()?;
    Ok(())
}

/// Executes a statement without values, and keeps it compiled.
pub(crate) fn execute(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}
