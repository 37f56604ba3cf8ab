//! What a client read, and what kind of answer it is.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Settings;
use super::path::Endpoint;
use super::rule::Rule;
use crate::document::{DocumentError, ListDocument, TaskDocument};
use crate::format::{Format, Required};
use crate::time::{self, Now};

/// What a client read from a server: one answer, and when it came.
///
/// From JSON it is read as `{"at": "2019-08-08T06:49:15.929Z", "body": {…}}`, and may also have
/// `account`, `request` and `status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reading {
    /// When the answer came, by the client's clock.
    #[serde(with = "time::as_text")]
    pub at: Now,
    /// Whose tasks they are; without it, all readings without it are one account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Method and path of the request, such as `GET /v1/tasks`; a whole URL and a query are as good,
    /// and a path alone was read with `GET`. Without it, the shape of the body decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The HTTP status of the answer. Without it, the body decides: it is an error where it has no
    /// `taskId` and its own `status` is the number of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the server answered, as it came: a document about a task, or a list of them. What is no
    /// JSON is left out, or stands here as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

/// What a reading tells of.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(super) enum Answer {
    Task {
        document: TaskDocument,
        /// Whether this is the answer to the request that submitted the task.
        submission: bool,
        /// The id of the task that was asked for, where one was.
        asked: Option<String>,
    },
    /// A list, and whether it has all tasks of the account.
    List { tasks: ListDocument, complete: bool },
    /// The task with this id is not there.
    NotFound(String),
    /// What should tell of tasks can't be read: the rule that it breaks, and how.
    Unreadable(Rule, String),
    /// Nothing about tasks.
    Other,
}

/// What a request asks for, as far as tasks go.
enum RequestKind {
    List {
        /// Whether it may leave out tasks.
        narrowed: bool,
    },
    Task(String),
    /// Something else, or a change.
    Other,
    Unknown,
}

impl Reading {
    pub(super) fn answer(&self, settings: &Settings) -> Answer {
        let format = &*settings.format;
        let (kind, only_head) = self.kind(settings);
        let text = self.body.as_ref().map_or("", |body| body.get());
        let is_task = format.is_task(text.as_bytes());
        // An error may have the HTTP status in its body.
        let told =
            || Some(format.read_refusal(text.as_bytes()).ok()?.status).filter(|_| !is_task)?;
        let told = || told().filter(|status| (400..=599).contains(status));
        match (self.status.or_else(told).unwrap_or(200), kind) {
            (404, RequestKind::Task(id)) => Answer::NotFound(id),
            (status, _) if !(200..=299).contains(&status) => Answer::Other,
            _ if only_head && text.is_empty() => Answer::Other,
            (_, RequestKind::List { narrowed }) => list(text, narrowed, format),
            (_, RequestKind::Task(id)) => match task(text, format, |_| false) {
                Answer::Task { document, submission, .. } => {
                    // A format may leave the id out: the request has it.
                    let named = !document.task_id().is_empty();
                    let document = if named { document } else { document.with_task_id(&id) };
                    Answer::Task { document, submission, asked: Some(id) }
                }
                answer => answer,
            },
            (_, RequestKind::Other) if is_task => task(text, format, |_| true),
            (_, RequestKind::Other) => Answer::Other,
            (_, RequestKind::Unknown) if !is_task && format.is_list(text.as_bytes()) => {
                list(text, false, format)
            }
            (_, RequestKind::Unknown) => {
                let links_itself = format.required().contains(&Required::Itself);
                task(text, format, |document| links_itself && document.link("self").is_none())
            }
        }
    }

    /// What was asked for, and whether the answer has no body whatever it is.
    fn kind(&self, settings: &Settings) -> (RequestKind, bool) {
        let mut words = self.request.as_deref().unwrap_or_default().split_ascii_whitespace();
        let (method, target) = match (words.next(), words.next()) {
            (Some(method), Some(target)) => (method, target),
            (Some(target), None) if target.contains('/') => ("GET", target),
            _ => return (RequestKind::Unknown, false),
        };
        let only_head = method.eq_ignore_ascii_case("HEAD");
        if !only_head && !method.eq_ignore_ascii_case("GET") {
            return (RequestKind::Other, false);
        }
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let kind = match settings.tasks.endpoint(path) {
            Some(Endpoint::List) => {
                RequestKind::List { narrowed: settings.parameters.narrows(query) }
            }
            Some(Endpoint::Task(id)) => RequestKind::Task(id),
            None => RequestKind::Other,
        };
        (kind, only_head)
    }
}

fn list(text: &str, narrowed: bool, format: &dyn Format) -> Answer {
    match format.read_list(text.as_bytes()) {
        Ok(tasks) => Answer::List { complete: !narrowed && tasks.next().is_none(), tasks },
        Err(error) => unreadable(text, &error, |without| {
            let tasks = match &mut *without {
                Value::Object(object) => object.get_mut("tasks"),
                array => Some(array),
            };
            tasks.and_then(Value::as_array_mut).into_iter().flatten().for_each(remove_links);
            format.read_list(without.to_string().as_bytes()).is_ok()
        }),
    }
}

fn task(
    text: &str,
    format: &dyn Format,
    is_submission: impl FnOnce(&TaskDocument) -> bool,
) -> Answer {
    match format.read_task(text.as_bytes()) {
        Ok(document) => {
            Answer::Task { submission: is_submission(&document), document, asked: None }
        }
        Err(error) => unreadable(text, &error, |without| {
            remove_links(without);
            format.read_task(without.to_string().as_bytes()).is_ok()
        }),
    }
}

/// Why a body can't be read: because of its links, if it is sound without them.
fn unreadable(
    text: &str,
    error: &DocumentError,
    is_sound_without_links: impl FnOnce(&mut Value) -> bool,
) -> Answer {
    if text.is_empty() {
        let what = "expected a document about a task, or a list of them, got no body";
        return Answer::Unreadable(Rule::Document, what.into());
    }
    let mut body = serde_json::from_str(text).unwrap_or_default();
    let rule = if is_sound_without_links(&mut body) { Rule::Link } else { Rule::Document };
    Answer::Unreadable(rule, format!("the body can't be read: {error}"))
}

fn remove_links(document: &mut Value) {
    if let Value::Object(fields) = document {
        fields.remove("links");
        fields.remove("_links");
    }
}
