//! What can go wrong with the database, in words.

use tasklife::{BackendError, IdError, RecordError, TaskId, TaskStatus};
use tokio_postgres::error::SqlState;

/// A failure of the database, or what can't be read in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("expected a connection to the database")]
    Connect(#[source] tokio_postgres::Error),
    #[error(
        "expected a free connection of the store's own within {0:?}: let it have more, or make fewer calls at once"
    )]
    AllInUse(std::time::Duration),
    #[error("expected a connection to the database within {0:?}")]
    ConnectTimeout(std::time::Duration),
    #[error(
        "expected those who write to the account before this call, in this process, to be done within {0:?}"
    )]
    AccountBusy(std::time::Duration),
    #[error("{}", words(.0))]
    Database(#[source] tokio_postgres::Error),
    #[error("expected an answer of the database within {0:?}")]
    Timeout(std::time::Duration),
    #[error(
        "expected the account to remember a write whose answer was lost: read the task to see whether it was made"
    )]
    TokenForgotten,
    #[error(
        "the record of task {id} can't be read: it is damaged, or was written by a newer version; \
         it is where {} in the table `tasks`", place(.id)
    )]
    Json { id: TaskId, source: serde_json::Error },
    #[error("the record of task {id} holds no task; it is where {} in the table `tasks`", place(.id))]
    Record { id: TaskId, source: RecordError },
    #[error(
        "expected the record of task {id}, got that of task {got}; it is where {} in the table `tasks`",
        place(.id)
    )]
    Foreign { id: TaskId, got: TaskId },
    #[error(
        "expected the record of task {id} in {expected}, as its row says, got it in {got}; \
         it is where {} in the table `tasks`", place(.id)
    )]
    Status { id: TaskId, expected: TaskStatus, got: TaskStatus },
    #[error("account {account} has a task that can't be handed out")]
    OfAccount { account: String, source: Box<Fault> },
    #[error(
        "expected a column {name} as a store has it, got another: the tables or functions were changed"
    )]
    Column { name: String, source: tokio_postgres::Error },
    #[error("expected {0}, got something else: the tables are damaged")]
    Damaged(&'static str),
    #[error("expected the name of an account: the tables are damaged")]
    Account(#[from] IdError),
}

fn place(id: &TaskId) -> String {
    format!("`id = '{id}'`")
}

/// What the states of PostgreSQL mean for whoever runs the store.
fn words(error: &tokio_postgres::Error) -> &'static str {
    match error.code().map(SqlState::code) {
        None => "the connection to the database was lost",
        Some("25006") => "expected a database that may be written, got a standby",
        Some("53100") => "expected room on the database's disk, got none",
        Some("53200") => "expected memory for the database, got none",
        Some("53300") => "expected the database to take another connection, got all of them in use",
        Some("57P01" | "57P02" | "57P03") => "the database is stopping or starting",
        Some("42501") => "expected the right to make or use the store's tables, got none",
        Some("3F000" | "42P01" | "42883") => {
            "expected the store's tables and functions, got none, or others: they were dropped, or are of another version"
        }
        Some(_) => "the database refused",
    }
}

impl Fault {
    /// Whether it is a row that can't be read, and not the database that fails.
    pub(crate) const fn is_of_a_row(&self) -> bool {
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
    /// What was read, or could not be written: nothing was applied.
    fn from(fault: Fault) -> Self {
        Self::not_applied(fault)
    }
}
