//! What a client read, and what kind of answer it is.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::rule::Rule;
use crate::document::{DocumentError, ListDocument, TaskDocument};
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
    /// Method and path of the request, such as `GET /v1/tasks`. Without it, the shape of the body
    /// decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The HTTP status of the answer. Without it, the body decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the server answered, as it came: a document about a task, or a list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

/// What a reading tells of.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(super) enum Answer {
    Task(Result<TaskDocument, (Rule, String)>),
    /// A list, and whether it has all tasks of the account.
    List {
        tasks: Result<ListDocument, (Rule, String)>,
        complete: bool,
    },
    /// The task with this id is not there.
    NotFound(String),
    /// Nothing about tasks.
    Other,
}

/// What a request asks for, as far as tasks go.
enum Asked<'a> {
    List {
        filtered: bool,
    },
    Task(&'a str),
    /// Something else, or unknown.
    Unknown,
}

impl Reading {
    pub(super) fn answer(&self) -> Answer {
        let text = self.body.as_ref().map_or("null", |body| body.get());
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let asked = self.asked();
        let not_found = |status: u64| match asked {
            Asked::Task(id) if status == 404 => Answer::NotFound(id.into()),
            _ => Answer::Other,
        };
        match self.status {
            Some(200..=299) => {}
            Some(status) => return not_found(status.into()),
            None => {
                // An error has the HTTP status as a number in its body.
                if let Some(status) = body.get("status").and_then(Value::as_u64) {
                    return not_found(status);
                }
            }
        }
        let is_task = body.get("taskId").is_some();
        let is_list = body.is_array()
            || body.as_object().is_some_and(|o| o.is_empty() || o.contains_key("tasks"));
        match asked {
            Asked::List { filtered } => list(text, &body, filtered),
            Asked::Unknown if !is_task && self.request.is_some() => Answer::Other,
            Asked::Unknown if !is_task && is_list => list(text, &body, false),
            Asked::Unknown | Asked::Task(_) => Answer::Task(task(text, body)),
        }
    }

    /// Whether this is the answer to the request that submitted the task.
    pub(super) fn is_submission(&self) -> bool {
        match (&self.request, self.asked()) {
            (Some(_), Asked::Unknown) => true,
            (Some(_), _) => false,
            (None, _) => {
                let document = self.body.as_ref().map_or("", |body| body.get()).as_bytes();
                let document = TaskDocument::from_json(document);
                document.is_ok_and(|document| document.link("self").is_none())
            }
        }
    }

    fn asked(&self) -> Asked<'_> {
        let Some((method, target)) = self.request.as_deref().and_then(|r| r.trim().split_once(' '))
        else {
            return Asked::Unknown;
        };
        let (path, query) = target.trim().split_once('?').unwrap_or((target.trim(), ""));
        let path = path.trim_end_matches('/');
        if !method.eq_ignore_ascii_case("GET") {
            return Asked::Unknown;
        }
        // A limit alone leaves nothing out that is not said to follow.
        let filtered =
            query.split('&').any(|field| !field.is_empty() && !field.starts_with("limit="));
        match path.rsplit_once('/') {
            Some((_, "tasks")) => Asked::List { filtered },
            Some((before, id)) if before.ends_with("/tasks") => Asked::Task(id),
            _ if path == "tasks" => Asked::List { filtered },
            _ => Asked::Unknown,
        }
    }
}

fn list(text: &str, body: &Value, filtered: bool) -> Answer {
    let has_next = ["_links", "links"].iter().filter_map(|key| body.get(key)).any(|links| {
        let named = |link: &Value| link.get("rel").is_some_and(|rel| rel == "next");
        links.get("next").is_some() || links.as_array().is_some_and(|all| all.iter().any(named))
    });
    let tasks = TaskDocument::list_from_json(text.as_bytes()).map_err(|error| {
        let mut without = body.clone();
        let tasks = match &mut without {
            Value::Object(object) => object.get_mut("tasks"),
            array => Some(array),
        };
        tasks.and_then(Value::as_array_mut).into_iter().flatten().for_each(remove_links);
        let sound = TaskDocument::list_from_json(without.to_string().as_bytes()).is_ok();
        fault(&error, sound)
    });
    Answer::List { tasks, complete: !has_next && !filtered }
}

fn task(text: &str, mut body: Value) -> Result<TaskDocument, (Rule, String)> {
    TaskDocument::from_json(text.as_bytes()).map_err(|error| {
        remove_links(&mut body);
        fault(&error, TaskDocument::from_json(body.to_string().as_bytes()).is_ok())
    })
}

fn remove_links(document: &mut Value) {
    if let Value::Object(fields) = document {
        fields.remove("links");
        fields.remove("_links");
    }
}

/// Why a document can't be read: because of its links, if it is sound without them.
fn fault(error: &DocumentError, sound_without_links: bool) -> (Rule, String) {
    let rule = if sound_without_links { Rule::Link } else { Rule::Document };
    (rule, format!("the body can't be read: {error}"))
}
