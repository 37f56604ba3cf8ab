//! The sources of a [`BackendError`]: damaged data, and waits that took too long.

use std::error::Error;
use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use tasklife::{AccountId, BackendError, RecordError, RevisionError, TransitionError};

/// What is wrong with a value that no store can have written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Corrupt {
    #[error("expected an instant of 22 digits, got {0:?}")]
    Instant(String),
    #[error("expected a revision, got {0:?}")]
    Number(String),
    #[error("expected a revision")]
    Revision(#[from] RevisionError),
    #[error("expected a task as 42 digits and a record, got {0} bytes")]
    Task(usize),
    #[error("expected the record of a task in JSON")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("expected the record of this task, got the record of task {id} of account {account}")]
    Foreign { account: AccountId, id: String },
    #[error("expected the expiry, revision and status of the record as 42 digits, got {0:?}")]
    Header(String),
    #[error("expected a task in the status under which it is listed")]
    Status(#[from] TransitionError),
}

/// Where the damage is, and how to repair it. Key names hold nothing that a shell would interpret
/// within single quotes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damaged {
    #[error(
        "task {task} of account {account} can't be read: show it with \
         `redis-cli HGET '{key}' {task}` and remove it with `redis-cli HDEL '{key}' {task}`; \
         otherwise a sweep drops it once it has expired"
    )]
    Task { account: AccountId, task: String, key: String, source: Corrupt },
    #[error(
        "the state of account {account} can't be read: show it with `redis-cli HGETALL '{key}'` \
         and remove the damaged field with `redis-cli HDEL '{key}' {field}`; the account works \
         without it"
    )]
    State { account: AccountId, key: String, field: &'static str, source: Corrupt },
    #[error(
        "the keys of account {account} are damaged: list them with \
         `redis-cli --scan --pattern '{stem}*'`, check their types with `redis-cli TYPE`, remove \
         what is damaged with `redis-cli DEL`, and then call `RedisStore::repair`"
    )]
    Account { account: AccountId, stem: String, source: Box<dyn Error + Send + Sync> },
    #[error(
        "expected the name of an account in '{stem}{key}', got {name:?}: show the key with \
         `redis-cli ZRANGE '{stem}{key}' 0 -1` and remove the entry with `redis-cli ZREM`"
    )]
    Name { stem: String, key: &'static str, name: String, source: Box<dyn Error + Send + Sync> },
    #[error(
        "the keys that all accounts share are damaged: list them with \
         `redis-cli --scan --pattern '{}*'`, check their types with `redis-cli TYPE`, remove what \
         is damaged with `redis-cli DEL` or `redis-cli HDEL`, and then call `RedisStore::repair`",
        .stem.replace('*', "[*]")
    )]
    Registry { stem: String, source: Box<dyn Error + Send + Sync> },
}

impl From<Damaged> for BackendError {
    /// Damaged data is found before anything is written.
    fn from(damaged: Damaged) -> Self {
        Self::not_applied(damaged)
    }
}

/// Returns whether the error is about the keys of one account, so that other accounts can go on.
pub(crate) fn concerns_one_account(error: &BackendError) -> bool {
    let damaged = error.source().and_then(|source| source.downcast_ref::<Damaged>());
    damaged.is_some_and(|damaged| !matches!(damaged, Damaged::Registry { .. }))
}

/// Returns whether a script failed because of what is in its keys.
pub(crate) fn is_about_key_contents(error: &BackendError) -> bool {
    let Some(error) = redis_error(error) else { return false };
    match error.kind() {
        ErrorKind::UnexpectedReturnType => true,
        // In a script, Redis has no code of its own for a right that its user lacks.
        ErrorKind::Server(ServerErrorKind::ResponseError) => {
            !error.to_string().contains("The user executing the script can't")
        }
        ErrorKind::Extension => matches!(error.code(), Some("WRONGTYPE" | "DAMAGED")),
        _ => false,
    }
}

/// Returns whether a script was refused because its keys are in several slots.
pub(crate) fn crosses_slots(error: &BackendError) -> bool {
    redis_error(error)
        .is_some_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::CrossSlot))
}

fn redis_error(error: &BackendError) -> Option<&RedisError> {
    error.source()?.downcast_ref()
}

/// Earlier writes of this process to the same account took too long.
#[derive(Debug, thiserror::Error)]
#[error("expected earlier writes of this process to the account to end within {0:?}")]
pub(crate) struct AccountBusy(pub(crate) Duration);

/// Other submissions have reserved the last places of a limited store for too long.
#[derive(Debug, thiserror::Error)]
#[error("expected the submissions that reserved the store's last places to end")]
pub(crate) struct CapacityReserved;

/// An answer was lost, and so many writes came after it that the account has forgotten its token.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected the account to remember a write whose answer was lost: read the task to see whether \
     it was applied"
)]
pub(crate) struct TokenForgotten;
