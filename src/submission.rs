//! What becomes a task when a store accepts it.

use alloc::sync::Arc;
use core::fmt;

use crate::id::{AccountId, CommandType, TaskId};
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

/// The input of a task: none where it is empty, as all empty `Arc`s of a program share a count, which
/// threads would contend for. Request bodies hold secrets, so that `{:?}` tells no more than the length.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Input(Option<Arc<[u8]>>);

impl Input {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl From<Arc<[u8]>> for Input {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes().len())
    }
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

    /// The status in which the task will begin: `received` or `initialized`.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        self.status
    }
}
