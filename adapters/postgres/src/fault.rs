//! The failures of the database.

use tasklife::{BackendError, IdError, RecordError, TaskId, TaskStatus};
use tokio_postgres::error::SqlState;

/// A failure of the database, or contents of it that can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("expected a connection to the database")]
    Connect(#[source] tokio_postgres::Error),
    #[error(
        "expected a free connection of the store within {0:?}: allow more connections, or make fewer calls at once"
    )]
    AllInUse(std::time::Duration),
    #[error("expected a connection to the database within {0:?}")]
    ConnectTimeout(std::time::Duration),
    #[error("expected earlier writes of this process to the same account to end within {0:?}")]
    AccountBusy(std::time::Duration),
    #[error("{}", describe(.0))]
    Database(#[source] tokio_postgres::Error),
    #[error("expected an answer from the database within {0:?}")]
    Timeout(std::time::Duration),
    #[error(
        "expected the account to remember a write whose answer was lost: read the task to see whether it was applied"
    )]
    TokenForgotten,
    #[error(
        "the record of task {id} can't be read: it is damaged, or was written by a newer version; \
         find it by {} in the table `tasks`", condition(.id)
    )]
    Json { id: TaskId, source: serde_json::Error },
    #[error("the record of task {id} is not valid; find it by {} in the table `tasks`", condition(.id))]
    Record { id: TaskId, source: RecordError },
    #[error(
        "expected the record of task {id}, got the record of task {got}; find it by {} in the table `tasks`",
        condition(.id)
    )]
    Foreign { id: TaskId, got: TaskId },
    #[error(
        "expected the record of task {id} to be {expected}, as its row says, got {got}; \
         find it by {} in the table `tasks`", condition(.id)
    )]
    Status { id: TaskId, expected: TaskStatus, got: TaskStatus },
    #[error("account {account} has a task that can't be claimed")]
    OfAccount { account: String, source: Box<Fault> },
    #[error("expected a column {name} of the store's type: the tables or functions were changed")]
    Column { name: String, source: tokio_postgres::Error },
    #[error("expected {0}, got something else: the tables are damaged")]
    Damaged(&'static str),
    #[error("expected the name of an account, got something else: the tables are damaged")]
    Account(#[from] IdError),
}

/// Returns the SQL condition that finds a task.
fn condition(id: &TaskId) -> String {
    format!("`id = '{id}'`")
}

/// Describes an error of PostgreSQL to the operator of the store.
fn describe(error: &tokio_postgres::Error) -> &'static str {
    match error.code().map(SqlState::code) {
        None => "the connection to the database was lost",
        Some("25006") => "expected a database that accepts writes, got a standby",
        Some("53100") => "expected room on the database's disk, got none",
        Some("53200") => "expected memory for the database, got none",
        Some("53300") => "expected a free connection of the database server, got all in use",
        Some("57P01" | "57P02" | "57P03") => "the database is stopping or starting",
        Some("42501") => "expected the right to create or use the store's tables, got none",
        Some("3F000" | "42P01" | "42883") => {
            "expected the store's tables and functions: they were dropped, or have another version"
        }
        Some(_) => "the database refused the statement",
    }
}

impl Fault {
    /// Returns whether a row can't be read, although the database works.
    pub(crate) const fn is_unreadable_row(&self) -> bool {
        matches!(
            self,
            Self::Json { .. }
                | Self::Record { .. }
                | Self::Foreign { .. }
                | Self::Status { .. }
                | Self::Column { .. }
                | Self::Damaged(_)
                | Self::Account(_)
        )
    }
}

impl From<Fault> for BackendError {
    /// Faults of reads and of decisions: nothing was applied.
    fn from(fault: Fault) -> Self {
        Self::not_applied(fault)
    }
}
