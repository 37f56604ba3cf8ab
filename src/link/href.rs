//! Links and their addresses, which are written without an allocation.

use core::fmt;

use super::base::Base;
use super::route::Route;
use crate::json::{DisplayText, Plain};
use crate::outcome::Completion;

/// A link that is not written yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) rel: &'static str,
    pub(crate) title: Option<&'a str>,
    pub(crate) href: Href<'a>,
}

/// The address of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Href<'a> {
    base: &'a Base,
    target: Target<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Target<'a> {
    /// The task's id.
    Task(&'a str),
    Resource(&'a Route, &'a Completion),
}

impl<'a> Href<'a> {
    /// Creates the address of the task with an id.
    pub(super) fn to_task(base: &'a Base, id: &'a str) -> Self {
        Self { base, target: Target::Task(id) }
    }

    /// Creates the address of the resource of a completion that [fits](Route::fits) the route.
    pub(super) fn to_resource(
        base: &'a Base,
        route: &'a Route,
        completion: &'a Completion,
    ) -> Self {
        Self { base, target: Target::Resource(route, completion) }
    }

    /// Passes each part of the address to `write`, until it returns an error.
    fn write<E>(&self, mut write: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        match self.target {
            Target::Task(id) => {
                write(self.base.task_prefix())?;
                write(id)
            }
            Target::Resource(route, completion) => {
                write(self.base.as_str())?;
                route.write(completion, write)
            }
        }
    }
}

impl fmt::Display for Href<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(|part| f.write_str(part))
    }
}

impl serde::Serialize for Href<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Neither the base, a route nor an encoded id contains a character that JSON escapes.
        Plain(DisplayText(self)).serialize(serializer)
    }
}
