//! Google's long-running operations, as JSON over HTTP.

mod code;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::message::to_json;
use super::{Accepted, Format, ListParameters, Message, NextPage, Refusal, ReportedRefusal};
use crate::document::{
    DocumentError, ListDocument, ReportedError, ReportedStatus, TaskDocument, TaskResponse,
    read_json,
};
use crate::event::Progress;
use crate::json::Object;
use crate::link::Links;
use crate::outcome::{Completion, ResourceId, TaskError};
use crate::status::TaskStatus;
use crate::store::Page;
use crate::task::Task;
use crate::time::{Rfc3339, parse_rfc3339};

use code::Code;

/// Google's long-running operations: `google.longrunning.Operation` ([AIP-151]) in its JSON form.
///
/// | | |
/// |---|---|
/// | `name` | the path of the task below the base address, without the slash: with [`Links::with_tasks`] `/operations` it is `operations/{taskId}` |
/// | `done` | whether the task has ended |
/// | `metadata` | `verb` (the command type), `state` (the status), `statusDetail` (the description), `progressPercent`, `createTime`, `updateTime`, and `endTime` once it has ended |
/// | `response` | once it has completed: the completion's resource, or its ids as `resourceId` and `additionalResourceId`; a `google.protobuf.Empty` where it has none of these |
/// | `error` | once it has failed: a `google.rpc.Status` with the [code] of the error's HTTP status, its description, and a `google.rpc.ErrorInfo` with its code as the `reason` ([AIP-193]) |
///
/// The reply to a submission is the operation, with 200. A list is `{"operations", "nextPageToken"}` with
/// `pageSize` (higher ones are lowered to 1,000) and `pageToken` ([AIP-158]); a `filter` is refused. A
/// refusal is `{"error": {"code", "message", "status", "details"}}`, with the HTTP status, its canonical name,
/// and that name as the reason of an `ErrorInfo`.
///
/// `metadata` and `response` are `google.protobuf.Struct`s unless [types](Self::with_metadata_type) are
/// set: clients read them that know nothing of the service, but the type itself (in Python, once
/// `google.protobuf.struct_pb2` is imported). Operations are neither cancelled nor deleted: a method that is
/// not allowed is refused as `UNIMPLEMENTED`, with 501, as AIP-151 asks of a service that doesn't support it.
///
/// What is read is any such operation. One with the error `CANCELLED` is
/// [`Cancelled`](ReportedStatus::Cancelled). One that is not done is `processing-in-progress`, unless its
/// metadata has a `state` of ours.
///
/// [AIP-151]: https://google.aip.dev/151
/// [AIP-158]: https://google.aip.dev/158
/// [AIP-193]: https://google.aip.dev/193
/// [code]: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
///
/// ```
/// use tasklife::format::{Format, GoogleOperation};
/// use tasklife::{Links, TaskStatus};
///
/// let google = GoogleOperation::new("video.example.com");
/// let read = google.read_task(br#"{"name": "operations/7", "done": false}"#)?;
/// assert_eq!(read.task_id(), "7");
/// assert_eq!(read.status().known(), Some(TaskStatus::ProcessingInProgress));
/// # Ok::<(), tasklife::DocumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoogleOperation {
    domain: Box<str>,
    metadata_type: Option<Box<str>>,
    response_type: Option<Box<str>>,
}

impl GoogleOperation {
    /// Operations of a service: its domain, such as `video.example.com`, is that of the errors' reasons.
    #[must_use]
    pub fn new(domain: impl Into<Box<str>>) -> Self {
        Self { domain: domain.into(), metadata_type: None, response_type: None }
    }

    /// Sets the type of `metadata`, such as `type.googleapis.com/video.v1.OperationMetadata`: a message
    /// with the fields above.
    #[must_use]
    pub fn with_metadata_type(self, url: impl Into<Box<str>>) -> Self {
        Self { metadata_type: Some(url.into()), ..self }
    }

    /// Sets the type of `response`, such as `type.googleapis.com/video.v1.Video`: a message whose JSON is
    /// the completion's resource.
    #[must_use]
    pub fn with_response_type(self, url: impl Into<Box<str>>) -> Self {
        Self { response_type: Some(url.into()), ..self }
    }

    fn operation(&self, links: &Links, task: &Task) -> String {
        #[derive(Serialize)]
        struct Operation<'a> {
            name: String,
            metadata: Box<RawValue>,
            done: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            response: Option<Box<RawValue>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<WrittenStatus<'a>>,
        }

        let path = links.tasks_path().trim_start_matches('/');
        let metadata = to_json(&WrittenMetadata::of(links, task));
        let (response, error) = match task.outcome() {
            None => (None, None),
            Some(Ok(completion)) => (Some(self.response(completion)), None),
            Some(Err(error)) => (None, Some(self.status(error))),
        };
        to_json(&Operation {
            name: [path, "/", &task.id().to_string()].concat(),
            metadata: any(self.metadata_type.as_deref(), &metadata),
            done: task.status().is_terminal(),
            response,
            error,
        })
    }

    fn response(&self, completion: &Completion) -> Box<RawValue> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ids<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            resource_id: Option<&'a ResourceId>,
            #[serde(skip_serializing_if = "Option::is_none")]
            additional_resource_id: Option<&'a ResourceId>,
        }

        let (resource_id, additional_resource_id) =
            (completion.resource_id(), completion.additional_resource_id());
        match completion.resource() {
            Some(resource) => any(self.response_type.as_deref(), resource),
            None if resource_id.or(additional_resource_id).is_none() => any(Some(EMPTY), "{}"),
            None => any(None, &to_json(&Ids { resource_id, additional_resource_id })),
        }
    }

    fn status<'a>(&'a self, error: &'a TaskError) -> WrittenStatus<'a> {
        let info = ErrorInfo {
            r#type: ERROR_INFO.into(),
            reason: error.code().into(),
            domain: (*self.domain).into(),
            metadata: [("status", Some(error.status())), ("info", error.additional_info())]
                .into_iter()
                .filter_map(|(name, value)| Some((name.into(), value?.into())))
                .collect(),
        };
        let code = Code::of_status_text(error.status());
        WrittenStatus { code: code.number(), message: error.description(), details: [info] }
    }
}

const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";
const EMPTY: &str = "type.googleapis.com/google.protobuf.Empty";
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// A `google.protobuf.Any` with a JSON object: of a type, beside whose name its fields stand, or a
/// `Struct`, which is a value beside its own.
fn any(type_url: Option<&str>, object: &str) -> Box<RawValue> {
    let name = to_json(&type_url.unwrap_or(STRUCT));
    let fields = object.trim().strip_prefix('{').map(str::trim_start);
    let text = match (type_url, fields) {
        (Some(_), Some(fields)) => {
            let separator = if fields.starts_with('}') { "" } else { "," };
            ["{\"@type\":", &name, separator, fields].concat()
        }
        _ => ["{\"@type\":", &name, ",\"value\":", object, "}"].concat(),
    };
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenMetadata<'a> {
    verb: &'a str,
    state: TaskStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress_percent: Option<Progress>,
    create_time: Rfc3339,
    update_time: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<Rfc3339>,
}

impl<'a> WrittenMetadata<'a> {
    fn of(links: &'a Links, task: &'a Task) -> Self {
        let updated_at = Rfc3339(task.updated_at());
        Self {
            verb: task.command_type().as_str(),
            state: task.status(),
            status_detail: links.description_of(task),
            progress_percent: task.progress(),
            create_time: Rfc3339(task.submitted_at()),
            update_time: updated_at,
            end_time: task.status().is_terminal().then_some(updated_at),
        }
    }
}

#[derive(Serialize)]
struct WrittenStatus<'a> {
    code: i32,
    message: &'a str,
    details: [ErrorInfo; 1],
}

#[derive(Serialize, Deserialize)]
struct ErrorInfo {
    #[serde(rename = "@type")]
    r#type: Box<str>,
    #[serde(default)]
    reason: Box<str>,
    #[serde(default)]
    domain: Box<str>,
    #[serde(default)]
    metadata: BTreeMap<Box<str>, Box<str>>,
}

#[derive(Deserialize)]
struct Operation {
    name: Box<str>,
    done: Option<bool>,
    metadata: Option<Box<RawValue>>,
    response: Option<Box<RawValue>>,
    error: Option<Object<Status>>,
}

#[derive(Deserialize)]
struct Status {
    code: Option<i32>,
    message: Option<Box<str>>,
    #[serde(default)]
    details: Vec<Box<RawValue>>,
}

/// What is known of the metadata of an operation. That of another service may have none of it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    verb: Option<Box<str>>,
    state: Option<Box<str>>,
    status_detail: Option<Box<str>>,
    progress_percent: Option<u8>,
    update_time: Option<Box<str>>,
}

/// A `google.protobuf.Any`: the name of its type, and its JSON. That is the value of a type which is JSON
/// by itself, and else all of it.
fn opened(any: &RawValue) -> (Option<Box<str>>, &RawValue) {
    #[derive(Deserialize)]
    struct Any<'a> {
        #[serde(rename = "@type")]
        type_url: Option<Box<str>>,
        #[serde(borrow)]
        value: Option<&'a RawValue>,
    }

    match serde_json::from_str(any.get()) {
        Ok(Any { type_url, value: Some(value) }) if type_url.as_deref() == Some(STRUCT) => {
            (type_url, value)
        }
        Ok(Any { type_url, .. }) => (type_url, any),
        Err(_) => (None, any),
    }
}

impl Operation {
    fn read(self) -> TaskDocument {
        let metadata = self.metadata.as_deref().map(|metadata| opened(metadata).1);
        let metadata: Metadata =
            metadata.and_then(|text| serde_json::from_str(text.get()).ok()).unwrap_or_default();
        let running = || {
            let state = metadata.state.as_deref().and_then(|state| state.parse().ok());
            let state = state.filter(|state: &TaskStatus| !state.is_terminal());
            state.unwrap_or(TaskStatus::ProcessingInProgress)
        };
        let status = match &self.error {
            _ if self.done != Some(true) => running().into(),
            Some(Object(error)) if error.code == Some(Code::CANCELLED.number()) => {
                ReportedStatus::Cancelled(Code::CANCELLED.name().into())
            }
            Some(_) => TaskStatus::ProcessingError.into(),
            None => TaskStatus::ProcessingCompleted.into(),
        };
        let id = self.name.rsplit('/').next().unwrap_or_default();
        let mut document = TaskDocument::new(id, status);
        document = document.with_command_type(metadata.verb);
        document = document.with_description(metadata.status_detail);
        document =
            document.with_progress(metadata.progress_percent.and_then(|p| p.try_into().ok()));
        document =
            document.with_timestamp(metadata.update_time.and_then(|at| parse_rfc3339(&at).ok()));
        if let Some(Object(error)) = self.error {
            document.with_response(error.read())
        } else if let Some(response) = self.response {
            document.with_response(response_of(&response))
        } else {
            document
        }
    }
}

impl Status {
    fn read(self) -> TaskResponse {
        let infos = self.details.iter();
        let mut infos = infos.filter_map(|info| serde_json::from_str::<ErrorInfo>(info.get()).ok());
        let info = infos.find(|info| *info.r#type == *ERROR_INFO);
        let code = Code::of_number(self.code.unwrap_or(Code::UNKNOWN.number()));
        let (reason, mut metadata) = match info {
            Some(info) => (info.reason, info.metadata),
            None => (code.name().into(), BTreeMap::new()),
        };
        let status = metadata.remove("status").unwrap_or_else(|| code.status_text().into());
        let error = ReportedError::Object {
            code: Some(reason),
            status: Some(status),
            description: self.message,
        };
        TaskResponse::default().with_error(error).with_additional_info(metadata.remove("info"))
    }
}

/// What a response has: ids alone, where it has nothing else.
fn response_of(response: &RawValue) -> TaskResponse {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Ids {
        resource_id: Option<ResourceId>,
        additional_resource_id: Option<ResourceId>,
    }

    let (type_url, resource) = opened(response);
    if type_url.as_deref() == Some(EMPTY) {
        return TaskResponse::default();
    }
    match serde_json::from_str(resource.get()) {
        Ok(Ids { resource_id: None, additional_resource_id: None }) | Err(_) => {
            TaskResponse::default().with_resource(resource)
        }
        Ok(Ids { resource_id, additional_resource_id }) => TaskResponse::default()
            .with_resource_id(resource_id)
            .with_additional_resource_id(additional_resource_id),
    }
}

impl Format for GoogleOperation {
    fn accepted(&self, links: &Links, task: &Task) -> Message {
        Message::new(200, self.operation(links, task))
    }

    fn polled(&self, links: &Links, task: &Task) -> Message {
        Message::new(200, self.operation(links, task))
    }

    fn list(&self, links: &Links, page: &Page, next: Option<&NextPage>) -> Message {
        let operations = page.tasks().iter().map(|task| self.operation(links, task));
        let operations: Vec<String> = operations.collect();
        let mut body = ["{\"operations\":[", &operations.join(","), "]"].concat();
        if let Some(next) = next {
            body += &[",\"nextPageToken\":\"", &next.cursor().to_string(), "\""].concat();
        }
        Message::new(200, body + "}")
    }

    fn refused(&self, refusal: &Refusal<'_>) -> Message {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Inner<'a>,
        }

        #[derive(Serialize)]
        struct Inner<'a> {
            code: u16,
            message: &'a str,
            status: &'a str,
            details: [ErrorInfo; 1],
        }

        // A method that a path doesn't have is one that the service has not implemented.
        let code = if refusal.status() == 405 { 501 } else { refusal.status() };
        let (message, status) = (refusal.message(), Code::of_http(code).name());
        let details = [ErrorInfo {
            r#type: ERROR_INFO.into(),
            reason: status.into(),
            domain: self.domain.clone(),
            metadata: BTreeMap::new(),
        }];
        let error = Inner { code, message, status, details };
        Message::new(code, to_json(&Body { error }))
    }

    fn list_parameters(&self) -> ListParameters {
        const MOST: NonZeroUsize = NonZeroUsize::new(ListParameters::MAX_LIMIT).unwrap();
        ListParameters::default()
            .with_limit("pageSize", MOST)
            .with_coerced_limit()
            .with_cursor("pageToken")
            .without_status()
            .without_changed_since()
            .with_unsupported("filter")
    }

    /// The address is the operation's name: what is asked for is below the service's base address.
    fn read_accepted(
        &self,
        _: &dyn Fn(&str) -> Option<Box<str>>,
        body: &[u8],
    ) -> Result<Accepted, DocumentError> {
        let operation: Operation = read_json(body)?;
        let href = Some(operation.name.clone());
        Ok(Accepted { task: Some(operation.read()), href })
    }

    fn read_task(&self, json: &[u8]) -> Result<TaskDocument, DocumentError> {
        read_json(json).map(Operation::read)
    }

    fn read_list(&self, json: &[u8]) -> Result<ListDocument, DocumentError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct List {
            #[serde(default)]
            operations: Vec<Object<Operation>>,
            next_page_token: Option<Box<str>>,
            error: Option<IgnoredAny>,
        }

        let List { operations, next_page_token, error } = read_json(json)?;
        if error.is_some() {
            return Err(DocumentError::new("expected a list of operations, got an `error`"));
        }
        let list = operations.into_iter().map(|Object(operation)| operation.read());
        let list = ListDocument::new(list.collect());
        // An empty token says that nothing follows.
        Ok(match next_page_token.filter(|token| !token.is_empty()) {
            Some(token) => list.with_next(token),
            None => list,
        })
    }

    fn read_refusal(&self, json: &[u8]) -> Result<ReportedRefusal, DocumentError> {
        #[derive(Deserialize)]
        struct Body {
            error: Object<Inner>,
        }

        #[derive(Deserialize)]
        struct Inner {
            code: Option<u16>,
            message: Option<Box<str>>,
            status: Option<Box<str>>,
        }

        let Body { error: Object(Inner { code, message, status }) } = read_json(json)?;
        Ok(ReportedRefusal { status: code, code: status, message })
    }
}
