//! Readings, and what the answer in each is.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::path::Endpoint;
use super::rule::Rule;
use super::settings::Settings;
use crate::document::{DocumentError, ListDocument, TaskDocument};
use crate::format::{Format, RequiredPart};
use crate::time::{self, Timestamp};

/// One answer of a server, and when the client received it.
///
/// The JSON form is `{"at": "2019-08-08T06:49:15.929Z", "body": {…}}`. It may also have `account`,
/// `request` and `status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reading {
    /// When the client received the answer, by its own clock.
    #[serde(with = "time::as_text")]
    pub at: Timestamp,
    /// The account to which the tasks belong. All readings without one belong to the same account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The method and the path of the request, such as `GET /v1/tasks`.
    ///
    /// Instead of the path you can give a URL, and either may have a query. A path without a method
    /// means `GET`. Without a request, the shape of the body decides what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The HTTP status of the answer.
    ///
    /// Without one, the body decides: if it has no `taskId`, and its own `status` is a number from
    /// 400 to 599, that number is the HTTP status. Otherwise the HTTP status is 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body of the answer: a document about a task, or a list of them.
    ///
    /// Leave out a body that is not JSON, or give it as a JSON string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

/// What the answer in a reading is.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(super) enum Answer {
    Task {
        document: TaskDocument,
        /// Whether this is the answer to the request that submitted the task.
        is_submission: bool,
        /// The id in the path of the request, if the request was for a task.
        requested_id: Option<String>,
    },
    List {
        tasks: ListDocument,
        /// Whether it has all tasks of the account.
        is_complete: bool,
    },
    /// The task with this id is not there.
    NotFound(String),
    /// A body that should be about tasks can't be read: the rule that it breaks, and how.
    Unreadable(Rule, String),
    NotAboutTasks,
}

/// What a request asks for.
enum RequestKind {
    List {
        /// Whether the query may leave out tasks.
        is_filtered: bool,
    },
    /// The task with this id.
    Task(String),
    /// Anything that is not a read of tasks.
    Other,
    Unknown,
}

impl Reading {
    /// Decides what the answer is, from the request, the status and the body.
    pub(super) fn answer(&self, settings: &Settings) -> Answer {
        let format = &*settings.format;
        let (kind, is_head) = self.request_kind(settings);
        let text = self.body.as_ref().map_or("", |body| body.get());
        let is_task = format.is_task(text.as_bytes());
        // The body of an error may have the HTTP status.
        let status_in_body = || {
            let refusal = format.read_refusal(text.as_bytes()).ok().filter(|_| !is_task)?;
            refusal.status.filter(|status| (400..=599).contains(status))
        };
        match (self.status.or_else(status_in_body).unwrap_or(200), kind) {
            (404, RequestKind::Task(id)) => Answer::NotFound(id),
            (status, _) if !(200..=299).contains(&status) => Answer::NotAboutTasks,
            _ if is_head && text.is_empty() => Answer::NotAboutTasks,
            (_, RequestKind::List { is_filtered }) => list(text, is_filtered, format),
            (_, RequestKind::Task(id)) => match task(text, format, |_| false) {
                Answer::Task { document, is_submission, .. } => {
                    // A format may leave out the id. Then the request has it.
                    let has_id = !document.task_id().is_empty();
                    let document = if has_id { document } else { document.with_task_id(&id) };
                    Answer::Task { document, is_submission, requested_id: Some(id) }
                }
                answer => answer,
            },
            (_, RequestKind::Other) if is_task => task(text, format, |_| true),
            (_, RequestKind::Other) => Answer::NotAboutTasks,
            (_, RequestKind::Unknown) if !is_task && format.is_list(text.as_bytes()) => {
                list(text, false, format)
            }
            (_, RequestKind::Unknown) => {
                // The answer to a submission has the link `task`, and that to a read `self`.
                let has_self_links = format.required().contains(&RequiredPart::SelfLink);
                task(text, format, |document| has_self_links && document.link("self").is_none())
            }
        }
    }

    /// Returns what the request asks for, and whether it is a `HEAD`.
    fn request_kind(&self, settings: &Settings) -> (RequestKind, bool) {
        let mut words = self.request.as_deref().unwrap_or_default().split_ascii_whitespace();
        let (method, target) = match (words.next(), words.next()) {
            (Some(method), Some(target)) => (method, target),
            (Some(target), None) if target.contains('/') => ("GET", target),
            _ => return (RequestKind::Unknown, false),
        };
        let is_head = method.eq_ignore_ascii_case("HEAD");
        if !is_head && !method.eq_ignore_ascii_case("GET") {
            return (RequestKind::Other, false);
        }
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let kind = match settings.tasks_path.endpoint(path) {
            Some(Endpoint::List) => {
                RequestKind::List { is_filtered: settings.parameters.may_leave_out_tasks(query) }
            }
            Some(Endpoint::Task(id)) => RequestKind::Task(id),
            None => RequestKind::Other,
        };
        (kind, is_head)
    }
}

/// Reads a body as a list.
fn list(text: &str, is_filtered: bool, format: &dyn Format) -> Answer {
    match format.read_list(text.as_bytes()) {
        Ok(tasks) => Answer::List { is_complete: !is_filtered && tasks.next().is_none(), tasks },
        Err(error) => unreadable(text, &error, |body| {
            let tasks = match &mut *body {
                Value::Object(object) => object.get_mut("tasks"),
                array => Some(array),
            };
            tasks.and_then(Value::as_array_mut).into_iter().flatten().for_each(remove_links);
            format.read_list(body.to_string().as_bytes()).is_ok()
        }),
    }
}

/// Reads a body as a task.
fn task(
    text: &str,
    format: &dyn Format,
    is_submission: impl FnOnce(&TaskDocument) -> bool,
) -> Answer {
    match format.read_task(text.as_bytes()) {
        Ok(document) => {
            let is_submission = is_submission(&document);
            Answer::Task { document, is_submission, requested_id: None }
        }
        Err(error) => unreadable(text, &error, |body| {
            remove_links(body);
            format.read_task(body.to_string().as_bytes()).is_ok()
        }),
    }
}

/// Returns the answer for a body that can't be read. If it can be read without its links, they are
/// at fault.
fn unreadable(
    text: &str,
    error: &DocumentError,
    is_readable_without_links: impl FnOnce(&mut Value) -> bool,
) -> Answer {
    if text.is_empty() {
        let what = "expected a document about a task, or a list of them, got no body";
        return Answer::Unreadable(Rule::Document, what.into());
    }
    let mut body = serde_json::from_str(text).unwrap_or_default();
    let rule = if is_readable_without_links(&mut body) { Rule::Link } else { Rule::Document };
    Answer::Unreadable(rule, format!("the body can't be read: {error}"))
}

fn remove_links(document: &mut Value) {
    if let Value::Object(fields) = document {
        fields.remove("links");
        fields.remove("_links");
    }
}
