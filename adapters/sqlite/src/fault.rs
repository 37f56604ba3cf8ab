//! The failures of the file.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use rusqlite::ErrorCode;
use tasklife::{ApplyError, BackendError, ListError, RecordError, SubmitError, TaskId, TaskStatus};

/// A failure of SQLite, or contents of the file that can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{}", describe(.0))]
    Engine(#[from] rusqlite::Error),
    #[error(
        "the record of task {id} can't be read: it is damaged, or was written by a newer version"
    )]
    Json { id: TaskId, source: serde_json::Error },
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("expected the record of task {id}, got the record of task {got}: the file is damaged")]
    Foreign { id: TaskId, got: TaskId },
    #[error(
        "expected the record of task {id} to be {expected}, as its row says, got {got}: the file is damaged"
    )]
    Status { id: TaskId, expected: TaskStatus, got: TaskStatus },
    #[error("account {account} has a task that can't be claimed")]
    OfAccount { account: String, source: Box<Fault> },
    #[error("expected {0}, got something else: the file is damaged")]
    Damaged(&'static str),
    #[error("another call in the same transaction failed, and the transaction was rolled back")]
    RolledBack(#[source] Shared),
    #[error("a thread of the store could not be started")]
    Thread(#[source] std::io::Error),
    #[error("a thread of the store has ended")]
    ThreadEnded,
    #[error(transparent)]
    Shared(#[from] Shared),
}

/// Describes an error of SQLite to the operator of the store.
fn describe(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "expected the file to be free, got it locked by another process for longer than `with_busy_timeout` allows"
        }
        Some(ErrorCode::DiskFull) => {
            "expected room on the disk and within the file's size limit, got none"
        }
        Some(ErrorCode::ReadOnly) => "expected a writable file, got a read-only one",
        Some(ErrorCode::DatabaseCorrupt) => "expected an intact file, got a damaged one",
        Some(ErrorCode::NotADatabase) => "expected an SQLite file, got another",
        Some(ErrorCode::CannotOpen) => "expected a file that can be opened or created, got none",
        Some(ErrorCode::SystemIoFailure) => "the file could not be read or written",
        _ => "SQLite failed",
    }
}

impl Fault {
    /// Returns whether a row can't be read, although the rest of the file can.
    pub(crate) fn is_unreadable_row(&self) -> bool {
        matches!(
            self,
            Self::Json { .. }
                | Self::Record(_)
                | Self::Foreign { .. }
                | Self::Status { .. }
                | Self::Damaged(_)
        )
    }

    /// Returns whether a commit that failed in this way may turn out to be complete, because its
    /// data may still reach the disk.
    pub(crate) fn leaves_unknown(&self) -> bool {
        let Self::Engine(error) = self else { return false };
        !matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::ReadOnly)
        )
    }
}

/// A failure that several calls share.
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

/// The reason why a call failed.
#[derive(Debug)]
pub(crate) enum CallError<E> {
    /// The contract of the store refuses the call. The transaction goes on.
    Refused(E),
    /// The file failed. The call is rolled back.
    Failed(Fault),
}

impl<E> From<Fault> for CallError<E> {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl<E> From<rusqlite::Error> for CallError<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<SubmitError> for CallError<SubmitError> {
    fn from(refusal: SubmitError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ApplyError> for CallError<ApplyError> {
    fn from(refusal: ApplyError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ListError> for CallError<ListError> {
    fn from(refusal: ListError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<BackendError> for CallError<BackendError> {
    fn from(refusal: BackendError) -> Self {
        Self::Refused(refusal)
    }
}
