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
use super::response::{ReportedError, TaskResponse};
use super::{display_json, write};
use crate::event::Progress;
use crate::id::{IdError, TaskId};
use crate::json::{Object, Plain};
use crate::link::LinkShape;
use crate::status::TaskStatus;
use crate::time::{Now, Rfc3339, parse_rfc3339};

/// A task document as a client reads it, from any server of the API.
///
/// The API's description requires no field, and its clients do well without most. So only `taskId`
/// and `status` must be there; whatever else is missing or `null`, at any depth, is not there, and
/// no error. Servers also differ in these, and all of it is read:
///
/// - links come as the map `_links` or the array `links`, and a link has any of its fields;
/// - the error of a task is an object or a code;
/// - an id of a resource is a 64-bit integer or a text, a `resource` any JSON value;
/// - a timestamp has 0 to 9 fraction digits, and any offset;
/// - `progress` is any number of 0 to 100, and is rounded down;
/// - a status that is unknown is kept as text, and so is an id that is no UUID;
/// - a field that is unknown is ignored, and so is the order of fields.
///
/// About the rest, reading is strict: a field that is there has its type, a timestamp is an instant,
/// no field comes twice. What is read here can still be a breach of the contract: an
/// auditor (feature `audit`) tells.
///
/// Read it with [`from_json`](Self::from_json), which bounds the depth, or with serde from JSON; not
/// from within an untagged enumeration, since the `resource` is kept as it came.
///
/// Writing it, with `{}`, `{:#}` or serde, gives what was read, in the form of this crate: what was
/// missing stays missing. It is the very text, if that is one that this crate would write.
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
    command_type: Option<Box<str>>,
    status: ReportedStatus,
    description: Option<Box<str>>,
    #[serde(default, deserialize_with = "progress")]
    progress: Option<Progress>,
    #[serde(default, deserialize_with = "timestamp")]
    timestamp: Option<Now>,
    #[serde(default, deserialize_with = "response")]
    response: Option<TaskResponse>,
    #[serde(rename = "_links")]
    link_map: Option<LinkMap>,
    #[serde(rename = "links")]
    link_array: Option<LinkArray>,
}

impl TaskDocument {
    /// A document about a task of which nothing is known but its id and its status. For those who
    /// implement a [`Format`](crate::format::Format).
    ///
    /// ```
    /// use tasklife::{TaskDocument, TaskStatus};
    ///
    /// let document = TaskDocument::new("7", TaskStatus::Received.into());
    /// assert_eq!(document.to_string(), r#"{"taskId":"7","status":"received"}"#);
    /// ```
    #[must_use]
    pub fn new(task_id: impl Into<Box<str>>, status: ReportedStatus) -> Self {
        Self {
            fields: Fields {
                task_id: task_id.into(),
                command_type: None,
                status,
                description: None,
                progress: None,
                timestamp: None,
                response: None,
                link_map: None,
                link_array: None,
            },
        }
    }

    /// Sets what was asked for, or that it is not known.
    #[must_use]
    pub fn with_command_type(mut self, command_type: impl Into<Option<Box<str>>>) -> Self {
        self.fields.command_type = command_type.into();
        self
    }

    /// Sets the status in words, or that there are none.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<Option<Box<str>>>) -> Self {
        self.fields.description = description.into();
        self
    }

    /// Sets how far the task has come, or that it is not known.
    #[must_use]
    pub fn with_progress(mut self, progress: impl Into<Option<Progress>>) -> Self {
        self.fields.progress = progress.into();
        self
    }

    /// Sets when the task last changed, or that it is not known.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: impl Into<Option<Now>>) -> Self {
        self.fields.timestamp = timestamp.into();
        self
    }

    /// Adds a link, in place of one with the same relation. Links are a map, as documented.
    #[must_use]
    pub fn with_link(mut self, rel: &str, href: impl Into<Box<str>>) -> Self {
        let LinkMap(links) = self.fields.link_map.get_or_insert_with(|| LinkMap(Vec::new()));
        links.retain(|link| link.rel() != Some(rel));
        links.push(TaskLink::new(rel, href));
        self
    }

    /// The same document, about the task with this id.
    #[cfg(feature = "audit")]
    pub(crate) fn with_task_id(mut self, id: &str) -> Self {
        self.fields.task_id = id.into();
        self
    }

    /// Sets what came of the task.
    #[must_use]
    pub fn with_response(mut self, response: TaskResponse) -> Self {
        self.fields.response = Some(response);
        self
    }

    /// Sets that what came of the task is an error.
    #[must_use]
    pub fn with_error(self, error: ReportedError) -> Self {
        self.with_response(TaskResponse::default().with_error(error))
    }

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

    /// What was asked for, where the server says so.
    #[must_use]
    pub fn command_type(&self) -> Option<&str> {
        self.fields.command_type.as_deref()
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

    /// How far the task has come, in whole percent.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.fields.progress
    }

    /// When the task last changed, where the server says so.
    #[must_use]
    pub fn timestamp(&self) -> Option<Now> {
        self.fields.timestamp
    }

    /// What came of it.
    #[must_use]
    pub fn response(&self) -> Option<&TaskResponse> {
        self.fields.response.as_ref()
    }

    /// The links, in the order in which they came. Where they came in both shapes, these are those
    /// of the array, as clients of the live API have it, unless it is empty.
    #[must_use]
    pub fn links(&self) -> &[TaskLink] {
        self.shaped_links().map_or(&[], |(_, links)| links)
    }

    /// The link with this relation, such as `resource`: the first, where there are more.
    #[must_use]
    pub fn link(&self, rel: &str) -> Option<&TaskLink> {
        self.links().iter().find(|link| link.rel() == Some(rel))
    }

    /// The shape in which the [links](Self::links) came, where there were any.
    #[must_use]
    pub fn link_shape(&self) -> Option<LinkShape> {
        self.shaped_links().map(|(shape, _)| shape)
    }

    fn shaped_links(&self) -> Option<(LinkShape, &[TaskLink])> {
        match (&self.fields.link_map, &self.fields.link_array) {
            (Some(LinkMap(map)), Some(LinkArray(array))) if array.is_empty() => {
                Some((LinkShape::Map, map))
            }
            (_, Some(LinkArray(array))) => Some((LinkShape::Array, array)),
            (Some(LinkMap(map)), None) => Some((LinkShape::Map, map)),
            (None, None) => None,
        }
    }

    /// Whether links came as a map and as an array too.
    #[cfg(feature = "audit")]
    pub(crate) fn has_both_link_shapes(&self) -> bool {
        self.fields.link_map.is_some() && self.fields.link_array.is_some()
    }
}

impl<'de> Deserialize<'de> for TaskDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(fields) = Object::deserialize(deserializer)?;
        Ok(Self { fields })
    }
}

/// How far the task has come, where the document says so: rounded down, so that all is done at 100
/// only.
fn progress<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Progress>, D::Error> {
    let Some(percent) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    Progress::of_percentage(percent).map(Some).ok_or_else(|| {
        D::Error::custom(format_args!("expected a percentage from 0 to 100, got {percent}"))
    })
}

/// When the task last changed, where the document says so.
fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Now>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse_rfc3339(&text)).transpose().map_err(D::Error::custom)
}

/// What came of the task, where the document says so.
fn response<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TaskResponse>, D::Error> {
    Ok(Option::<Object<_>>::deserialize(deserializer)?.map(|Object(response)| response))
}

impl Serialize for TaskDocument {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Fields { link_map, link_array, .. } = &self.fields;
        let fields = write::Fields {
            task_id: self.task_id(),
            command_type: self.command_type(),
            status: self.status().as_str(),
            description: self.description(),
            progress: self.progress(),
            timestamp: self.timestamp().map(|at| Plain(Rfc3339(at))),
            response: self.response().map(TaskResponse::as_written),
            link_map: link_map.as_ref().map(|LinkMap(links)| write::LinkMap(links.as_slice())),
            link_array: link_array
                .as_ref()
                .map(|LinkArray(links)| write::LinkArray(links.as_slice())),
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
    /// A status that some [formats](crate::format) have and this engine has not: the task has ended
    /// without a result, since somebody cancelled it. The text is that of the format.
    Cancelled(Box<str>),
    /// Any other text. It counts as still running: a client goes on polling.
    Unknown(Box<str>),
}

impl From<TaskStatus> for ReportedStatus {
    fn from(status: TaskStatus) -> Self {
        Self::Known(status)
    }
}

impl ReportedStatus {
    /// The status as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(status) => status.as_str(),
            Self::Cancelled(text) | Self::Unknown(text) => text,
        }
    }

    /// The status, where it is one of ours.
    #[must_use]
    pub fn known(&self) -> Option<TaskStatus> {
        match self {
            Self::Known(status) => Some(*status),
            Self::Cancelled(_) | Self::Unknown(_) => None,
        }
    }

    /// Whether the task is over. An unknown status counts as still running.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Known(status) => status.is_terminal(),
            Self::Cancelled(_) => true,
            Self::Unknown(_) => false,
        }
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
