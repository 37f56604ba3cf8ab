//! Wire formats: how tasks look to clients, and how clients read them.
//!
//! The engine knows tasks; a [`Format`] knows how an API shows them. It says what the accepting reply, a
//! read, a page and a refusal look like, with which headers, and how each is read back. `Replies` (feature
//! `http`), the mock, and the `Auditor` (feature `audit`) work with any.
//!
//! | format | of | source |
//! |---|---|---|
//! | [`RedisCloud`] | the task API of Redis Cloud, the default | [Manage API tasks](https://redis.io/docs/latest/operate/rc/api/get-started/manage-tasks/) |
//! | [`GoogleOperation`] | Google's long-running operations, as JSON over HTTP | [AIP-151](https://google.aip.dev/151), [AIP-158](https://google.aip.dev/158), [AIP-193](https://google.aip.dev/193) |
//! | [`AzureOperation`] | Azure's data plane | [Microsoft Azure REST API Guidelines](https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md#long-running-operations--jobs), long-running operations |
//! | [`AzureResourceManager`] | Azure Resource Manager | [Resource provider contract](https://github.com/cloud-and-ai-microsoft/resource-provider-contract/blob/master/v1.0/async-api-reference.md), asynchronous operations |
//!
//! | status | [`RedisCloud`] | [`GoogleOperation`] | [`AzureOperation`] | [`AzureResourceManager`] |
//! |---|---|---|---|---|
//! | `initialized` | `initialized` | `done: false` | `NotStarted` | `Accepted` |
//! | `received` | `received` | `done: false` | `NotStarted` | `Accepted` |
//! | `processing-in-progress` | `processing-in-progress` | `done: false` | `Running` | `InProgress` |
//! | `processing-completed` | `processing-completed` | `done: true`, `response` | `Succeeded` | `Succeeded` |
//! | `processing-error` | `processing-error` | `done: true`, `error` | `Failed` | `Failed` |
//! | not in this engine, but read as [`Cancelled`](crate::ReportedStatus::Cancelled) | | `done: true`, `error` with code 1 | `Canceled` | `Canceled` |
//!
//! An operation is cancelled in none of them: a request for it is refused.
//!
//! # A format of one's own
//!
//! An API whose jobs are `{"job": "…", "state": "queued" | "working" | "done" | "failed" | "stopped"}`, with
//! the address of what they made as `result`, and lists that are asked for with `?per_page=20&state=done`:
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
//!     ("queued", TaskStatus::Received), // the first name of a status is the one that is written
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
//!         "said": links.description_of(task),
//!         "result": links.resource_href(task),
//!         "reason": task.outcome().and_then(Result::err).map(TaskError::code),
//!     })
//! }
//!
//! #[derive(Deserialize)]
//! struct Job {
//!     job: Box<str>,
//!     state: Box<str>,
//!     said: Option<Box<str>>,
//!     result: Option<Box<str>>,
//!     reason: Option<Box<str>>,
//! }
//!
//! impl Job {
//!     fn read(self) -> TaskDocument {
//!         let status = match STATES.iter().find(|(state, _)| **state == *self.state) {
//!             Some((_, status)) => (*status).into(),
//!             None if *self.state == *"stopped" => ReportedStatus::Cancelled(self.state),
//!             None => ReportedStatus::Unknown(self.state), // a client goes on polling
//!         };
//!         let mut document = TaskDocument::new(self.job, status).with_description(self.said);
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
//!         Message::new(refusal.status(), json!({"wrong": refusal.message()}).to_string())
//!     }
//!
//!     fn list_parameters(&self) -> ListParameters {
//!         let parameters = ListParameters::default()
//!             .with_limit("per_page", NonZeroUsize::new(50).unwrap())
//!             .with_status("state");
//!         STATES.into_iter().fold(parameters, |all, (name, status)| all.with_status_name(name, status))
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
//!         struct Wrong {
//!             wrong: Box<str>,
//!         }
//!         let Wrong { wrong } = read_json(json)?;
//!         Ok(ReportedRefusal { message: Some(wrong), ..ReportedRefusal::default() })
//!     }
//! }
//!
//! let links = Links::new("https://video.example.com/api")?
//!     .with_tasks("/jobs")?
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
//! With `Replies::new(links).with_format(Jobs)` it is what a server answers, and with
//! `Auditor::with_format(Jobs)` what is audited.

mod azure;
mod built_in;
mod content;
mod google;
mod message;
mod parameters;
mod redis_cloud;

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

/// How an API shows its tasks, and how they are read back.
///
/// Writing can't fail, and reading refuses what is no document of the format. A document that was written
/// is read back as what it tells: its id, its status, and as much of the result and the error as it has.
///
/// A format sees a task and its links, and neither the request nor the clock.
///
/// Headers about caches, `ETag` and `Retry-After` are not the format's business: `Replies` sets them.
pub trait Format: fmt::Debug + Send + Sync {
    /// The reply to a request that was accepted as a task.
    fn accepted(&self, links: &Links, task: &Task) -> Message;

    /// The reply to a read of a task.
    fn polled(&self, links: &Links, task: &Task) -> Message;

    /// The reply to a read of what the task came to, at the task's address and `/result`. `None`, unless
    /// implemented: nothing is there.
    fn result(&self, links: &Links, task: &Task) -> Option<Message> {
        let _ = (links, task);
        None
    }

    /// The reply to a read of the list: a page, and where it goes on, if it does.
    fn list(&self, links: &Links, page: &Page, next: Option<&NextPage>) -> Message;

    /// The reply to a request that is refused, with the refusal's status unless the format has another for
    /// it.
    fn refused(&self, refusal: &Refusal<'_>) -> Message;

    /// The parameters of a request for the list; those of [`RedisCloud`], unless implemented.
    fn list_parameters(&self) -> ListParameters {
        ListParameters::default()
    }

    /// What a document of a task always has, for an auditor to miss it; nothing, unless implemented.
    fn required(&self) -> &'static [Required] {
        &[]
    }

    /// Whether a text is meant as a task, for an auditor that doesn't know what was asked for. Unless
    /// implemented: whether it can be read as one.
    fn is_task(&self, json: &[u8]) -> bool {
        self.read_task(json).is_ok()
    }

    /// Whether a text is meant as a list, likewise.
    fn is_list(&self, json: &[u8]) -> bool {
        self.read_list(json).is_ok()
    }

    /// Reads the reply to a request that was accepted: its body, and where to ask for the task. `header`
    /// gives the value of a header. Unless implemented, the body is a task or empty, and the address is in
    /// `Location`.
    ///
    /// # Errors
    /// Where there is a body, and it is no task.
    fn read_accepted(
        &self,
        header: &dyn Fn(&str) -> Option<Box<str>>,
        body: &[u8],
    ) -> Result<Accepted, DocumentError> {
        let task = if body.is_empty() { None } else { Some(self.read_task(body)?) };
        Ok(Accepted { task, href: header("location") })
    }

    /// Whether the `Location` of an answer that accepts leads to what the task came to, and not to its status:
    /// there is 202 until the task has ended, and 204 where it has nothing to show. Unless implemented: it doesn't.
    fn has_result_at_location(&self) -> bool {
        false
    }

    /// Reads a task.
    ///
    /// # Errors
    /// Where the text is none. The error says where.
    fn read_task(&self, json: &[u8]) -> Result<TaskDocument, DocumentError>;

    /// Reads a page of the list.
    ///
    /// # Errors
    /// Where the text is none.
    fn read_list(&self, json: &[u8]) -> Result<ListDocument, DocumentError>;

    /// Reads a refusal.
    ///
    /// # Errors
    /// Where the text is none.
    fn read_refusal(&self, json: &[u8]) -> Result<ReportedRefusal, DocumentError>;
}

/// A format that is chosen while the program runs.
impl Format for Box<dyn Format> {
    fn accepted(&self, links: &Links, task: &Task) -> Message {
        (**self).accepted(links, task)
    }

    fn polled(&self, links: &Links, task: &Task) -> Message {
        (**self).polled(links, task)
    }

    fn result(&self, links: &Links, task: &Task) -> Option<Message> {
        (**self).result(links, task)
    }

    fn list(&self, links: &Links, page: &Page, next: Option<&NextPage>) -> Message {
        (**self).list(links, page, next)
    }

    fn refused(&self, refusal: &Refusal<'_>) -> Message {
        (**self).refused(refusal)
    }

    fn list_parameters(&self) -> ListParameters {
        (**self).list_parameters()
    }

    fn required(&self) -> &'static [Required] {
        (**self).required()
    }

    fn is_task(&self, json: &[u8]) -> bool {
        (**self).is_task(json)
    }

    fn is_list(&self, json: &[u8]) -> bool {
        (**self).is_list(json)
    }

    fn read_accepted(
        &self,
        header: &dyn Fn(&str) -> Option<Box<str>>,
        body: &[u8],
    ) -> Result<Accepted, DocumentError> {
        (**self).read_accepted(header, body)
    }

    fn has_result_at_location(&self) -> bool {
        (**self).has_result_at_location()
    }

    fn read_task(&self, json: &[u8]) -> Result<TaskDocument, DocumentError> {
        (**self).read_task(json)
    }

    fn read_list(&self, json: &[u8]) -> Result<ListDocument, DocumentError> {
        (**self).read_list(json)
    }

    fn read_refusal(&self, json: &[u8]) -> Result<ReportedRefusal, DocumentError> {
        (**self).read_refusal(json)
    }
}

/// What a document of a task can always have, in a [`Format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Required {
    /// An id that is a UUID.
    Uuid,
    /// What was asked for.
    CommandType,
    /// When the task last changed.
    Timestamp,
    /// A link to the task itself.
    Itself,
}
