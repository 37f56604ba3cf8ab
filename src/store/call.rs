//! What a store's methods take and return.

use crate::clock::Revision;
use crate::id::{AccountId, TaskId};
use crate::status::{EventKind, TaskStatus};
use crate::task::Task;

/// The task that an event is for, and optionally the revision that the task must have.
///
/// A worker that got its task from [`claim`](crate::TaskStore::claim) uses
/// [`exactly`](Self::exactly): once another worker has taken the task over, the event is refused.
/// Each event makes a new revision, a report included, so target the next event at the task of the
/// last [`Change`]. A [`Lease`](crate::Lease) does this for you.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    account: &'a AccountId,
    id: TaskId,
    revision: Option<Revision>,
}

impl<'a> Target<'a> {
    /// Targets the task with this id, whatever its revision.
    #[must_use]
    pub const fn latest(account: &'a AccountId, id: TaskId) -> Self {
        Self { account, id, revision: None }
    }

    /// Targets this task only at the revision that it has here, so only if no event was applied to
    /// it since.
    #[must_use]
    pub fn exactly(task: &'a Task) -> Self {
        Self { account: task.account(), id: task.id(), revision: Some(task.revision()) }
    }

    /// Targets the task with this id only at this revision. Use this if you have no [`Task`], such
    /// as in a worker that received the id and the revision over the network.
    #[must_use]
    pub const fn at(account: &'a AccountId, id: TaskId, revision: Revision) -> Self {
        Self { account, id, revision: Some(revision) }
    }

    /// Returns the account that the task belongs to.
    #[must_use]
    pub const fn account(&self) -> &'a AccountId {
        self.account
    }

    /// Returns the task's id.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.id
    }

    /// Returns the revision that the task must have, if any.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// Returns whether the task has the revision that the target requires, if it requires one.
    ///
    /// This ignores the account and the id, by which the caller has found the task.
    #[must_use]
    pub fn is_met_by(&self, task: &Task) -> bool {
        self.revision.is_none_or(|revision| revision == task.revision())
    }
}

/// The accounts from which [`claim`](crate::TaskStore::claim) may hand out a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Any account, in turn.
    Any,
    /// Only this account. The claim doesn't count as its turn.
    Account(&'a AccountId),
}

/// What [`claim`](crate::TaskStore::claim) did: one event on one task.
///
/// ```
/// # use tasklife::*;
/// # let store = MemoryStore::default();
/// # let now = MIN_TIME;
/// while let Some(claimed) = store.claim(Scope::Any, now)? {
///     match claimed {
///         Claimed::Work(change) => println!("working on {}", change.task().id()),
///         Claimed::GivenUp(change) => println!("{} was given up", change.task().id()),
///     }
/// }
/// # Ok::<(), BackendError>(())
/// ```
///
/// To work on the task, make a [`Lease`](crate::Lease).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claimed {
    /// A task to work on: it was started, or taken over from a worker that fell silent.
    Work(Change),
    /// A task that ended in `processing-error`, because it had [all its
    /// attempts](crate::StoreConfig::with_max_attempts) and its last worker fell silent too. There
    /// is nothing to work on; claim again.
    GivenUp(Change),
}

impl Claimed {
    /// Returns whether there is a task to work on.
    #[must_use]
    pub const fn is_work(&self) -> bool {
        matches!(self, Self::Work(_))
    }

    /// Returns the task to work on, if there is one.
    #[must_use]
    pub fn into_work(self) -> Option<Task> {
        match self {
            Self::Work(change) => Some(change.into_task()),
            Self::GivenUp(_) => None,
        }
    }

    /// Returns what happened to the task, in either case.
    #[must_use]
    pub const fn change(&self) -> &Change {
        let (Self::Work(change) | Self::GivenUp(change)) = self;
        change
    }
}

impl From<Change> for Claimed {
    /// Converts the change that a claim made: a [`Fail`](EventKind::Fail) to
    /// [`GivenUp`](Self::GivenUp), and any other event to [`Work`](Self::Work).
    ///
    /// You need this if you implement a store.
    fn from(change: Change) -> Self {
        match change.event() {
            EventKind::Fail => Self::GivenUp(change),
            _ => Self::Work(change),
        }
    }
}

/// An accepted submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// This call created the task.
    New(Task),
    /// An earlier call with the same request created the task.
    Existing(Task),
}

impl Submitted {
    /// Returns the task, new or not.
    #[must_use]
    pub fn task(&self) -> &Task {
        let (Self::New(task) | Self::Existing(task)) = self;
        task
    }

    /// Returns the task, new or not.
    #[must_use]
    pub fn into_task(self) -> Task {
        let (Self::New(task) | Self::Existing(task)) = self;
        task
    }
}

/// An accepted event: what you need for metrics, logs and webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    from: TaskStatus,
    event: EventKind,
    task: Task,
}

impl Change {
    /// Creates the change of an event: the status before it, its kind, and the task after it.
    ///
    /// You need this if you implement a store.
    #[must_use]
    pub const fn new(from: TaskStatus, event: EventKind, task: Task) -> Self {
        Self { from, event, task }
    }

    /// Returns the status before the event.
    #[must_use]
    pub const fn from(&self) -> TaskStatus {
        self.from
    }

    /// Returns the kind of the event.
    #[must_use]
    pub const fn event(&self) -> EventKind {
        self.event
    }

    /// Returns the task after the event.
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// Returns the task after the event.
    #[must_use]
    pub fn into_task(self) -> Task {
        self.task
    }
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many tasks it dropped.
    pub dropped: usize,
    /// Whether the store holds more expired tasks.
    pub more: bool,
}
