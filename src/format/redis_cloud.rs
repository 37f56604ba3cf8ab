//! The task API of Redis Cloud.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::message::to_json;
use super::{Accepted, Format, Message, NextPage, Refusal, ReportedRefusal, RequiredPart};
use crate::document::{DocumentError, ListDocument, TaskDocument, read_json};
use crate::link::Links;
use crate::store::Page;
use crate::task::Task;
use crate::time::Rfc3339;

/// The task API of Redis Cloud, as [documented] and as the live API sends it.
///
/// | response | |
/// |---|---|
/// | to a submission | 202, the document of [`Links::accepted`], and the task's address in `Location` |
/// | to a read | 200, and the document of [`Links::polled`] |
/// | to a list | 200, and the document of [`Links::list`]; if there is a next page, its address is in `Link` too |
/// | a refusal | `{"timestamp", "status", "error", "message", "path"}` |
///
/// [documented]: https://redis.io/docs/latest/operate/rc/api/get-started/manage-tasks/
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedisCloud;

/// Returns the fields of a body, as raw text. If the body is not an object, there are none.
///
/// The values stay unread: a number that is too large, or deep nesting, does not make a body any
/// less a task.
fn fields(json: &[u8]) -> BTreeMap<String, &RawValue> {
    serde_json::from_slice(json).unwrap_or_default()
}

impl Format for RedisCloud {
    fn accepted(&self, links: &Links, task: &Task) -> Message {
        Message::new(202, links.accepted(task).to_json())
            .with_header("location", links.task_href(task.id()))
    }

    fn polled(&self, links: &Links, task: &Task) -> Message {
        Message::new(200, links.polled(task).to_json())
    }

    fn list(&self, links: &Links, page: &Page, next: Option<&NextPage>) -> Message {
        let href = next.map(NextPage::href);
        let message = Message::new(200, links.list_before(page, href).to_json());
        match href {
            Some(href) => message.with_header("link", ["<", href, ">; rel=\"next\""].concat()),
            None => message,
        }
    }

    fn refused(&self, refusal: &Refusal<'_>) -> Message {
        #[derive(Serialize)]
        struct Body<'a> {
            timestamp: Rfc3339,
            status: u16,
            error: &'a str,
            message: &'a str,
            path: &'a str,
        }

        let body = Body {
            timestamp: Rfc3339(refusal.at()),
            status: refusal.status(),
            error: refusal.reason(),
            message: refusal.message(),
            path: refusal.path(),
        };
        Message::new(refusal.status(), to_json(&body))
    }

    fn required(&self) -> &'static [RequiredPart] {
        &[
            RequiredPart::Uuid,
            RequiredPart::CommandType,
            RequiredPart::Timestamp,
            RequiredPart::SelfLink,
        ]
    }

    fn is_task(&self, json: &[u8]) -> bool {
        fields(json).contains_key("taskId")
    }

    fn is_list(&self, json: &[u8]) -> bool {
        let fields = fields(json);
        match json.trim_ascii_start().first() {
            Some(b'[') => true,
            Some(b'{') => {
                let is_link = |name: &String| matches!(&**name, "links" | "_links");
                fields.contains_key("tasks") || fields.keys().all(is_link)
            }
            _ => false,
        }
    }

    /// The address is in `Location`, or else in the link `task` or `self`. The live API sends only
    /// the link.
    fn read_accepted(
        &self,
        header: &dyn Fn(&str) -> Option<Box<str>>,
        body: &[u8],
    ) -> Result<Accepted, DocumentError> {
        let task = self.read_task(body)?;
        let link = || task.link("task").or(task.link("self"))?.href().map(Box::from);
        Ok(Accepted { href: header("location").or_else(link), task: Some(task) })
    }

    fn read_task(&self, json: &[u8]) -> Result<TaskDocument, DocumentError> {
        TaskDocument::from_json(json)
    }

    fn read_list(&self, json: &[u8]) -> Result<ListDocument, DocumentError> {
        TaskDocument::list_from_json(json)
    }

    fn read_refusal(&self, json: &[u8]) -> Result<ReportedRefusal, DocumentError> {
        #[derive(Deserialize)]
        struct Body {
            status: Option<u16>,
            error: Option<Box<str>>,
            message: Option<Box<str>>,
        }

        let Body { status, error: code, message } = read_json(json)?;
        Ok(ReportedRefusal { status, code, message })
    }
}
