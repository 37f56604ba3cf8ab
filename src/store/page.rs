//! A page of an account's list.

use alloc::vec::Vec;

use super::query::Cursor;
use crate::clock::Revision;
use crate::document::Document;
use crate::link::Links;
use crate::task::Task;

/// A page of an account's list: tasks by latest update, and how to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    tasks: Vec<Task>,
    next: Option<Cursor>,
    revision: Revision,
}

impl Page {
    /// A page, made by a store.
    #[must_use]
    pub const fn new(tasks: Vec<Task>, next: Option<Cursor>, revision: Revision) -> Self {
        Self { tasks, next, revision }
    }

    /// The tasks, the one that was updated last first.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The tasks, the one that was updated last first.
    #[must_use]
    pub fn into_tasks(self) -> Vec<Task> {
        self.tasks
    }

    /// Where the next page begins, if there is one.
    #[must_use]
    pub const fn next(&self) -> Option<Cursor> {
        self.next
    }

    /// The account's revision when the page was read. Whatever happens afterwards has a greater
    /// one, so that [`changed_since`](crate::ListQuery::changed_since) finds it.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }
}

impl IntoIterator for Page {
    type Item = Task;
    type IntoIter = alloc::vec::IntoIter<Task>;

    /// The tasks, the one that was updated last first.
    fn into_iter(self) -> Self::IntoIter {
        self.tasks.into_iter()
    }
}

#[expect(clippy::into_iter_without_iter, reason = "`tasks` gives the slice")]
impl<'a> IntoIterator for &'a Page {
    type Item = &'a Task;
    type IntoIter = core::slice::Iter<'a, Task>;

    /// The tasks, the one that was updated last first.
    fn into_iter(self) -> Self::IntoIter {
        self.tasks.iter()
    }
}

impl Links {
    /// The reply to a request for the list: each task as in the reply to a read of it.
    #[must_use]
    pub fn list<'a>(&'a self, page: &'a Page) -> Document<'a> {
        self.of_list(page.tasks(), None)
    }

    /// The same, with the link `next` to the page that follows.
    pub(crate) fn list_before<'a>(&'a self, page: &'a Page, next: Option<&'a str>) -> Document<'a> {
        self.of_list(page.tasks(), next)
    }
}
