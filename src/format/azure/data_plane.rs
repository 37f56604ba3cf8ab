//! The long-running operations of Azure's data plane.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ReadError, WrittenError, list, list_parameters, read_list, read_refusal, refused};
use crate::document::{DocumentError, ListDocument, ReportedStatus, TaskDocument, read_json};
use crate::event::Progress;
use crate::format::content::{Content, response_of};
use crate::format::message::to_json;
use crate::format::{
    Accepted, Format, ListParameters, Message, NextPage, Refusal, ReportedRefusal,
};
use crate::json::Object;
use crate::link::Links;
use crate::status::TaskStatus;
use crate::store::Page;
use crate::task::Task;
use crate::time::{Rfc3339, parse_rfc3339};

/// The long-running operations of Azure's data plane, as in the [guidelines].
///
/// The response to a submission is 202 with the status monitor. Its address is in
/// `Operation-Location`, and the task's id in `Operation-Id`. Azure's own clients need an absolute
/// address, so give [`Links`] a base address with a host.
///
/// | field of the status monitor | |
/// |---|---|
/// | `id` | the task's id |
/// | `kind` | the command type |
/// | `status` | `NotStarted`, `Running`, `Succeeded`, `Failed` |
/// | `percentComplete` | the progress, if a report contained it |
/// | `createdDateTime` | when the task was submitted |
/// | `lastUpdatedDateTime` | when the task last changed |
/// | `result` | after success: the completion's resource, or its ids as `resourceId` and `additionalResourceId` |
/// | `resourceLocation` | after success: the address of the resource, from which clients read it; only if the command type has a [route](Links::with_route) and is not a [deletion](Links::with_deletion) |
/// | `error` | after failure: `{"code", "message"}`, and `innererror` with the additional information, if any |
///
/// A list is `{"value", "nextLink"}`. Its parameter is `maxpagesize`; a value above 1,000 counts as
/// 1,000. A refusal is `{"error": {"code", "message"}}`, with the code in `x-ms-error-code` too.
///
/// When reading, the names of statuses are compared without regard to case, as Azure's clients do.
/// `Canceled` and `Cancelled` are both read as [`Cancelled`](ReportedStatus::Cancelled).
///
/// [guidelines]: https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md#long-running-operations--jobs
///
/// ```
/// use tasklife::format::{AzureOperation, Format};
/// use tasklife::TaskStatus;
///
/// let read = AzureOperation.read_task(br#"{"id": "7", "status": "Running"}"#)?;
/// assert_eq!(read.status().known(), Some(TaskStatus::ProcessingInProgress));
/// # Ok::<(), tasklife::DocumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AzureOperation;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenMonitor<'a> {
    id: String,
    kind: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent_complete: Option<Progress>,
    created_date_time: Rfc3339,
    last_updated_date_time: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<WrittenError<'a>>,
}

fn monitor(links: &Links, task: &Task) -> String {
    let completion = task.outcome().and_then(Result::ok);
    to_json(&WrittenMonitor {
        id: task.id().to_string(),
        kind: task.command_type().as_str(),
        status: match task.status() {
            TaskStatus::Initialized | TaskStatus::Received => "NotStarted",
            TaskStatus::ProcessingInProgress => "Running",
            TaskStatus::ProcessingCompleted => "Succeeded",
            TaskStatus::ProcessingError => "Failed",
        },
        percent_complete: task.progress(),
        created_date_time: Rfc3339(task.submitted_at()),
        last_updated_date_time: Rfc3339(task.updated_at()),
        result: completion.and_then(Content::of),
        resource_location: links.resource_href(task),
        error: task.outcome().and_then(Result::err).map(WrittenError::of),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Monitor {
    id: Box<str>,
    status: Box<str>,
    kind: Option<Box<str>>,
    percent_complete: Option<f64>,
    last_updated_date_time: Option<Box<str>>,
    result: Option<Box<RawValue>>,
    resource_location: Option<Box<str>>,
    error: Option<Object<ReadError>>,
}

impl Monitor {
    fn read(self) -> TaskDocument {
        let status = match self.status.to_ascii_lowercase().as_str() {
            "notstarted" => TaskStatus::Received.into(),
            "running" => TaskStatus::ProcessingInProgress.into(),
            "succeeded" => TaskStatus::ProcessingCompleted.into(),
            "failed" => TaskStatus::ProcessingError.into(),
            "canceled" | "cancelled" => ReportedStatus::Cancelled(self.status),
            _ => ReportedStatus::Unknown(self.status),
        };
        let timestamp = self.last_updated_date_time.and_then(|at| parse_rfc3339(&at).ok());
        let document = TaskDocument::new(self.id, status)
            .with_command_type(self.kind)
            .with_progress(self.percent_complete.and_then(Progress::of_percentage))
            .with_timestamp(timestamp);
        let document = match self.resource_location {
            Some(href) => document.with_link("resource", href),
            None => document,
        };
        match (self.error, self.result) {
            (Some(Object(error)), _) => document.with_response(error.into_response()),
            (None, Some(result)) => document.with_response(response_of(&result)),
            (None, None) => document,
        }
    }
}

impl Format for AzureOperation {
    fn accepted(&self, links: &Links, task: &Task) -> Message {
        Message::new(202, monitor(links, task))
            .with_header("operation-location", links.task_href(task.id()))
            .with_header("operation-id", task.id().to_string())
    }

    fn polled(&self, links: &Links, task: &Task) -> Message {
        Message::new(200, monitor(links, task))
    }

    fn list(&self, links: &Links, page: &Page, next: Option<&NextPage>) -> Message {
        let monitors: Vec<_> = page.tasks().iter().map(|task| monitor(links, task)).collect();
        list(&monitors, next)
    }

    fn refused(&self, refusal: &Refusal<'_>) -> Message {
        refused(refusal)
    }

    fn list_parameters(&self) -> ListParameters {
        list_parameters()
    }

    /// The address is in `Operation-Location`.
    fn read_accepted(
        &self,
        header: &dyn Fn(&str) -> Option<Box<str>>,
        body: &[u8],
    ) -> Result<Accepted, DocumentError> {
        // Some services answer with the resource or with nothing, so only the address is certain.
        let task = self.read_task(body).ok();
        Ok(Accepted { task, href: header("operation-location") })
    }

    fn read_task(&self, json: &[u8]) -> Result<TaskDocument, DocumentError> {
        read_json(json).map(Monitor::read)
    }

    fn read_list(&self, json: &[u8]) -> Result<ListDocument, DocumentError> {
        read_list(json, |monitor: Monitor| Ok(monitor.read()))
    }

    fn read_refusal(&self, json: &[u8]) -> Result<ReportedRefusal, DocumentError> {
        read_refusal(json)
    }
}
