//! A page of an account's list.

use alloc::vec::Vec;

use super::query::Cursor;
use crate::clock::Revision;
use crate::document::Document;
use crate::link::Links;
use crate::task::Task;

/// A page of an account's list, latest update first, and the cursor of the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    tasks: Vec<Task>,
    next: Option<Cursor>,
    revision: Revision,
}

impl Page {
    /// Creates a page.
    ///
    /// You need this if you implement a store.
    #[must_use]
    pub const fn new(tasks: Vec<Task>, next: Option<Cursor>, revision: Revision) -> Self {
        Self { tasks, next, revision }
    }

    /// Returns the tasks, latest update first.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Returns the tasks, latest update first.
    #[must_use]
    pub fn into_tasks(self) -> Vec<Task> {
        self.tasks
    }

    /// Returns the cursor of the next page, if there is one.
    #[must_use]
    pub const fn next(&self) -> Option<Cursor> {
        self.next
    }

    /// Returns the account's revision when the page was read. Later events have greater revisions.
    /// To find the tasks that they changed, pass this revision to
    /// [`changed_since`](crate::ListQuery::changed_since).
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }
}

impl IntoIterator for Page {
    type Item = Task;
    type IntoIter = alloc::vec::IntoIter<Task>;

    /// Iterates over the tasks, latest update first.
    fn into_iter(self) -> Self::IntoIter {
        self.tasks.into_iter()
    }
}

#[expect(clippy::into_iter_without_iter, reason = "`tasks` gives the slice")]
impl<'a> IntoIterator for &'a Page {
    type Item = &'a Task;
    type IntoIter = core::slice::Iter<'a, Task>;

    /// Iterates over the tasks, latest update first.
    fn into_iter(self) -> Self::IntoIter {
        self.tasks.iter()
    }
}

impl Links {
    /// Creates the document of a page of the list, with each task as in [`polled`](Self::polled).
    #[must_use]
    pub fn list<'a>(&'a self, page: &'a Page) -> Document<'a> {
        self.of_list(page.tasks(), None)
    }

    /// Like [`list`](Self::list), with a `next` link to the following page.
    pub(crate) fn list_before<'a>(&'a self, page: &'a Page, next: Option<&'a str>) -> Document<'a> {
        self.of_list(page.tasks(), next)
    }
}
