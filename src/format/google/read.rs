//! Reading an operation.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::code::Code;
use super::{EMPTY, ERROR_INFO, ErrorInfo, STRUCT};
use crate::document::{ReportedError, ReportedStatus, TaskDocument, TaskResponse};
use crate::event::Progress;
use crate::format::content::response_of;
use crate::json::Object;
use crate::status::TaskStatus;
use crate::time::parse_rfc3339;

#[derive(Deserialize)]
pub(super) struct Operation {
    pub(super) name: Box<str>,
    done: Option<bool>,
    metadata: Option<Box<RawValue>>,
    response: Option<Box<RawValue>>,
    error: Option<Object<Status>>,
}

#[derive(Deserialize)]
struct Status {
    code: Option<i32>,
    message: Option<Box<str>>,
    #[serde(default)]
    details: Vec<Box<RawValue>>,
}

/// The known fields of an operation's metadata. Another service may have none of them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    verb: Option<Box<str>>,
    state: Option<Box<str>>,
    status_detail: Option<Box<str>>,
    progress_percent: Option<f64>,
    update_time: Option<Box<str>>,
}

/// Returns the type of a `google.protobuf.Any`, and its content. For a `Struct`, the content is the
/// field `value`. For every other type, it is the whole object.
fn unpacked(any: &RawValue) -> (Option<Box<str>>, &RawValue) {
    #[derive(Deserialize)]
    struct Any<'a> {
        #[serde(rename = "@type")]
        type_url: Option<Box<str>>,
        #[serde(borrow)]
        value: Option<&'a RawValue>,
    }

    match serde_json::from_str(any.get()) {
        Ok(Object(Any { type_url, value: Some(value) })) if type_url.as_deref() == Some(STRUCT) => {
            (type_url, value)
        }
        Ok(Object(Any { type_url, .. })) => (type_url, any),
        Err(_) => (None, any),
    }
}

impl Operation {
    pub(super) fn read(self) -> TaskDocument {
        let metadata = self.metadata.as_deref().map(|metadata| unpacked(metadata).1);
        let metadata = metadata.and_then(|text| serde_json::from_str(text.get()).ok());
        let metadata = metadata.map_or_else(Metadata::default, |Object(metadata)| metadata);
        let running = || {
            let state = metadata.state.as_deref().and_then(|state| state.parse().ok());
            let state = state.filter(|state: &TaskStatus| !state.is_terminal());
            state.unwrap_or(TaskStatus::ProcessingInProgress)
        };
        let status = match &self.error {
            _ if self.done != Some(true) => running().into(),
            Some(Object(error)) if error.code == Some(Code::CANCELLED.number()) => {
                ReportedStatus::Cancelled(Code::CANCELLED.name().into())
            }
            Some(_) => TaskStatus::ProcessingError.into(),
            None => TaskStatus::ProcessingCompleted.into(),
        };
        let id = self.name.rsplit('/').next().unwrap_or_default();
        let mut document = TaskDocument::new(id, status);
        document = document.with_command_type(metadata.verb);
        document = document.with_description(metadata.status_detail);
        document =
            document.with_progress(metadata.progress_percent.and_then(Progress::of_percentage));
        document =
            document.with_timestamp(metadata.update_time.and_then(|at| parse_rfc3339(&at).ok()));
        if let Some(Object(error)) = self.error {
            document.with_response(error.read())
        } else if let Some(response) = self.response {
            document.with_response(match unpacked(&response) {
                (Some(url), _) if *url == *EMPTY => TaskResponse::default(),
                (_, content) => response_of(content),
            })
        } else {
            document
        }
    }
}

impl Status {
    fn read(self) -> TaskResponse {
        let infos = self.details.iter();
        let mut infos = infos.filter_map(|info| serde_json::from_str(info.get()).ok());
        let info = infos.find_map(|Object(info): Object<ErrorInfo>| {
            Some(info).filter(|info| *info.r#type == *ERROR_INFO)
        });
        let code = Code::of_number(self.code.unwrap_or(Code::UNKNOWN.number()));
        let (reason, mut metadata) = match info {
            Some(info) => (info.reason, info.metadata),
            None => (code.name().into(), BTreeMap::new()),
        };
        let status = metadata.remove("status").unwrap_or_else(|| code.status_text().into());
        let error = ReportedError::Object {
            code: Some(reason),
            status: Some(status),
            description: self.message,
        };
        TaskResponse::default().with_error(error).with_additional_info(metadata.remove("info"))
    }
}
