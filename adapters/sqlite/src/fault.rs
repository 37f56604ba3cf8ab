//! What can go wrong with the file, in words.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use rusqlite::ErrorCode;
use tasklife::{ApplyError, BackendError, ListError, RecordError, SubmitError, TaskId, TaskStatus};

/// A failure of the engine, or what can't be read in the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{}", words(.0))]
    Engine(#[from] rusqlite::Error),
    #[error(
        "the record of task {id} can't be read: it is damaged, or was written by a newer version"
    )]
    Json { id: TaskId, source: serde_json::Error },
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("expected the record of task {id}, got that of task {got}: the file is damaged")]
    Foreign { id: TaskId, got: TaskId },
    #[error(
        "expected the record of task {id} in {expected}, as its row says, got it in {got}: the file is damaged"
    )]
    Status { id: TaskId, expected: TaskStatus, got: TaskStatus },
    #[error("account {account} has a task that can't be handed out")]
    OfAccount { account: String, source: Box<Fault> },
    #[error("expected {0}, got something else: the file is damaged")]
    Damaged(&'static str),
    #[error("another call in the same transaction failed, and took it back")]
    TakenBack(#[source] Shared),
    #[error("a thread of the store could not be started")]
    Thread(#[source] std::io::Error),
    #[error("a thread of the store has ended")]
    ThreadEnded,
    #[error(transparent)]
    Shared(#[from] Shared),
}

/// What SQLite's codes mean for whoever runs the store.
fn words(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "expected the file to be free, got it locked for as long as may be waited for it"
        }
        Some(ErrorCode::DiskFull) => {
            "expected room on the disk, and in the file where its size is limited, got none"
        }
        Some(ErrorCode::ReadOnly) => {
            "expected a file that may be written, got one that is read-only"
        }
        Some(ErrorCode::DatabaseCorrupt) => "expected the file whole, got it damaged",
        Some(ErrorCode::NotADatabase) => "expected a file of SQLite, got another",
        Some(ErrorCode::CannotOpen) => "expected a file that can be opened or made, got none",
        Some(ErrorCode::SystemIoFailure) => "the file could not be read or written",
        _ => "SQLite failed",
    }
}

impl Fault {
    /// Whether it is a row that can't be read, and not the whole file.
    pub(crate) fn is_of_a_row(&self) -> bool {
        matches!(
            self,
            Self::Json { .. }
                | Self::Record(_)
                | Self::Foreign { .. }
                | Self::Status { .. }
                | Self::Damaged(_)
        )
    }

    /// Whether a commit that failed so may still be found done later: what was written may reach the disk.
    pub(crate) fn leaves_unknown(&self) -> bool {
        let Self::Engine(error) = self else { return false };
        !matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::ReadOnly)
        )
    }
}

/// A failure that several calls had.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Fault>);

impl From<Fault> for Shared {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Shared(shared) => shared,
            fault => Self(Arc::new(fault)),
        }
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl From<Fault> for BackendError {
    fn from(fault: Fault) -> Self {
        Self::not_applied(fault)
    }
}

/// Why a call ends without an answer: the rules refuse it, or the file fails.
#[derive(Debug)]
pub(crate) enum Stop<E> {
    Refused(E),
    Failed(Fault),
}

impl<E> From<Fault> for Stop<E> {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl<E> From<rusqlite::Error> for Stop<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

macro_rules! refused {
    ($($error:ty),+) => { $(
        impl From<$error> for Stop<$error> {
            fn from(refusal: $error) -> Self {
                Self::Refused(refusal)
            }
        }
    )+ };
}

refused!(SubmitError, ApplyError, ListError, BackendError);
