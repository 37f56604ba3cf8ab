//! A list of documents, as a client reads it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{TaskDocument, display_json, write};

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
}

impl ListDocument {
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
                Ok(ListDocument { tasks })
            }

            /// An object that has other fields but no `tasks` is something else, such as an error.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ListDocument, A::Error> {
                let (mut tasks, mut other) = (None, false);
                while let Some(key) = map.next_key::<String>()? {
                    if key == "tasks" {
                        if tasks.replace(map.next_value::<Option<Vec<_>>>()?).is_some() {
                            return Err(A::Error::duplicate_field("tasks"));
                        }
                    } else {
                        map.next_value::<IgnoredAny>()?;
                        other |= !matches!(key.as_str(), "links" | "_links");
                    }
                }
                match tasks {
                    None if other => Err(A::Error::missing_field("tasks")),
                    tasks => Ok(ListDocument { tasks: tasks.flatten().unwrap_or_default() }),
                }
            }
        }

        deserializer.deserialize_any(ObjectOrArray)
    }
}

impl Serialize for ListDocument {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write::list(self.tasks.iter(), None, serializer)
    }
}

impl fmt::Display for ListDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display_json(self, f)
    }
}
