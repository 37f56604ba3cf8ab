//! The file: how it is opened, made, recognized and brought up to date.

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

/// What the header of a file of this crate says it is: "task" in ASCII.
const APPLICATION_ID: i32 = 0x7461_736b;

/// The steps from each version of the schema to the next one, the first from nothing. A file is of the
/// version that is the number of steps taken.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// How many statements a connection keeps compiled: all that there are.
const STATEMENTS: usize = 64;

/// How much of the file a connection keeps in memory, in KiB.
const CACHE: i64 = 16 * 1024;

/// For how long SQLite can wait at the most: some 24 days.
const MAX_PATIENCE: Duration = Duration::from_millis(i32::MAX.cast_unsigned() as u64);

/// How far writes have got when they are acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// On the disk: nothing that was acknowledged is lost, as long as the disk keeps what it says it has
    /// written. The default.
    #[default]
    Disk,
    /// With the operating system. A process that ends or is killed loses nothing; a power cut, or an end of the
    /// system, may take what was acknowledged last, and leaves the file whole.
    System,
}

/// Where the database is, and how it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    /// None for one in memory.
    pub(crate) path: Option<PathBuf>,
    pub(crate) durability: Durability,
    pub(crate) patience: Duration,
    pub(crate) max_bytes: Option<u64>,
}

/// Why a store was not opened. The file is as it was.
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
    /// What SQLite says, where it is to blame.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFault {
    #[error("expected a file of tasklife-sqlite, got a database of another program")]
    Foreign,
    #[error(
        "expected a file of version {known} or before, got version {got}: it was written by a newer version \
         of tasklife-sqlite",
        known = MIGRATIONS.len()
    )]
    Newer { got: i64 },
    #[error("expected a file that may be written, got one that is read-only")]
    ReadOnly,
    #[error(
        "expected a file system on which SQLite can keep a write-ahead log, got one where it is {0}"
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
    /// Opens the file to be written; makes it where there is none, and migrates it where it is older. Accounts that
    /// were parked under another configuration are made ready.
    pub(crate) fn open(&self, config: &StoreConfig) -> Result<Connection, OpenError> {
        self.try_open(config).map_err(|fault| self.error(fault))
    }

    /// Opens another connection to the file, to read. Where the file is gone, it makes no new one.
    pub(crate) fn open_reader(&self) -> Result<Connection, Fault> {
        let connection = self.connect(OpenFlags::empty())?;
        close_log_with(&connection)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    pub(crate) fn error(&self, fault: impl Into<OpenFault>) -> OpenError {
        let fault = fault.into();
        let path = self.path.as_deref().unwrap_or(Path::new("a database in memory"));
        OpenError { path: path.into(), fault }
    }

    /// Opens a connection. When it is closed, it leaves a log that was beside the file as it is, which may
    /// be another program's.
    fn connect(&self, create: OpenFlags) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let has_log = self.path.as_deref().is_some_and(has_log);
        let connection = match &self.path {
            // To SQLite, some names that begin otherwise are not those of files.
            Some(path) => Connection::open_with_flags(Path::new(".").join(path), flags)?,
            None => Connection::open_in_memory_with_flags(flags)?,
        };
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
        connection.busy_timeout(self.patience.min(MAX_PATIENCE))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // The plan of a statement does not depend on its values: else SQLite compiles it again for others.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "cache_size", -CACHE)?;
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
        // Nothing is written to a file before it is known whose it is.
        version_now(&connection)?;
        if connection.is_readonly(rusqlite::MAIN_DB)? {
            return Err(OpenFault::ReadOnly);
        }
        close_log_with(&connection)?;
        let mode = self.turn_log_on(&connection)?;
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
        // From here on, whoever begins a transaction waits by itself.
        connection.busy_timeout(Duration::ZERO)?;
        Ok(connection)
    }

    /// Has a new file keep a write-ahead log. Where several connections do so at once, SQLite fails in some
    /// without waiting.
    fn turn_log_on(&self, connection: &Connection) -> rusqlite::Result<String> {
        let begin = Instant::now();
        loop {
            let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
                row.get::<_, String>(0)
            });
            match mode {
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && begin.elapsed() < self.patience =>
                {
                    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
                }
                mode => return mode,
            }
        }
    }
}

/// Whether something is in the log beside a file, or beside that to which a link leads.
fn has_log(path: &Path) -> bool {
    let file = fs::canonicalize(path);
    let mut log = file.as_deref().unwrap_or(path).as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Lets a connection write back the log when it is the last one to be closed, as SQLite does unless told
/// otherwise.
fn close_log_with(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

/// The version of a file at one moment: another process may be making it.
fn version_now(connection: &Connection) -> Result<usize, OpenFault> {
    let snapshot = connection.unchecked_transaction()?;
    let version = version(&snapshot)?;
    snapshot.finish()?;
    Ok(version)
}

/// The version of a file, in a transaction; 0 for one that is new.
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

/// Takes the steps that are missing: all of them or none, while other processes wait.
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

/// Executes a statement without values, which is kept compiled.
pub(crate) fn execute(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}
