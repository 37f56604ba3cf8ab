//! Azure's two kinds of long-running operations, and the errors and lists that they share.

mod data_plane;
mod resource_manager;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::message::to_json;
use super::{ListParameters, Message, NextPage, Refusal, ReportedRefusal};
use crate::document::{
    DocumentError, ListDocument, ReportedError, TaskDocument, TaskResponse, read_json,
};
use crate::json::Object;
use crate::outcome::TaskError;

pub use data_plane::AzureOperation;
pub use resource_manager::AzureResourceManager;

/// An error of Azure's APIs.
#[derive(Serialize)]
struct WrittenError<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    innererror: Option<InnerError<'a>>,
}

#[derive(Serialize)]
struct InnerError<'a> {
    /// The same as the outer code, since some clients show the innermost.
    code: &'a str,
    message: &'a str,
}

impl<'a> WrittenError<'a> {
    fn of(error: &'a TaskError) -> Self {
        let code = error.code();
        let innererror = error.additional_info().map(|message| InnerError { code, message });
        Self { code, message: error.description(), innererror }
    }
}

#[derive(Deserialize)]
struct ReadError {
    code: Option<Box<str>>,
    message: Option<Box<str>>,
    innererror: Option<Object<ReadInnerError>>,
}

#[derive(Deserialize)]
struct ReadInnerError {
    message: Option<Box<str>>,
}

impl ReadError {
    /// Returns the response of a task that failed with this error.
    fn into_response(self) -> TaskResponse {
        let Self { code, message: description, innererror } = self;
        let info = innererror.and_then(|Object(inner)| inner.message);
        let error = ReportedError::Object { code, status: None, description };
        TaskResponse::default().with_error(error).with_additional_info(info)
    }
}

/// The body of a refusal: `{"error": {"code", "message"}}`.
#[derive(Serialize)]
struct Refused<'a> {
    error: WrittenError<'a>,
}

/// Writes a refusal, with its code in a header too. The code is the reason phrase as one word, or
/// the status if it has no reason phrase.
fn refused(refusal: &Refusal<'_>) -> Message {
    let words = refusal.reason().split(|c: char| !c.is_ascii_alphanumeric());
    let code = words.collect::<String>();
    let code = if code.is_empty() { refusal.status().to_string() } else { code };
    let error = WrittenError { code: &code, message: refusal.message(), innererror: None };
    Message::new(refusal.status(), to_json(&Refused { error }))
        .with_header("x-ms-error-code", code.clone())
}

fn read_refusal(json: &[u8]) -> Result<ReportedRefusal, DocumentError> {
    #[derive(Deserialize)]
    struct Body {
        error: Object<ReadError>,
    }

    let Body { error: Object(ReadError { code, message, .. }) } = read_json(json)?;
    Ok(ReportedRefusal { status: None, code, message })
}

/// Writes a page: `{"value", "nextLink"}`.
fn list(operations: &[String], next: Option<&NextPage>) -> Message {
    let mut body = ["{\"value\":[", &operations.join(","), "]"].concat();
    if let Some(next) = next {
        body += &[",\"nextLink\":", &to_json(&next.href())].concat();
    }
    Message::new(200, body + "}")
}

fn read_list<'de, T: Deserialize<'de>>(
    json: &'de [u8],
    read: impl Fn(T) -> Result<TaskDocument, DocumentError>,
) -> Result<ListDocument, DocumentError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[serde(bound = "T: Deserialize<'de>")]
    struct List<T> {
        value: Vec<Object<T>>,
        next_link: Option<Box<str>>,
    }

    let List { value, next_link } = read_json(json)?;
    let list = ListDocument::new(
        value.into_iter().map(|Object(task)| read(task)).collect::<Result<_, _>>()?,
    );
    Ok(match next_link.filter(|next| !next.is_empty()) {
        Some(next) => list.with_next(next),
        None => list,
    })
}

/// Returns the parameters `maxpagesize` and `skiptoken`, of which the latter is part of `nextLink`.
/// Those that would leave out tasks or sort them are refused.
fn list_parameters() -> ListParameters {
    let parameters = ListParameters::default()
        .with_limit("maxpagesize", ListParameters::MAX_LIMIT)
        .with_lenient_values()
        .with_cursor("skiptoken")
        .without_status()
        .without_changed_since();
    // Without a dollar sign as in the guidelines, and with one as in OData.
    ["filter", "top", "skip", "orderby", "$filter", "$top", "$skip", "$orderby"]
        .into_iter()
        .fold(parameters, ListParameters::with_unsupported)
}
