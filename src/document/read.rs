//! Task documents as a client reads them: tolerant where servers differ, otherwise strict.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _};

use super::error::DocumentError;
use super::json::read;
use super::links::{LinkArray, LinkMap, TaskLink};
use super::list::ListDocument;
use super::response::{ReportedError, TaskResponse};
use super::status::ReportedStatus;
use super::{display_json, write};
use crate::event::Progress;
use crate::id::{IdError, TaskId};
use crate::json::{Object, Plain};
use crate::link::LinkShape;
use crate::time::{Rfc3339, Timestamp, parse_rfc3339};

/// A task document as a client reads it, from any server of the API.
///
/// The API's description requires no field, but this type needs `taskId` and `status`. Any other
/// field, at any depth, can be missing or `null`. Servers also differ in the following points, and
/// every variant is accepted:
///
/// - Links are a map `_links` or an array `links`. A link can have any of its fields.
/// - The error of a task is an object or a code.
/// - A resource id is a 64-bit integer or a string. A `resource` is any JSON value.
/// - A timestamp has 0 to 9 fraction digits and any offset.
/// - `progress` is any number from 0 to 100. It is rounded down.
/// - A status that is unknown is kept as a string. So is an id that is not a UUID.
/// - Unknown fields are ignored. Fields can have any order.
///
/// Reading is strict in all other respects. Each field must have its type, a timestamp must be a
/// valid instant, and no field can occur twice. A document can be read and still violate the API's
/// contract. The auditor (feature `audit`) checks that.
///
/// Read a document with [`from_json`](Self::from_json), which limits the depth, or with serde from
/// JSON. It can't be read as part of an untagged enum, because the `resource` is kept as raw JSON
/// text.
///
/// Writing a document with `{}`, `{:#}` or serde gives the same content in the form of
/// [`Document`](crate::Document). A missing field stays missing. If this crate wrote the original,
/// the JSON text is the same.
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
    timestamp: Option<Timestamp>,
    #[serde(default, deserialize_with = "response")]
    response: Option<TaskResponse>,
    #[serde(rename = "_links")]
    link_map: Option<LinkMap>,
    #[serde(rename = "links")]
    link_array: Option<LinkArray>,
}

impl TaskDocument {
    /// Creates a document with an id and a status, and nothing else.
    ///
    /// You need this and the `with_*` methods if you implement a [`Format`](crate::format::Format).
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

    /// Sets the command type, or removes it.
    #[must_use]
    pub fn with_command_type(mut self, command_type: impl Into<Option<Box<str>>>) -> Self {
        self.fields.command_type = command_type.into();
        self
    }

    /// Sets the description, or removes it.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<Option<Box<str>>>) -> Self {
        self.fields.description = description.into();
        self
    }

    /// Sets the progress, or removes it.
    #[must_use]
    pub fn with_progress(mut self, progress: impl Into<Option<Progress>>) -> Self {
        self.fields.progress = progress.into();
        self
    }

    /// Sets the time of the latest update, or removes it.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: impl Into<Option<Timestamp>>) -> Self {
        self.fields.timestamp = timestamp.into();
        self
    }

    /// Adds a link to the map of links. It replaces a link with the same relation.
    #[must_use]
    pub fn with_link(mut self, rel: &str, href: impl Into<Box<str>>) -> Self {
        let LinkMap(links) = self.fields.link_map.get_or_insert_with(|| LinkMap(Vec::new()));
        links.retain(|link| link.rel() != Some(rel));
        links.push(TaskLink::new(rel, href));
        self
    }

    /// Replaces the id of the task.
    #[cfg(feature = "audit")]
    pub(crate) fn with_task_id(mut self, id: &str) -> Self {
        self.fields.task_id = id.into();
        self
    }

    /// Sets the response: the result or the error of the task.
    #[must_use]
    pub fn with_response(mut self, response: TaskResponse) -> Self {
        self.fields.response = Some(response);
        self
    }

    /// Sets a response that contains an error.
    #[must_use]
    pub fn with_error(self, error: ReportedError) -> Self {
        self.with_response(TaskResponse::default().with_error(error))
    }

    /// Reads the document of one task.
    ///
    /// # Errors
    ///
    /// Returns [`DocumentError`] if the body is not JSON, is not a task document, or is nested more
    /// than 127 levels deep. The error states the position.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        read(json)
    }

    /// Reads a list of tasks: an object with `tasks`, an empty object, or an array.
    ///
    /// Servers send all three shapes.
    ///
    /// # Errors
    ///
    /// Returns [`DocumentError`] under the same conditions as [`from_json`](Self::from_json).
    pub fn list_from_json(json: &[u8]) -> Result<ListDocument, DocumentError> {
        read(json)
    }

    /// Returns the task's id as the server sent it.
    #[must_use]
    pub fn task_id(&self) -> &str {
        &self.fields.task_id
    }

    /// Returns the task's id as a [`TaskId`].
    ///
    /// # Errors
    ///
    /// Returns [`IdError`] if the id is not a UUID.
    pub fn id(&self) -> Result<TaskId, IdError> {
        self.fields.task_id.parse()
    }

    /// Returns the command type, if the server sent it.
    #[must_use]
    pub fn command_type(&self) -> Option<&str> {
        self.fields.command_type.as_deref()
    }

    /// Returns the task's status.
    #[must_use]
    pub fn status(&self) -> &ReportedStatus {
        &self.fields.status
    }

    /// Returns the description, if the server sent one.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.fields.description.as_deref()
    }

    /// Returns the progress in whole percent, if the server sent it.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.fields.progress
    }

    /// Returns the time of the latest update, if the server sent it.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.fields.timestamp
    }

    /// Returns the response: the result or the error of the task.
    #[must_use]
    pub fn response(&self) -> Option<&TaskResponse> {
        self.fields.response.as_ref()
    }

    /// Returns the links, in the order of the document.
    ///
    /// If the document has links in both shapes, the array takes precedence unless it is empty.
    /// Clients of the live API do the same.
    #[must_use]
    pub fn links(&self) -> &[TaskLink] {
        self.shaped_links().map_or(&[], |(_, links)| links)
    }

    /// Returns the first link with a relation such as `resource`.
    #[must_use]
    pub fn link(&self, rel: &str) -> Option<&TaskLink> {
        self.links().iter().find(|link| link.rel() == Some(rel))
    }

    /// Returns the shape of the [links](Self::links), if there are any.
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

    /// Returns whether the document has a map and an array of links.
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

/// Reads a percentage. It is rounded down, so 100 means that everything is done.
fn progress<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Progress>, D::Error> {
    let Some(percent) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    Progress::of_percentage(percent).map(Some).ok_or_else(|| {
        D::Error::custom(format_args!("expected a percentage from 0 to 100, got {percent}"))
    })
}

fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse_rfc3339(&text)).transpose().map_err(D::Error::custom)
}

fn response<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TaskResponse>, D::Error> {
    Ok(Option::<Object<_>>::deserialize(deserializer)?.map(|Object(response)| response))
}

impl Serialize for TaskDocument {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Fields { link_map, link_array, .. } = &self.fields;
        let fields = write::Fields {
            task_id: write::Text::Any(self.task_id()),
            command_type: self.command_type(),
            status: write::Text::Any(self.status().as_str()),
            description: self.description(),
            progress: self.progress(),
            timestamp: self.timestamp().map(|at| Plain(Rfc3339(at))),
            response: self.response().map(TaskResponse::as_written),
            link_map: link_map
                .as_ref()
                .map(|LinkMap(links)| write::LinkMap(links.iter().map(TaskLink::as_written))),
            link_array: link_array
                .as_ref()
                .map(|LinkArray(links)| write::LinkArray(links.iter().map(TaskLink::as_written))),
        };
        fields.serialize(serializer)
    }
}

impl fmt::Display for TaskDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display_json(self, f)
    }
}
