//! What becomes a task when a store accepts it.

use alloc::sync::Arc;
use core::fmt;

use uuid::Uuid;

use crate::id::{AccountId, CommandType, TaskId};
use crate::json::{digest, is_same_value};
use crate::status::TaskStatus;

/// A request for a task: whose it is, its id, what is asked for, and what the worker will need.
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

/// The input of a task. Request bodies hold secrets, so that `{:?}` tells no more than the length.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Input {
    /// All empty `Arc`s of a program share a count, which threads would contend for.
    #[default]
    Empty,
    Bytes(Arc<[u8]>),
    /// What was let go, as its digest.
    Dropped(Uuid),
}

impl Input {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Empty | Self::Dropped(_) => &[],
        }
    }

    /// Lets go of the bytes.
    pub(crate) fn dropped(&self) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Dropped(digest(bytes)),
            Self::Empty | Self::Dropped(_) => self.clone(),
        }
    }

    /// Whether this is, or was, the same input as some bytes: [`Submission::is_repeat_of`] says what is.
    pub(crate) fn is_same_as(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Dropped(of) => *of == digest(bytes),
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
            Self::Dropped(_) => f.write_str("let go"),
            _ => write!(f, "{} bytes", self.bytes().len()),
        }
    }
}

/// How many bytes a task counts, with so many of words and outcome.
pub(crate) fn held_bytes(
    account: &AccountId,
    command_type: &CommandType,
    input: &[u8],
    output: usize,
) -> usize {
    /// The task itself and its places in the indexes of a store in memory. At worst it has an account of
    /// its own.
    const FIXED: usize = 512;
    /// More than the error has of a task that is given up.
    const RESERVED: usize = 256;
    let names = account.as_str().len() + command_type.as_str().len();
    FIXED + names + input.len() + output.max(RESERVED)
}

impl Submission {
    /// A submission without input, of a task that is `received` at once.
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

    /// Adds the input: opaque bytes, such as the request's body. They are kept for the worker and
    /// never appear in a document.
    #[must_use]
    pub fn with_input(mut self, input: impl Into<Arc<[u8]>>) -> Self {
        self.input = Input::from(input.into());
        self
    }

    /// Lets the task begin as `initialized`, to be received by an event of its own.
    #[must_use]
    pub fn initialized(mut self) -> Self {
        self.status = TaskStatus::Initialized;
        self
    }

    /// Whose task it will be.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The task's id.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// What is asked for.
    #[must_use]
    pub fn command_type(&self) -> &CommandType {
        &self.command_type
    }

    /// The input for the worker.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.input.bytes()
    }

    /// How many bytes its task counts: [`Task::held_bytes`](crate::Task::held_bytes).
    pub(crate) fn held_bytes(&self) -> usize {
        held_bytes(&self.account, &self.command_type, self.input.bytes(), 0)
    }

    /// The status in which the task will begin: `received` or `initialized`.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        self.status
    }
}
