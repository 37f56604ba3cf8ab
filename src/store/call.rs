//! What a store is asked for, and what it answers.

use crate::clock::Revision;
use crate::id::{AccountId, TaskId};
use crate::status::{EventKind, TaskStatus};
use crate::task::Task;

/// Which task an event is for, and whether the task must still be as it was read.
///
/// A worker that got its task from [`claim`](crate::TaskStore::claim) uses
/// [`exactly`](Self::exactly): once another worker has taken the task over, it is refused. Each
/// event, a report too, makes a new revision: the next one is for the task of the
/// [`Change`] before. A [`Lease`](crate::Lease) does all that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    account: &'a AccountId,
    id: TaskId,
    revision: Option<Revision>,
}

impl<'a> Target<'a> {
    /// The task with this id, whatever its revision.
    #[must_use]
    pub const fn latest(account: &'a AccountId, id: TaskId) -> Self {
        Self { account, id, revision: None }
    }

    /// This task, only at this revision: as long as nothing has happened to it since.
    #[must_use]
    pub fn exactly(task: &'a Task) -> Self {
        Self { account: task.account(), id: task.id(), revision: Some(task.revision()) }
    }

    /// The task with this id, only at this revision: for those who have no [`Task`], such as a worker
    /// that was told of it over the network.
    #[must_use]
    pub const fn at(account: &'a AccountId, id: TaskId, revision: Revision) -> Self {
        Self { account, id, revision: Some(revision) }
    }

    /// Whose task it is.
    #[must_use]
    pub const fn account(&self) -> &'a AccountId {
        self.account
    }

    /// The task's id.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.id
    }

    /// The revision that the task must have, if any one.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// Whether the task, found under the target's account and id, is at the revision asked for.
    #[must_use]
    pub fn is_met_by(&self, task: &Task) -> bool {
        self.revision.is_none_or(|revision| revision == task.revision())
    }
}

/// From which accounts [`claim`](crate::TaskStore::claim) hands out a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Any account, in turn.
    Any,
    /// This account. It doesn't count as its turn.
    Account(&'a AccountId),
}

/// What [`claim`](crate::TaskStore::claim) did: at each call one event, of one task.
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
/// A worker makes a [`Lease`](crate::Lease) of it, to work on the task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claimed {
    /// A task to work on. It was started, or taken over from a worker that fell silent.
    Work(Change),
    /// A task that has ended in `processing-error`, as it was handed out
    /// [too often](crate::StoreConfig::with_max_attempts) and its last worker fell silent too. There is
    /// nothing to work on; claim again.
    GivenUp(Change),
}

impl Claimed {
    /// Whether there is a task to work on.
    #[must_use]
    pub const fn is_work(&self) -> bool {
        matches!(self, Self::Work(_))
    }

    /// The task to work on, if it is one.
    #[must_use]
    pub fn into_work(self) -> Option<Task> {
        match self {
            Self::Work(change) => Some(change.into_task()),
            Self::GivenUp(_) => None,
        }
    }

    /// What happened to the task, in either case.
    #[must_use]
    pub const fn change(&self) -> &Change {
        let (Self::Work(change) | Self::GivenUp(change)) = self;
        change
    }
}

impl From<Change> for Claimed {
    /// What a store did to a task that it handed out, or gave up: which of the two, says the event.
    /// For those who implement a store.
    fn from(change: Change) -> Self {
        match change.event() {
            EventKind::Fail => Self::GivenUp(change),
            _ => Self::Work(change),
        }
    }
}

/// A submission that was accepted: now, or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// The task was made by this call.
    New(Task),
    /// The task was there already, made by the same request.
    Existing(Task),
}

impl Submitted {
    /// The task, new or not.
    #[must_use]
    pub fn task(&self) -> &Task {
        let (Self::New(task) | Self::Existing(task)) = self;
        task
    }

    /// The task, new or not.
    #[must_use]
    pub fn into_task(self) -> Task {
        let (Self::New(task) | Self::Existing(task)) = self;
        task
    }
}

/// An event that was accepted: what metrics, logs and webhooks want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    from: TaskStatus,
    event: EventKind,
    task: Task,
}

impl Change {
    /// The change that led from a status, by an event, to the task as it now is.
    #[must_use]
    pub const fn new(from: TaskStatus, event: EventKind, task: Task) -> Self {
        Self { from, event, task }
    }

    /// The status before.
    #[must_use]
    pub const fn from(&self) -> TaskStatus {
        self.from
    }

    /// What happened.
    #[must_use]
    pub const fn event(&self) -> EventKind {
        self.event
    }

    /// The task as it is since.
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// The task as it is since.
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
    /// Whether more are due.
    pub more: bool,
}
