//! What was found in Redis, and could not have come from here.

use tasklife::{BackendError, IdError, RecordError, RevisionError};

/// The error for what is in the keys of a store, and no store wrote.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Corrupt {
    #[error("expected an instant of 22 digits, got {0:?}")]
    Instant(String),
    #[error("expected a revision")]
    Revision(#[from] RevisionError),
    #[error("expected the name of an account")]
    Account(#[from] IdError),
    #[error("expected a task of 42 digits and a record, got {0} bytes")]
    Task(usize),
    #[error("expected the record of a task in JSON")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl From<Corrupt> for BackendError {
    /// Nothing is written for what can't be read.
    fn from(corrupt: Corrupt) -> Self {
        Self::not_applied(corrupt)
    }
}

/// A submission waited in vain for the last places of a limited store, which others have reserved.
#[derive(Debug, thiserror::Error)]
#[error("expected the submissions that have reserved the store's last places to end")]
pub(crate) struct CapacityReserved;

/// An answer was lost, and so many other writes came after that the account has forgotten.
#[derive(Debug, thiserror::Error)]
#[error("expected the account to remember a write whose answer was lost")]
pub(crate) struct TokenForgotten;
