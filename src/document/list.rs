//! Lists of task documents as a client reads them.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::links::{LinkArray, LinkMap, TaskLink};
use super::{TaskDocument, display_json, write};
use crate::link::LinkShape;

/// A list of tasks as a client reads it.
///
/// In whatever form it was read, it is written as `{"tasks": […]}`, or as `{}` if it is empty, with
/// the link `next` if it has one.
///
/// ```
/// use tasklife::TaskDocument;
///
/// assert!(TaskDocument::list_from_json(b"{}")?.tasks().is_empty());
/// # Ok::<(), tasklife::DocumentError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListDocument {
    tasks: Vec<TaskDocument>,
    next: Option<(LinkShape, Box<str>)>,
}

impl ListDocument {
    /// Creates a list that has no further page.
    ///
    /// You need this if you implement a [`Format`](crate::format::Format).
    #[must_use]
    pub fn new(tasks: Vec<TaskDocument>) -> Self {
        Self { tasks, next: None }
    }

    /// Sets where the next page is.
    #[must_use]
    pub fn with_next(self, next: impl Into<Box<str>>) -> Self {
        Self { next: Some((LinkShape::default(), next.into())), ..self }
    }

    /// Returns where the next page is: its address, or its page token if the list was read in the
    /// format [`GoogleOperation`](crate::format::GoogleOperation).
    ///
    /// Returns `None` if the list names no further page.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_ref().map(|(_, next)| &**next)
    }

    /// Returns the tasks, in the order of the list.
    #[must_use]
    pub fn tasks(&self) -> &[TaskDocument] {
        &self.tasks
    }

    /// Returns the tasks, in the order of the list.
    #[must_use]
    pub fn into_tasks(self) -> Vec<TaskDocument> {
        self.tasks
    }
}

impl<'de> Deserialize<'de> for ListDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOrArray;

        impl<'de> Visitor<'de> for ObjectOrArray {
            type Value = ListDocument;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of tasks: an object with `tasks`, an empty one, or an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ListDocument, A::Error> {
                let mut tasks = Vec::new();
                while let Some(task) = seq.next_element()? {
                    tasks.push(task);
                }
                Ok(ListDocument::new(tasks))
            }

            /// Refuses an object that has other fields but no `tasks`, since it is probably an
            /// error.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ListDocument, A::Error> {
                let (mut tasks, mut next, mut has_other_fields) = (None, None, false);
                while let Some(key) = map.next_key::<String>()? {
                    if key == "tasks" {
                        if tasks.replace(map.next_value::<Option<Vec<_>>>()?).is_some() {
                            return Err(A::Error::duplicate_field("tasks"));
                        }
                        continue;
                    }
                    match key.as_str() {
                        "_links" => {
                            next = next.or(next_in_map(&map.next_value::<Box<RawValue>>()?));
                        }
                        "links" => {
                            next = next.or(next_in_array(&map.next_value::<Box<RawValue>>()?));
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            has_other_fields = true;
                        }
                    }
                }
                match tasks {
                    None if has_other_fields => Err(A::Error::missing_field("tasks")),
                    tasks => Ok(ListDocument { tasks: tasks.flatten().unwrap_or_default(), next }),
                }
            }
        }

        deserializer.deserialize_any(ObjectOrArray)
    }
}

impl Serialize for ListDocument {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let next = self.next.as_ref().map(|(shape, href)| (*shape, &**href));
        write::list(self.tasks.iter(), next, serializer)
    }
}

impl fmt::Display for ListDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display_json(self, f)
    }
}

/// Returns the address of the next page from a map of links, or `None` if the links can't be read.
fn next_in_map(links: &RawValue) -> Option<(LinkShape, Box<str>)> {
    let LinkMap(links) = serde_json::from_str(links.get()).ok()?;
    next_among(&links).map(|href| (LinkShape::Map, href))
}

/// Returns the address of the next page from an array of links, or `None` if the links can't be
/// read.
fn next_in_array(links: &RawValue) -> Option<(LinkShape, Box<str>)> {
    let LinkArray(links) = serde_json::from_str(links.get()).ok()?;
    next_among(&links).map(|href| (LinkShape::Array, href))
}

fn next_among(links: &[TaskLink]) -> Option<Box<str>> {
    links.iter().find(|link| link.rel() == Some("next"))?.href().map(Box::from)
}
