//! What was found in Redis, and could not have come from here.

use std::error::Error;
use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use tasklife::{AccountId, BackendError, RecordError, RevisionError, TransitionError};

/// What is wrong with something in the keys of a store: no store wrote it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Corrupt {
    #[error("expected an instant of 22 digits, got {0:?}")]
    Instant(String),
    #[error("expected a revision, got {0:?}")]
    Number(String),
    #[error("expected a revision")]
    Revision(#[from] RevisionError),
    #[error("expected a task of 42 digits and a record, got {0} bytes")]
    Task(usize),
    #[error("expected the record of a task in JSON")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("expected the record of this task, got that of task {id} of account {account}")]
    Foreign { account: AccountId, id: String },
    #[error("expected expiry, revision and status of the record before it, got {0:?}")]
    Head(String),
    #[error("expected a task in the status under which it is listed")]
    Status(#[from] TransitionError),
}

/// Where it is, and how to get on. The names of keys have nothing in them that a shell would
/// take for something else within quotes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damaged {
    #[error(
        "task {task} of account {account} can't be read: look at it with `redis-cli HGET '{key}' {task}`, and remove it \
         with `redis-cli HDEL '{key}' {task}`; a sweep drops it once it has expired"
    )]
    Task { account: AccountId, task: String, key: String, source: Corrupt },
    #[error(
        "the state of account {account} can't be read: look at it with `redis-cli HGETALL '{key}'`, and remove what is \
         damaged with `redis-cli HDEL '{key}' {field}`: the account goes on without"
    )]
    State { account: AccountId, key: String, field: &'static str, source: Corrupt },
    #[error(
        "the keys of account {account} are not as a store leaves them: look which there are with \
         `redis-cli --scan --pattern '{stem}*'`, what they are with `redis-cli TYPE`, and remove what is damaged with \
         `redis-cli DEL`, then call `RedisStore::repair`"
    )]
    Account { account: AccountId, stem: String, source: Box<dyn Error + Send + Sync> },
    #[error(
        "expected the name of an account in '{stem}{key}', got {name:?}: look at it with `redis-cli ZRANGE '{stem}{key}' 0 -1`, \
         and remove the entry with `redis-cli ZREM`"
    )]
    Name { stem: String, key: &'static str, name: String, source: Box<dyn Error + Send + Sync> },
    #[error(
        "the keys that all accounts share are not as a store leaves them: look which there are with \
         `redis-cli --scan --pattern '{}*'`, what they are with `redis-cli TYPE`, and remove what is damaged with \
         `redis-cli DEL` or `redis-cli HDEL`, then call `RedisStore::repair`",
        .stem.replace('*', "[*]")
    )]
    Registry { stem: String, source: Box<dyn Error + Send + Sync> },
}

impl From<Damaged> for BackendError {
    /// Nothing is written for what can't be read.
    fn from(damaged: Damaged) -> Self {
        Self::not_applied(damaged)
    }
}

/// Whether a failure is of what one account has in Redis: others can go on.
pub(crate) fn is_of_an_account(error: &BackendError) -> bool {
    let damaged = error.source().and_then(|source| source.downcast_ref::<Damaged>());
    damaged.is_some_and(|damaged| !matches!(damaged, Damaged::Registry { .. }))
}

/// Whether a script failed for what it found, or found what it should not have.
pub(crate) fn blames_keys(error: &BackendError) -> bool {
    let Some(error) = error.source().and_then(|source| source.downcast_ref::<RedisError>()) else {
        return false;
    };
    match error.kind() {
        ErrorKind::UnexpectedReturnType => true,
        // In a script, Redis has no other code for a right that its user lacks.
        ErrorKind::Server(ServerErrorKind::ResponseError) => {
            !error.to_string().contains("The user executing the script can't")
        }
        ErrorKind::Extension => matches!(error.code(), Some("WRONGTYPE" | "DAMAGED")),
        _ => false,
    }
}

/// Whether a script was refused as its keys are in several slots.
pub(crate) fn crosses_slots(error: &BackendError) -> bool {
    let error = error.source().and_then(|source| source.downcast_ref::<RedisError>());
    error.is_some_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::CrossSlot))
}

/// A call waited in vain for those of its process that write to the same account.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected those who write to the account before this call, in this process, to be done within {0:?}"
)]
pub(crate) struct AccountBusy(pub(crate) Duration);

/// A submission waited in vain for the last places of a limited store, which others have reserved.
#[derive(Debug, thiserror::Error)]
#[error("expected the submissions that have reserved the store's last places to end")]
pub(crate) struct CapacityReserved;

/// An answer was lost, and so many other writes came after that the account has forgotten.
#[derive(Debug, thiserror::Error)]
#[error("expected the account to remember a write whose answer was lost")]
pub(crate) struct TokenForgotten;
