//! The JSON documents that clients see, written from tasks and read back.

mod error;
mod json;
mod links;
mod list;
mod read;
mod response;
mod status;
mod write;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use crate::json::append;
use crate::link::Links;
use crate::task::Task;

pub use error::DocumentError;
pub use json::read_json;
pub use links::TaskLink;
pub use list::ListDocument;
pub use read::TaskDocument;
pub use response::{ReportedError, TaskResponse};
pub use status::ReportedStatus;

/// The JSON document of a task or of a list of tasks, before it is written.
///
/// [`Links::accepted`], [`Links::polled`] and [`Links::list`] create one.
///
/// A document borrows the task and copies nothing. Write it with [`write_to`](Self::write_to), or
/// format it: `{}` is compact, and `{:#}` is indented by two spaces, as in the API's documentation.
/// It also implements `Serialize`, so you can pass it to the JSON response of an HTTP library. For
/// example, in a handler of axum:
///
/// ```
/// # use tasklife::{Links, Task};
/// use axum::Json;
/// use axum::response::{IntoResponse, Response};
///
/// fn answer(links: &Links, task: Task) -> Response {
///     Json(links.polled(&task)).into_response()
/// }
/// ```
///
/// `Replies` (feature `http`) also sets the headers.
///
/// | field | content | present |
/// |---|---|---|
/// | `taskId`, `commandType`, `status` | the task | always |
/// | `description` | [`Links::description_of`] the task | if there is one |
/// | `progress` | [`Task::progress`], 0 to 100 | if a report set it, even after the task has ended |
/// | `timestamp` | [`Task::updated_at`]: RFC 3339 in UTC, with 0, 3, 6 or 9 fraction digits | always |
/// | `response` | `resourceId`, `additionalResourceId` and `resource` of the completion, or `error` and `additionalInfo` of the error | once the task has ended |
/// | `_links` or `links` | see [`LinkShape`](crate::LinkShape) | always |
///
/// A list is `{"tasks": […]}`. An empty list is `{}`, as in the live API. If a list has further
/// pages, `Replies` (feature `http`) can add the link `next`.
///
/// ```
/// # use tasklife::*;
/// # let id = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
/// # let submission = Submission::new("acme".parse()?, id, "subscriptionCreateRequest".parse()?);
/// # let now = "2019-08-08T06:49:15Z".parse()?;
/// # let task = Task::new(submission, Retention::default(), now, AccountClock::default().next(now));
/// let links = Links::new("/v1")?;
/// assert_eq!(
///     links.polled(&task).to_string(),
///     r#"{"taskId":"36d4b04d-72d4-4404-8600-a223120a553e","#.to_owned()
///         + r#""commandType":"subscriptionCreateRequest","status":"received","#
///         + r#""description":"Task request received and is being queued for processing.","#
///         + r#""timestamp":"2019-08-08T06:49:15Z","#
///         + r#""_links":{"self":{"href":"/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e","#
///         + r#""type":"GET"}}}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    links: &'a Links,
    about: About<'a>,
}

#[derive(Clone, Copy, Debug)]
enum About<'a> {
    Accepted(&'a Task),
    Polled(&'a Task),
    /// Tasks, and the address of the next page.
    List(&'a [Task], Option<&'a str>),
}

impl Links {
    /// Creates the document of an accepted submission, with the link `task`.
    #[must_use]
    pub fn accepted<'a>(&'a self, task: &'a Task) -> Document<'a> {
        Document { links: self, about: About::Accepted(task) }
    }

    /// Creates the document of a task that a client polls.
    ///
    /// It has the link `self`. Before that, it has the link `resource` if the task completed with
    /// the ids that its [route](Self::with_route) needs.
    #[must_use]
    pub fn polled<'a>(&'a self, task: &'a Task) -> Document<'a> {
        Document { links: self, about: About::Polled(task) }
    }

    /// Creates the document of a list, with each task as in [`polled`](Self::polled).
    pub(crate) fn of_list<'a>(&'a self, tasks: &'a [Task], next: Option<&'a str>) -> Document<'a> {
        Document { links: self, about: About::List(tasks, next) }
    }
}

impl Document<'_> {
    /// Appends the document to `out` in its compact form.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let written = append(self, out);
        debug_assert!(written.is_ok(), "a document can be written: {written:?}");
    }

    /// Returns the document in its compact form.
    pub(crate) fn to_json(self) -> String {
        let mut json = Vec::new();
        self.write_to(&mut json);
        let json = String::from_utf8(json);
        debug_assert!(json.is_ok(), "a document is UTF-8: {json:?}");
        json.unwrap_or_default()
    }
}

impl Serialize for Document<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { links, about } = *self;
        match about {
            About::Accepted(task) => write::accepted(links, task, serializer),
            About::Polled(task) => write::Polled(links, task).serialize(serializer),
            About::List(tasks, next) => {
                let tasks = tasks.iter().map(|task| write::Polled(links, task));
                let next = next.map(|href| (links.shape(), href));
                write::list(tasks, next, serializer)
            }
        }
    }
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { display_json(self, f) } else { f.write_str(&self.to_json()) }
    }
}

fn display_json(value: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&to_json(value, f.alternate()))
}

/// Returns the JSON of a document, compact or indented by two spaces.
///
/// Writing can't fail, since a document consists of string keys, strings, numbers and valid JSON.
fn to_json(document: &impl Serialize, pretty: bool) -> String {
    let write = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
    let json = write(document);
    debug_assert!(json.is_ok(), "a document can be written: {json:?}");
    json.unwrap_or_default()
}
