//! Wire formats: how an API shows its tasks, and how its clients read them.
//!
//! A [`Format`] defines the responses of an API: their HTTP statuses, headers and bodies. There is
//! one for an accepted submission, a task, a page of the list, and a refusal. A format also reads
//! each of them. `Replies` (feature `http`), `Poller` (feature `poll`), `Auditor` (feature `audit`)
//! and the mock work with any format.
//!
//! | format | API | specification |
//! |---|---|---|
//! | [`RedisCloud`] | the task API of Redis Cloud; the default | [Manage API tasks](https://redis.io/docs/latest/operate/rc/api/get-started/manage-tasks/) |
//! | [`GoogleOperation`] | Google's long-running operations, as JSON over HTTP | [AIP-151](https://google.aip.dev/151), [AIP-158](https://google.aip.dev/158), [AIP-193](https://google.aip.dev/193) |
//! | [`AzureOperation`] | Azure's data plane | [Microsoft Azure REST API Guidelines](https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md#long-running-operations--jobs), long-running operations |
//! | [`AzureResourceManager`] | Azure Resource Manager | [Resource provider contract](https://github.com/cloud-and-ai-microsoft/resource-provider-contract/blob/master/v1.0/async-api-reference.md), asynchronous operations |
//!
//! They show the statuses as follows:
//!
//! | status | [`RedisCloud`] | [`GoogleOperation`] | [`AzureOperation`] | [`AzureResourceManager`] |
//! |---|---|---|---|---|
//! | `initialized` | `initialized` | `done: false` | `NotStarted` | `Accepted` |
//! | `received` | `received` | `done: false` | `NotStarted` | `Accepted` |
//! | `processing-in-progress` | `processing-in-progress` | `done: false` | `Running` | `InProgress` |
//! | `processing-completed` | `processing-completed` | `done: true`, `response` | `Succeeded` | `Succeeded` |
//! | `processing-error` | `processing-error` | `done: true`, `error` | `Failed` | `Failed` |
//! | [`Cancelled`](crate::ReportedStatus::Cancelled), only when reading | | `done: true`, `error` with code 1 | `Canceled` | `Canceled` |
//!
//! This crate's tasks can't be cancelled, so a server refuses a request to cancel an operation.
//!
//! # Writing your own format
//!
//! This format is for an API whose jobs look like
//! `{"job": "…", "state": "queued" | "working" | "done" | "failed" | "stopped"}`. A job that is
//! done has the address of its result. Clients ask for a list with `?per_page=20&state=done`.
//!
//! ```
//! use core::num::NonZeroUsize;
//! use serde::Deserialize;
//! use serde_json::json;
//! use tasklife::format::*;
//! use tasklife::*;
//!
//! #[derive(Debug)]
//! struct Jobs;
//!
//! const STATES: [(&str, TaskStatus); 5] = [
//!     ("queued", TaskStatus::Received), // `queued` is read as the first of these two
//!     ("queued", TaskStatus::Initialized),
//!     ("working", TaskStatus::ProcessingInProgress),
//!     ("done", TaskStatus::ProcessingCompleted),
//!     ("failed", TaskStatus::ProcessingError),
//! ];
//!
//! fn write(links: &Links, task: &Task) -> serde_json::Value {
//!     let state = STATES.iter().find(|(_, status)| *status == task.status());
//!     json!({
//!         "job": task.id(),
//!         "state": state.map(|(state, _)| state),
//!         "description": links.description_of(task),
//!         "result": links.resource_href(task),
//!         "reason": task.outcome().and_then(Result::err).map(TaskError::code),
//!     })
//! }
//!
//! #[derive(Deserialize)]
//! struct Job {
//!     job: Box<str>,
//!     state: Box<str>,
//!     description: Option<Box<str>>,
//!     result: Option<Box<str>>,
//!     reason: Option<Box<str>>,
//! }
//!
//! impl Job {
//!     fn read(self) -> TaskDocument {
//!         let status = match STATES.iter().find(|(state, _)| **state == *self.state) {
//!             Some((_, status)) => (*status).into(),
//!             None if *self.state == *"stopped" => ReportedStatus::Cancelled(self.state),
//!             None => ReportedStatus::Unknown(self.state), // clients keep polling
//!         };
//!         let mut document = TaskDocument::new(self.job, status).with_description(self.description);
//!         if let Some(result) = self.result {
//!             document = document.with_link("resource", result);
//!         }
//!         match self.reason {
//!             Some(reason) => document.with_error(ReportedError::Code(reason)),
//!             None => document,
//!         }
//!     }
//! }
//!
//! impl Format for Jobs {
//!     fn accepted(&self, links: &Links, task: &Task) -> Message {
//!         Message::new(202, write(links, task).to_string())
//!             .with_header("location", links.task_href(task.id()))
//!     }
//!
//!     fn polled(&self, links: &Links, task: &Task) -> Message {
//!         Message::new(200, write(links, task).to_string())
//!     }
//!
//!     fn list(&self, links: &Links, page: &Page, next: Option<&NextPage>) -> Message {
//!         let jobs: Vec<_> = page.tasks().iter().map(|task| write(links, task)).collect();
//!         let more = next.map(NextPage::href);
//!         Message::new(200, json!({"jobs": jobs, "more": more}).to_string())
//!     }
//!
//!     fn refused(&self, refusal: &Refusal<'_>) -> Message {
//!         Message::new(refusal.status(), json!({"message": refusal.message()}).to_string())
//!     }
//!
//!     fn list_parameters(&self) -> ListParameters {
//!         let parameters = ListParameters::default()
//!             .with_limit("per_page", NonZeroUsize::new(50).unwrap())
//!             .with_status("state");
//!         STATES.into_iter().fold(parameters, |parameters, (name, status)| {
//!             parameters.with_status_name(name, status)
//!         })
//!     }
//!
//!     fn read_task(&self, json: &[u8]) -> Result<TaskDocument, DocumentError> {
//!         read_json(json).map(Job::read)
//!     }
//!
//!     fn read_list(&self, json: &[u8]) -> Result<ListDocument, DocumentError> {
//!         #[derive(Deserialize)]
//!         struct List {
//!             jobs: Vec<Job>,
//!             more: Option<Box<str>>,
//!         }
//!         let List { jobs, more } = read_json(json)?;
//!         let list = ListDocument::new(jobs.into_iter().map(Job::read).collect());
//!         Ok(match more {
//!             Some(more) => list.with_next(more),
//!             None => list,
//!         })
//!     }
//!
//!     fn read_refusal(&self, json: &[u8]) -> Result<ReportedRefusal, DocumentError> {
//!         #[derive(Deserialize)]
//!         struct Body {
//!             message: Box<str>,
//!         }
//!         let Body { message } = read_json(json)?;
//!         Ok(ReportedRefusal { message: Some(message), ..ReportedRefusal::default() })
//!     }
//! }
//!
//! let links = Links::new("https://video.example.com/api")?
//!     .with_tasks_path("/jobs")?
//!     .with_route("transcode".parse()?, "/videos/{resourceId}", "getVideo")?;
//! let id = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
//! let submission = Submission::new("acme".parse()?, id, "transcode".parse()?);
//! let now = "2026-01-01T00:00:00Z".parse()?;
//! let mut clock = AccountClock::default();
//! let mut task = Task::new(submission, Retention::default(), now, clock.next(now));
//! for event in [TaskEvent::start(), TaskEvent::complete(Completion::of(7))] {
//!     clock.advance_to(&task);
//!     task.apply(event, Retention::default(), now, clock.next(now))?;
//! }
//! let read = Jobs.read_task(Jobs.polled(&links, &task).body().as_bytes())?;
//! assert_eq!(read.status().known(), Some(TaskStatus::ProcessingCompleted));
//! let result = read.link("resource").and_then(TaskLink::href);
//! assert_eq!(result, Some("https://video.example.com/api/videos/7"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server answers in this format with `Replies::new(links).with_format(Jobs)`. To audit such a
//! server, use `Auditor::with_format(Jobs)`.

mod azure;
mod boxed;
mod built_in;
mod content;
mod google;
mod message;
mod parameters;
mod redis_cloud;
mod required;

use alloc::boxed::Box;
use core::fmt;

use crate::document::{DocumentError, ListDocument, TaskDocument};
use crate::link::Links;
use crate::store::Page;
use crate::task::Task;

pub use crate::document::read_json;
pub use azure::{AzureOperation, AzureResourceManager};
pub use built_in::BuiltIn;
pub use google::GoogleOperation;
pub use message::{Accepted, Message, NextPage, Refusal, ReportedRefusal};
pub use parameters::{ListParameters, ParameterError};
pub use redis_cloud::RedisCloud;
pub use required::RequiredPart;

/// How an API shows its tasks, and how its clients read them.
///
/// Writing can't fail. Reading fails if the JSON is not a document of the format. A document that
/// was written can be read, with the same id, the same status, and as much of the result and the
/// error as the document has.
///
/// A format sees a task and its links, but neither the request nor the clock. It does not set
/// `ETag`, `Retry-After` or the headers about caches. `Replies` does.
///
/// The methods come in three groups: what a server writes, what it reads from a request, and what a
/// client reads.
pub trait Format: fmt::Debug + Send + Sync {
    // What a server writes.

    /// Returns the response to a request that was accepted as a task.
    fn accepted(&self, links: &Links, task: &Task) -> Message;

    /// Returns the response to a read of a task.
    fn polled(&self, links: &Links, task: &Task) -> Message;

    /// Returns the response to a read of a task's result, at the task's address followed by
    /// `/result`.
    ///
    /// The default is `None`: the format has no such address.
    fn result(&self, links: &Links, task: &Task) -> Option<Message> {
        let _ = (links, task);
        None
    }

    /// Returns the response to a read of the list: a page, and the next page if there is one.
    fn list(&self, links: &Links, page: &Page, next: Option<&NextPage>) -> Message;

    /// Returns the response to a request that is refused.
    ///
    /// Its HTTP status is the one of the refusal, unless the format demands another.
    fn refused(&self, refusal: &Refusal<'_>) -> Message;

    // What a server reads.

    /// Returns the query parameters of a request for the list.
    ///
    /// The default is the parameters of [`RedisCloud`].
    fn list_parameters(&self) -> ListParameters {
        ListParameters::default()
    }

    // What a client reads, and what an auditor demands.

    /// Returns the parts that every document of a task has. An auditor reports those that a
    /// document lacks.
    ///
    /// The default is none.
    fn required(&self) -> &'static [RequiredPart] {
        &[]
    }

    /// Returns whether the JSON is meant to be a task.
    ///
    /// An auditor needs this if it doesn't know what was requested. A poller needs it to
    /// distinguish the status of a task from the resource that the task makes.
    ///
    /// The default is whether [`read_task`](Self::read_task) succeeds.
    fn is_task(&self, json: &[u8]) -> bool {
        self.read_task(json).is_ok()
    }

    /// Returns whether the JSON is meant to be a list. An auditor needs this if it doesn't know
    /// what was requested.
    ///
    /// The default is whether [`read_list`](Self::read_list) succeeds.
    fn is_list(&self, json: &[u8]) -> bool {
        self.read_list(json).is_ok()
    }

    /// Reads the response to a request that was accepted: the task in its body, and the task's
    /// address. `header` returns the value of a header.
    ///
    /// By default, the body is a task or empty, and the address is in `Location`.
    ///
    /// # Errors
    ///
    /// Returns [`DocumentError`] if there is a body and it is not a task.
    fn read_accepted(
        &self,
        header: &dyn Fn(&str) -> Option<Box<str>>,
        body: &[u8],
    ) -> Result<Accepted, DocumentError> {
        let task = if body.is_empty() { None } else { Some(self.read_task(body)?) };
        Ok(Accepted { task, href: header("location") })
    }

    /// Returns whether the `Location` of an accepting response leads to the task's result, and not
    /// to its status.
    ///
    /// Such an address answers 202 until the task has ended. Then it answers with the result, or
    /// with 204 if there is nothing to show. The default is `false`.
    fn has_result_at_location(&self) -> bool {
        false
    }

    /// Reads a task.
    ///
    /// # Errors
    ///
    /// Returns [`DocumentError`] if the JSON is not a task. The error says where.
    fn read_task(&self, json: &[u8]) -> Result<TaskDocument, DocumentError>;

    /// Reads a page of the list.
    ///
    /// # Errors
    ///
    /// Returns [`DocumentError`] if the JSON is not a list.
    fn read_list(&self, json: &[u8]) -> Result<ListDocument, DocumentError>;

    /// Reads a refusal.
    ///
    /// # Errors
    ///
    /// Returns [`DocumentError`] if the JSON is not a refusal.
    fn read_refusal(&self, json: &[u8]) -> Result<ReportedRefusal, DocumentError>;
}
