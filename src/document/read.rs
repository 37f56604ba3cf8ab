//! Documents as a client reads them: tolerant where servers differ, strict about the rest.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _};

use super::error::{DocumentError, read};
use super::links::{LinkArray, LinkMap, TaskLink};
use super::list::ListDocument;
use super::response::TaskResponse;
use super::{display_json, write};
use crate::event::Progress;
use crate::id::{IdError, TaskId};
use crate::json::Object;
use crate::link::LinkShape;
use crate::status::TaskStatus;
use crate::time::{self, Now};

/// A task document as a client reads it, from any server of the API.
///
/// Reading is tolerant where servers were seen to differ: links come as a map or as an array,
/// errors as an object or as a code, timestamps with 0 to 9 fraction digits; `description`,
/// `response` and links may be missing; a status that is unknown is kept as text, and so is an id
/// that is no UUID; unknown fields are ignored. About the rest it is strict.
///
/// Read it with [`from_json`](Self::from_json), which bounds the depth, or with serde from JSON; not
/// from within an untagged enumeration, since the `resource` is kept as it came.
///
/// Writing it, with `{}`, `{:#}` or serde, gives the document that was read, if it is one that
/// this crate would write.
///
/// ```
/// use tasklife::{TaskDocument, TaskStatus};
///
/// let json = br#"{
///     "taskId": "36d4b04d-72d4-4404-8600-a223120a553e",
///     "commandType": "subscriptionCreateRequest",
///     "status": "processing-completed",
///     "timestamp": "2019-08-08T06:49:15.929Z",
///     "response": {"resourceId": 77899}
/// }"#;
/// let document = TaskDocument::from_json(json)?;
/// assert_eq!(document.status().known(), Some(TaskStatus::ProcessingCompleted));
/// assert_eq!(document.response().unwrap().resource_id(), Some(&77_899.into()));
/// # Ok::<(), tasklife::DocumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDocument {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    task_id: Box<str>,
    command_type: Box<str>,
    status: ReportedStatus,
    description: Option<Box<str>>,
    progress: Option<Progress>,
    #[serde(with = "time::as_text")]
    timestamp: Now,
    #[serde(default, deserialize_with = "response")]
    response: Option<TaskResponse>,
    #[serde(rename = "_links")]
    link_map: Option<LinkMap>,
    #[serde(rename = "links")]
    link_array: Option<LinkArray>,
}

impl TaskDocument {
    /// Reads the document of one task.
    ///
    /// # Errors
    /// Where the text is no JSON, no task document, or nested more than 127 deep. The error says
    /// where.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        read(json)
    }

    /// Reads a list of tasks, in each of the three shapes in which servers send it: an object with
    /// `tasks`, an empty object, a bare array.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn list_from_json(json: &[u8]) -> Result<ListDocument, DocumentError> {
        read(json)
    }

    /// The task's id as it came.
    #[must_use]
    pub fn task_id(&self) -> &str {
        &self.fields.task_id
    }

    /// The task's id.
    ///
    /// # Errors
    /// Where it is no UUID.
    pub fn id(&self) -> Result<TaskId, IdError> {
        self.fields.task_id.parse()
    }

    /// What was asked for.
    #[must_use]
    pub fn command_type(&self) -> &str {
        &self.fields.command_type
    }

    /// Where the task stands.
    #[must_use]
    pub fn status(&self) -> &ReportedStatus {
        &self.fields.status
    }

    /// The status in words.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.fields.description.as_deref()
    }

    /// How far the task has come.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.fields.progress
    }

    /// When the task last changed.
    #[must_use]
    pub fn timestamp(&self) -> Now {
        self.fields.timestamp
    }

    /// What came of it.
    #[must_use]
    pub fn response(&self) -> Option<&TaskResponse> {
        self.fields.response.as_ref()
    }

    /// The links, in the order in which they came.
    #[must_use]
    pub fn links(&self) -> &[TaskLink] {
        let Fields { link_map, link_array, .. } = &self.fields;
        let array = link_array.as_ref().map(|LinkArray(links)| links);
        link_map.as_ref().map(|LinkMap(links)| links).or(array).map_or(&[], Vec::as_slice)
    }

    /// The link with this relation, such as `resource`.
    #[must_use]
    pub fn link(&self, rel: &str) -> Option<&TaskLink> {
        self.links().iter().find(|link| link.rel() == rel)
    }

    /// The shape in which the links came, where there were any.
    #[must_use]
    pub fn link_shape(&self) -> Option<LinkShape> {
        let map = self.fields.link_map.as_ref().map(|_| LinkShape::Map);
        map.or(self.fields.link_array.as_ref().map(|_| LinkShape::Array))
    }
}

impl<'de> Deserialize<'de> for TaskDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Within the object, so that an error says where.
        struct Checked(Fields);

        impl<'de> Deserialize<'de> for Checked {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let fields = Fields::deserialize(deserializer)?;
                if fields.link_map.is_some() && fields.link_array.is_some() {
                    return Err(D::Error::custom("expected either `_links` or `links`, got both"));
                }
                Ok(Self(fields))
            }
        }

        let Object(Checked(fields)) = Object::deserialize(deserializer)?;
        Ok(Self { fields })
    }
}

/// What came of the task, where the document says so.
fn response<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TaskResponse>, D::Error> {
    Ok(Option::<Object<_>>::deserialize(deserializer)?.map(|Object(response)| response))
}

impl Serialize for TaskDocument {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shaped = self.link_shape().map(|shape| write::in_shape(shape, self.links()));
        let (link_map, link_array) = shaped.unwrap_or_default();
        let fields = write::Fields {
            task_id: self.task_id(),
            command_type: self.command_type(),
            status: self.status().as_str(),
            description: self.description(),
            progress: self.progress(),
            timestamp: self.timestamp(),
            response: self.response().map(TaskResponse::as_written),
            link_map,
            link_array,
        };
        fields.serialize(serializer)
    }
}

impl fmt::Display for TaskDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display_json(self, f)
    }
}

/// A status as a server reported it: one of ours, or a text that is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedStatus {
    /// A status of the documented API.
    Known(TaskStatus),
    /// Any other text. It counts as still running: a client goes on polling.
    Unknown(Box<str>),
}

impl ReportedStatus {
    /// The status as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(status) => status.as_str(),
            Self::Unknown(text) => text,
        }
    }

    /// The status, where it is one of ours.
    #[must_use]
    pub fn known(&self) -> Option<TaskStatus> {
        match self {
            Self::Known(status) => Some(*status),
            Self::Unknown(_) => None,
        }
    }

    /// Whether the task is over. An unknown status counts as still running.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.known().is_some_and(TaskStatus::is_terminal)
    }
}

impl fmt::Display for ReportedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ReportedStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(text.parse().map_or_else(|_| Self::Unknown(text.into()), Self::Known))
    }
}
