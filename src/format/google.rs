//! Google's long-running operations, as JSON over HTTP.

mod code;
mod read;
mod write;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::message::to_json;
use super::{Accepted, Format, ListParameters, Message, NextPage, Refusal, ReportedRefusal};
use crate::document::{DocumentError, ListDocument, TaskDocument, read_json};
use crate::json::Object;
use crate::link::Links;
#[cfg(doc)]
use crate::status::TaskStatus;
use crate::store::Page;
use crate::task::Task;

use code::Code;
use read::Operation;

/// Google's long-running operations: the JSON form of `google.longrunning.Operation` ([AIP-151]).
///
/// | field | |
/// |---|---|
/// | `name` | the path of the task below the base address, without the leading slash, such as `operations/{taskId}` with [`Links::with_tasks_path`] `/operations` |
/// | `done` | whether the task has ended |
/// | `metadata` | `verb` (the command type), `state` (the status), `statusDetail` (the description), `progressPercent`, `createTime`, `updateTime`, and after the end `endTime` |
/// | `response` | after completion: the completion's resource, or its ids as `resourceId` and `additionalResourceId`, or else a `google.protobuf.Empty` |
/// | `error` | after failure: a `google.rpc.Status` with the [code] for the error's HTTP status, its description, and a `google.rpc.ErrorInfo` whose `reason` is the error's code ([AIP-193]) |
///
/// The response to a submission is 200 with the operation. A list is
/// `{"operations", "nextPageToken"}`. Its parameters are `pageSize` and `pageToken` ([AIP-158]); a
/// `pageSize` above 1,000 counts as 1,000, and a `filter` is refused. A refusal is
/// `{"error": {"code", "message", "status", "details"}}`: the HTTP status, its canonical name as
/// `status`, and an `ErrorInfo` with that name as its reason.
///
/// `metadata` and `response` are `google.protobuf.Struct`s, unless you set
/// [types](Self::with_metadata_type). A client can read a `Struct` without knowing the service (in
/// Python, it must import `google.protobuf.struct_pb2`).
///
/// Operations can be neither cancelled nor deleted. A method that is not allowed is refused with
/// 501 and `UNIMPLEMENTED`, as AIP-151 demands of a service that doesn't support it.
///
/// Operations of other services can be read too. The error `CANCELLED` is read as
/// [`Cancelled`](crate::ReportedStatus::Cancelled). An operation that is not done is
/// `processing-in-progress`, unless its metadata has a `state` that is a non-terminal
/// [`TaskStatus`].
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
    /// Creates the format for a service with this domain, such as `video.example.com`. The
    /// `ErrorInfo`s contain the domain.
    #[must_use]
    pub fn new(domain: impl Into<Box<str>>) -> Self {
        Self { domain: domain.into(), metadata_type: None, response_type: None }
    }

    /// Sets the type of `metadata`, such as `type.googleapis.com/video.v1.OperationMetadata`. The
    /// message must have the fields in the table above.
    #[must_use]
    pub fn with_metadata_type(self, url: impl Into<Box<str>>) -> Self {
        Self { metadata_type: Some(url.into()), ..self }
    }

    /// Sets the type of `response`, such as `type.googleapis.com/video.v1.Video`. The completion's
    /// resource is the JSON form of the message.
    #[must_use]
    pub fn with_response_type(self, url: impl Into<Box<str>>) -> Self {
        Self { response_type: Some(url.into()), ..self }
    }
}

const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";
const EMPTY: &str = "type.googleapis.com/google.protobuf.Empty";
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

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

        // Google's APIs answer 501 to a method that a path doesn't have.
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
        ListParameters::default()
            .with_limit("pageSize", ListParameters::MAX_LIMIT)
            .with_lenient_values()
            .with_cursor("pageToken")
            .without_status()
            .without_changed_since()
            .with_unsupported("filter")
    }

    /// The address is the operation's name, relative to the service's base address.
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
        // An empty token means that this is the last page.
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
