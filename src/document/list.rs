//! A list of documents, as a client reads it.

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

/// A list of tasks as a client reads it. It is written as this crate writes lists.
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
    /// A list of these tasks, with which it ends. For those who implement a
    /// [`Format`](crate::format::Format).
    #[must_use]
    pub fn new(tasks: Vec<TaskDocument>) -> Self {
        Self { tasks, next: None }
    }

    /// Sets where the list goes on.
    #[must_use]
    pub fn with_next(self, next: impl Into<Box<str>>) -> Self {
        Self { next: Some((LinkShape::default(), next.into())), ..self }
    }

    /// Where the list goes on, as it came: the address of the next page, or what the format has in its
    /// place. `None` where the list ends here, as far as it says.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_ref().map(|(_, next)| &**next)
    }

    /// The tasks, in the order in which they came.
    #[must_use]
    pub fn tasks(&self) -> &[TaskDocument] {
        &self.tasks
    }

    /// The tasks, in the order in which they came.
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

            /// An object that has other fields but no `tasks` is something else, such as an error.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ListDocument, A::Error> {
                let (mut tasks, mut next, mut other) = (None, None, false);
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
                            other = true;
                        }
                    }
                }
                match tasks {
                    None if other => Err(A::Error::missing_field("tasks")),
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

/// The address of the next page, where links of a list say so. What can't be read is no link.
fn next_in_map(links: &RawValue) -> Option<(LinkShape, Box<str>)> {
    let LinkMap(links) = serde_json::from_str(links.get()).ok()?;
    next_among(&links).map(|href| (LinkShape::Map, href))
}

fn next_in_array(links: &RawValue) -> Option<(LinkShape, Box<str>)> {
    let LinkArray(links) = serde_json::from_str(links.get()).ok()?;
    next_among(&links).map(|href| (LinkShape::Array, href))
}

fn next_among(links: &[TaskLink]) -> Option<Box<str>> {
    links.iter().find(|link| link.rel() == Some("next"))?.href().map(Box::from)
}
