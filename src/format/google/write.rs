//! Writing an operation.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::{String, ToString};

use serde::Serialize;
use serde_json::value::RawValue;

use super::code::Code;
use super::{EMPTY, ERROR_INFO, ErrorInfo, GoogleOperation, STRUCT};
use crate::event::Progress;
use crate::format::content::Content;
use crate::format::message::to_json;
use crate::link::Links;
use crate::outcome::{Completion, TaskError};
use crate::status::TaskStatus;
use crate::task::Task;
use crate::time::Rfc3339;

impl GoogleOperation {
    pub(super) fn operation(&self, links: &Links, task: &Task) -> String {
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
        match Content::of(completion) {
            Some(Content::Resource(resource)) => {
                any(self.response_type.as_deref(), resource.as_str())
            }
            Some(ids) => any(None, &to_json(&ids)),
            None => any(Some(EMPTY), "{}"),
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

/// Writes a JSON object as a `google.protobuf.Any`. With a type, its fields stand beside `@type`.
/// Without one it is a `Struct`, and the object is in the field `value`.
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
