//! Submissions: requests to create a task.

use alloc::sync::Arc;
use core::fmt;

use uuid::Uuid;

use crate::id::{AccountId, CommandType, TaskId};
use crate::json::{digest, is_same_value};
use crate::status::TaskStatus;

/// A request to create a task: its account, its id, its command type and its input.
///
/// A store turns it into a [`Task`](crate::Task) if it accepts it.
///
/// ```
/// use tasklife::{AccountId, CommandType, Submission, TaskId};
///
/// let account: AccountId = "acme".parse()?;
/// let id = TaskId::for_key(&account, "order-7f3a");
/// let submission = Submission::new(account, id, "subscriptionCreateRequest".parse()?)
///     .with_input(*br#"{"name":"test"}"#);
/// assert_eq!(submission.input().len(), 15);
/// # Ok::<(), tasklife::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    pub(crate) account: AccountId,
    pub(crate) id: TaskId,
    pub(crate) command_type: CommandType,
    pub(crate) input: Input,
    pub(crate) status: TaskStatus,
}

/// The input of a task.
///
/// An input often contains secrets, so `{:?}` prints only its length.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Input {
    /// No input. All empty `Arc<[u8]>`s share one reference counter, for which threads would
    /// contend.
    #[default]
    Empty,
    Bytes(Arc<[u8]>),
    /// The digest of an input that was dropped.
    Dropped(Uuid),
}

impl Input {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Empty | Self::Dropped(_) => &[],
        }
    }

    /// Returns the digest that replaces the bytes, if there are any.
    pub(crate) fn dropped(&self) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Dropped(digest(bytes)),
            Self::Empty | Self::Dropped(_) => self.clone(),
        }
    }

    /// Returns whether the input is, or was, equal to `bytes` as [`Submission::is_repeat_of`]
    /// defines it.
    pub(crate) fn is_same_as(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Dropped(kept) => *kept == digest(bytes),
            _ => self.bytes() == bytes || is_same_value(self.bytes(), bytes),
        }
    }
}

impl From<Arc<[u8]>> for Input {
    fn from(bytes: Arc<[u8]>) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Bytes(bytes) }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped(_) => f.write_str("dropped"),
            _ => write!(f, "{} bytes", self.bytes().len()),
        }
    }
}

impl Submission {
    /// Creates a submission without input. Its task will be `received` at once.
    #[must_use]
    pub fn new(account: AccountId, id: TaskId, command: CommandType) -> Self {
        Self {
            account,
            id,
            command_type: command,
            input: Input::default(),
            status: TaskStatus::Received,
        }
    }

    /// Sets the input: opaque bytes for the worker, such as the request's body.
    ///
    /// The input never appears in a document.
    #[must_use]
    pub fn with_input(mut self, input: impl Into<Arc<[u8]>>) -> Self {
        self.input = Input::from(input.into());
        self
    }

    /// Makes the task begin as `initialized`, so no worker gets it yet. A
    /// [`receive`](crate::TaskEvent::receive) event puts it in the queue later.
    #[must_use]
    pub fn initialized(mut self) -> Self {
        self.status = TaskStatus::Initialized;
        self
    }

    /// Returns the account that the task will belong to.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns the id of the task.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns the command type.
    #[must_use]
    pub fn command_type(&self) -> &CommandType {
        &self.command_type
    }

    /// Returns the input for the worker.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.input.bytes()
    }

    /// Returns the status that the task will begin in: `received` or `initialized`.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        self.status
    }

    // `is_repeat_of` and `held_bytes` are in `task`, because they need what a task holds.
}
