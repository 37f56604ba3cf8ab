//! Which part of an account's list to read.

use core::fmt;
use core::num::NonZeroUsize;
use core::str::FromStr;

use crate::clock::Revision;
use crate::id::AccountId;
use crate::status::TaskStatus;
use crate::task::Task;
use crate::wire::{Excerpt, fnv1a, serde_as_text};

/// Which part of an account's list to read: how many tasks, from where, in which statuses, and
/// changed since which revision.
///
/// ```
/// use core::num::NonZeroUsize;
/// use tasklife::{ListQuery, TaskStatus};
///
/// let failures = ListQuery::new(NonZeroUsize::MIN).with_status(TaskStatus::ProcessingError);
/// assert_eq!(failures.limit().get(), 1);
/// assert_eq!(ListQuery::default().limit().get(), 100);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    limit: NonZeroUsize,
    statuses: Statuses,
    since: Option<Revision>,
    cursor: Option<Cursor>,
}

impl Default for ListQuery {
    /// The first [`ListQuery::DEFAULT_LIMIT`] tasks in any status.
    fn default() -> Self {
        const { Self::new(NonZeroUsize::new(Self::DEFAULT_LIMIT).unwrap()) }
    }
}

impl ListQuery {
    /// The default limit of a page: 100 tasks.
    pub const DEFAULT_LIMIT: usize = 100;

    /// Creates a query for the first page of at most `limit` tasks in any status.
    /// [`NonZeroUsize::MAX`] asks for the whole list.
    #[must_use]
    pub const fn new(limit: NonZeroUsize) -> Self {
        Self { limit, statuses: Statuses(0), since: None, cursor: None }
    }

    /// Sets the largest number of tasks on a page.
    #[must_use]
    pub const fn with_limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = limit;
        self
    }

    /// Restricts the list to tasks in this status. Call it again to add further statuses. Without
    /// it, the list has tasks in any status.
    #[must_use]
    pub const fn with_status(mut self, status: TaskStatus) -> Self {
        self.statuses.0 |= 1 << status as u8;
        self
    }

    /// Restricts the list to tasks with a greater revision: those that changed since a page with
    /// this [revision](crate::Page::revision) was read.
    #[must_use]
    pub const fn changed_since(mut self, revision: Revision) -> Self {
        self.since = Some(revision);
        self
    }

    /// Sets the cursor after which the page begins.
    ///
    /// The cursor must come from a query with the same account, statuses and
    /// [`changed_since`](Self::changed_since). The limit may differ. Naming all statuses is the
    /// same as naming none, but `changed_since` revision 0 is not the same as no `changed_since`.
    #[must_use]
    pub const fn after(mut self, cursor: Cursor) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// Returns the largest number of tasks on the page.
    #[must_use]
    pub const fn limit(&self) -> NonZeroUsize {
        self.limit
    }

    /// Returns the requested statuses: all of them if none was named.
    pub fn statuses(&self) -> impl Iterator<Item = TaskStatus> + use<> {
        let asked = self.statuses;
        TaskStatus::ALL.into_iter().filter(move |status| asked.contain(*status))
    }

    /// Returns whether tasks in this status are requested.
    pub(crate) const fn asks_for(&self, status: TaskStatus) -> bool {
        self.statuses.contain(status)
    }

    /// Returns the revision that tasks must exceed, if any.
    #[must_use]
    pub const fn since(&self) -> Option<Revision> {
        self.since
    }

    /// Returns the cursor after which the page begins, if any.
    #[must_use]
    pub const fn after_cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// Returns whether the task's status and revision match the query. This ignores the cursor: see
    /// [`position`](Self::position).
    #[must_use]
    pub fn matches(&self, task: &Task) -> bool {
        self.statuses.contain(task.status())
            && self.since.is_none_or(|since| task.revision() > since)
    }

    /// Returns the cursor for the page after a page whose last task has the revision `last`.
    ///
    /// You need this if you implement a store.
    #[must_use]
    pub fn cursor(&self, account: &AccountId, last: Revision) -> Cursor {
        Cursor { last, checksum: self.checksum(account, last) }
    }

    /// Returns the revision below which all tasks of the page are, or `None` for the first page.
    ///
    /// You need this if you implement a store.
    ///
    /// # Errors
    ///
    /// Returns [`CursorError`] if the cursor comes from another account or filter.
    pub fn position(&self, account: &AccountId) -> Result<Option<Revision>, CursorError> {
        match self.cursor {
            None => Ok(None),
            Some(Cursor { last, checksum }) if checksum == self.checksum(account, last) => {
                Ok(Some(last))
            }
            Some(_) => Err(CursorError(CursorFault::Foreign)),
        }
    }

    /// Binds a cursor to its account and filter. This guards against mistakes only: a client that
    /// forges a cursor starts elsewhere in its own list.
    fn checksum(&self, account: &AccountId, last: Revision) -> u64 {
        let since = self.since.map_or(0, |since| since.get().wrapping_add(1));
        let numbers = [since, last.get()].into_iter().flat_map(u64::to_le_bytes);
        let filter = [0xFF, self.statuses.canonical()].into_iter();
        fnv1a(account.as_str().bytes().chain(filter).chain(numbers))
    }
}

/// A bit set of statuses. The empty set stands for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Statuses(u8);

impl Statuses {
    const ALL: u8 = (1 << TaskStatus::ALL.len()) - 1;

    const fn canonical(self) -> u8 {
        if self.0 == 0 { Self::ALL } else { self.0 }
    }

    const fn contain(self, status: TaskStatus) -> bool {
        self.canonical() & (1 << status as u8) != 0
    }
}

/// A place in an account's list from which to continue: an opaque string of 32 hexadecimal digits.
///
/// A cursor stays valid when the task at its place has moved, expired or been dropped. It is valid
/// only for its account and filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    last: Revision,
    checksum: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.last.get(), self.checksum)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let fault = || CursorError(CursorFault::Malformed(Excerpt::of(text)));
        if text.len() != 32 || !text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(fault());
        }
        let (last, checksum) = text.split_at(16);
        let number = |digits| u64::from_str_radix(digits, 16).map_err(|_| fault());
        let last = Revision::try_from(number(last)?).map_err(|_| fault())?;
        Ok(Self { last, checksum: number(checksum)? })
    }
}

serde_as_text!(Cursor);

/// The error for a cursor that is malformed, or comes from another account or filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct CursorError(CursorFault);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum CursorFault {
    #[error("expected a cursor of 32 hexadecimal digits, as a page gave it, got {0}")]
    Malformed(Excerpt),
    #[error(
        "expected a cursor of this account, statuses and changed-since, got one of another list"
    )]
    Foreign,
}

impl CursorError {
    /// Returns whether the string is no cursor at all, rather than a cursor from another account or
    /// filter.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        matches!(self.0, CursorFault::Malformed(_))
    }
}
