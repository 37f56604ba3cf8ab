//! The asynchronous operations of Azure Resource Manager.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{
    ReadError, Refused, WrittenError, list, list_parameters, read_list, read_refusal, refused,
};
use crate::document::{
    DocumentError, ListDocument, ReportedStatus, TaskDocument, TaskResponse, read_json,
};
use crate::event::Progress;
use crate::format::message::to_json;
use crate::format::{
    Accepted, Format, ListParameters, Message, NextPage, Refusal, ReportedRefusal,
};
use crate::json::{JsonText, Object};
use crate::link::Links;
use crate::outcome::{Completion, TaskError};
use crate::status::TaskStatus;
use crate::store::Page;
use crate::task::Task;
use crate::time::{Rfc3339, parse_rfc3339};

/// The asynchronous operations of Azure Resource Manager, as in the [resource provider
/// contract][contract].
///
/// The response to a submission is 202 with two addresses, and with what is known about the
/// resource: `{"properties": {"provisioningState": "Accepted"}}`. Azure's own clients need absolute
/// addresses, so give [`Links`] a base address with a host.
///
/// - `Azure-AsyncOperation` has the task's address. It answers 200 with the operation.
/// - `Location` has the task's address followed by `/result`. It answers 202 until the task has
///   ended. Then it gives the answer to the original request: 200 with the resource, 204 if there
///   is nothing to show, or the error with its own HTTP status.
///
/// | field of the operation | |
/// |---|---|
/// | `id` | the path of the task |
/// | `name` | the task's id |
/// | `status` | `Accepted`, `InProgress`, `Succeeded`, `Failed` |
/// | `startTime` | when the task was submitted |
/// | `endTime` | when the task ended |
/// | `percentComplete` | the progress, if a report contained it |
/// | `properties` | after success: the completion's resource, if it has one |
/// | `error` | after failure: `{"code", "message"}`, and `innererror` with the additional information, if any |
///
/// The resource at `/result` is the completion's resource. If the completion has only an id, the
/// resource has that as its `name`, and the path of its [route](Links::with_route) as its `id`; for
/// a [deletion](Links::with_deletion) there is none. `properties.provisioningState` is `Succeeded`,
/// unless the resource has a state of its own.
///
/// A list is `{"value", "nextLink"}`, and a refusal `{"error": {"code", "message"}}`.
///
/// When reading, `Canceled` and `Cancelled` are both [`Cancelled`](ReportedStatus::Cancelled). A
/// status other than `Accepted` and the final three is in progress, as the contract demands. If a
/// document has no `status`, the resource's `properties.provisioningState` is read in its place.
///
/// [contract]: https://github.com/cloud-and-ai-microsoft/resource-provider-contract/blob/master/v1.0/async-api-reference.md
///
/// ```
/// use tasklife::format::{AzureResourceManager, Format};
/// use tasklife::TaskStatus;
///
/// let resource = br#"{"name": "7", "properties": {"provisioningState": "Succeeded"}}"#;
/// let read = AzureResourceManager.read_task(resource)?;
/// assert_eq!(read.status().known(), Some(TaskStatus::ProcessingCompleted));
/// # Ok::<(), tasklife::DocumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AzureResourceManager;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenOperation<'a> {
    id: String,
    name: String,
    status: &'static str,
    start_time: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent_complete: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<&'a JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<WrittenError<'a>>,
}

fn state_of(task: &Task) -> &'static str {
    match task.status() {
        TaskStatus::Initialized | TaskStatus::Received => "Accepted",
        TaskStatus::ProcessingInProgress => "InProgress",
        TaskStatus::ProcessingCompleted => "Succeeded",
        TaskStatus::ProcessingError => "Failed",
    }
}

fn operation(links: &Links, task: &Task) -> String {
    let completion = task.outcome().and_then(Result::ok);
    to_json(&WrittenOperation {
        id: path_of(&links.task_href(task.id())).into(),
        name: task.id().to_string(),
        status: state_of(task),
        start_time: Rfc3339(task.submitted_at()),
        end_time: task.status().is_terminal().then(|| Rfc3339(task.updated_at())),
        percent_complete: task.progress(),
        properties: completion.and_then(|completion| completion.resource.as_ref()),
        error: task.outcome().and_then(Result::err).map(WrittenError::of),
    })
}

/// Returns the response about the resource while the task has not ended.
fn unfinished(task: &Task) -> Message {
    let resource = json!({"properties": {"provisioningState": state_of(task)}});
    Message::new(202, resource.to_string())
}

/// Returns the answer to the original request, after a completion.
fn finished(links: &Links, task: &Task, completion: &Completion) -> Message {
    if links.deletes(task) && completion.resource().is_none() {
        return Message::new(204, "");
    }
    let resource = completion.resource().map(serde_json::from_str);
    let mut resource: Map<String, Value> = match (resource, completion.resource_id()) {
        (Some(Ok(resource)), _) => resource,
        // A number may be too large for a `Value`. The text can be sent all the same.
        (Some(Err(_)), _) => return Message::new(200, completion.resource().unwrap_or_default()),
        (None, Some(name)) => {
            let mut resource = Map::new();
            if let Some(href) = links.resource_href(task) {
                resource.insert("id".into(), path_of(&href).into());
            }
            resource.insert("name".into(), name.to_string().into());
            resource
        }
        (None, None) => return Message::new(204, ""),
    };
    let properties = resource.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.entry("provisioningState").or_insert_with(|| state_of(task).into());
    }
    Message::new(200, Value::from(resource).to_string())
}

/// Returns the answer to the original request, after a failure: the error, with its own HTTP
/// status.
fn failed(error: &TaskError) -> Message {
    let number = error.status().split_ascii_whitespace().next().and_then(|word| word.parse().ok());
    let status = number.filter(|status| (400..=599).contains(status)).unwrap_or(500);
    Message::new(status, to_json(&Refused { error: WrittenError::of(error) }))
        .with_header("x-ms-error-code", error.code())
}

/// Returns an address without its scheme and host.
fn path_of(href: &str) -> &str {
    match href.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
        None => href,
    }
}

fn result_href(links: &Links, task: &Task) -> String {
    links.task_href(task.id()) + "/result"
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    id: Option<Box<str>>,
    name: Option<Box<str>>,
    status: Option<Box<str>>,
    start_time: Option<Box<str>>,
    end_time: Option<Box<str>>,
    percent_complete: Option<f64>,
    properties: Option<Box<RawValue>>,
    error: Option<Object<ReadError>>,
}

/// The only property that is read from a resource.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    provisioning_state: Option<Box<str>>,
}

impl Operation {
    fn read(self) -> Result<TaskDocument, DocumentError> {
        if self.id.is_none() && self.name.is_none() && self.status.is_none() {
            return Err(DocumentError::new(
                "expected an operation with a `status`, or a resource with an `id` or a `name`",
            ));
        }
        let properties = self.properties;
        let read = |text: &RawValue| serde_json::from_str(text.get()).ok();
        let state = properties.as_deref().and_then(read);
        let state = state.and_then(|Object(Properties { provisioning_state })| provisioning_state);
        // A resource without a state exists, so it was provisioned.
        let status = self.status.or(state).unwrap_or_else(|| "Succeeded".into());
        let status = match status.to_ascii_lowercase().as_str() {
            "accepted" => TaskStatus::Received.into(),
            "succeeded" => TaskStatus::ProcessingCompleted.into(),
            "failed" => TaskStatus::ProcessingError.into(),
            "canceled" | "cancelled" => ReportedStatus::Cancelled(status),
            _ => TaskStatus::ProcessingInProgress.into(),
        };
        let id = self.id.as_deref().and_then(|id| id.rsplit('/').next()).unwrap_or_default();
        let timestamp = self.end_time.or_else(|| {
            let is_new = status == ReportedStatus::from(TaskStatus::Received);
            self.start_time.filter(|_| is_new)
        });
        let is_ended = status.is_terminal();
        let document = TaskDocument::new(self.name.as_deref().unwrap_or(id), status)
            .with_progress(self.percent_complete.and_then(Progress::of_percentage))
            .with_timestamp(timestamp.and_then(|at| parse_rfc3339(&at).ok()));
        Ok(match (self.error, properties) {
            (Some(Object(error)), _) => document.with_response(error.into_response()),
            (None, Some(properties)) if is_ended => {
                document.with_response(TaskResponse::default().with_resource(&properties))
            }
            (None, _) => document,
        })
    }
}

impl Format for AzureResourceManager {
    fn accepted(&self, links: &Links, task: &Task) -> Message {
        unfinished(task)
            .with_header("azure-asyncoperation", links.task_href(task.id()))
            .with_header("location", result_href(links, task))
    }

    fn polled(&self, links: &Links, task: &Task) -> Message {
        Message::new(200, operation(links, task))
    }

    fn result(&self, links: &Links, task: &Task) -> Option<Message> {
        Some(match task.outcome() {
            None => unfinished(task).with_header("location", result_href(links, task)),
            Some(Ok(completion)) => finished(links, task, completion),
            Some(Err(error)) => failed(error),
        })
    }

    fn list(&self, links: &Links, page: &Page, next: Option<&NextPage>) -> Message {
        let operations: Vec<_> = page.tasks().iter().map(|task| operation(links, task)).collect();
        list(&operations, next)
    }

    fn refused(&self, refusal: &Refusal<'_>) -> Message {
        refused(refusal)
    }

    fn list_parameters(&self) -> ListParameters {
        list_parameters()
    }

    /// The address is in `Azure-AsyncOperation`, or else in `Location`.
    fn read_accepted(
        &self,
        header: &dyn Fn(&str) -> Option<Box<str>>,
        _: &[u8],
    ) -> Result<Accepted, DocumentError> {
        let href = header("azure-asyncoperation").or_else(|| header("location"));
        Ok(Accepted { task: None, href })
    }

    /// A resource is not a task, though it can be read as a task's result.
    fn is_task(&self, json: &[u8]) -> bool {
        read_json(json).is_ok_and(|operation: Operation| operation.status.is_some())
    }

    fn has_result_at_location(&self) -> bool {
        true
    }

    fn read_task(&self, json: &[u8]) -> Result<TaskDocument, DocumentError> {
        read_json(json).and_then(Operation::read)
    }

    fn read_list(&self, json: &[u8]) -> Result<ListDocument, DocumentError> {
        read_list(json, Operation::read)
    }

    fn read_refusal(&self, json: &[u8]) -> Result<ReportedRefusal, DocumentError> {
        read_refusal(json)
    }
}
