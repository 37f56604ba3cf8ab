//! What an answer means for the task that is polled.

use alloc::format;
use alloc::string::ToString;

use http::header::{HeaderMap, LOCATION};
use http::{StatusCode, Uri};

use super::address::{BaseUri, without_query};
use super::outcome::FollowedTask;
use super::poller::Poller;
use super::{ReadFailure, header};
use crate::document::{DocumentError, TaskDocument};
use crate::format::ReportedRefusal;
use crate::status::TaskStatus;

/// The longest message of a format that is kept, in bytes.
const MAX_MESSAGE_BYTES: usize = 255;

/// What an answer means.
pub(super) enum Answer {
    /// The task is still running. There may be a document.
    Running(Option<TaskDocument>),
    /// The task has ended.
    Ended(TaskDocument),
    /// The read failed. Try again.
    Retry(ReadFailure),
    /// The read failed. Try again at another address.
    Redirect(ReadFailure, Uri),
    /// There is no such task, at least not yet.
    NotFound(ReadFailure),
    /// The task no longer exists.
    Gone(ReadFailure),
    /// The server refuses to answer. Don't try again.
    Refused(ReadFailure),
}

/// The request to which an answer belongs.
pub(super) struct AnsweredRequest<'a> {
    pub(super) poller: &'a Poller,
    pub(super) task: &'a FollowedTask,
    /// The address of the request.
    pub(super) address: Option<&'a Uri>,
    /// Whether the address has only statuses. An address from `Location` may have a resource too.
    pub(super) has_only_status: bool,
    /// Whether the address has only this task, because of the header that it came from.
    pub(super) has_only_this_task: bool,
    /// Whether the request had `If-None-Match`.
    pub(super) is_conditional: bool,
}

impl AnsweredRequest<'_> {
    /// Decides what the answer means.
    pub(super) fn read(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Answer {
        let failure = || ReadFailure::Status { status, refusal: self.refusal(body) };
        match status.as_u16() {
            202 if self.task.is_result => Answer::Running(self.poller.format.read_task(body).ok()),
            200..=299 if self.task.is_result => Answer::Ended(self.result(body)),
            200..=299 => self.document(status, body),
            304 if self.is_conditional => Answer::Running(None),
            300..=399 => self.redirect(status, headers),
            404 => Answer::NotFound(failure()),
            410 => Answer::Gone(failure()),
            408 | 425 | 429 => Answer::Retry(failure()),
            400..=499 => Answer::Refused(failure()),
            _ => Answer::Retry(failure()),
        }
    }

    fn refusal(&self, body: &[u8]) -> ReportedRefusal {
        self.poller.format.read_refusal(body).unwrap_or_default()
    }

    /// Reads a result. Its mere presence shows that the task has ended, so this can't fail.
    fn result(&self, body: &[u8]) -> TaskDocument {
        let completed = |id: &str| TaskDocument::new(id, TaskStatus::ProcessingCompleted.into());
        match self.poller.format.read_task(body) {
            Ok(document) if document.status().is_terminal() => document,
            // This status is the resource's, which may change again after the task has ended.
            Ok(document) => match document.response() {
                Some(response) => completed(document.task_id()).with_response(response.clone()),
                None => completed(document.task_id()),
            },
            Err(_) => completed(self.task.id().unwrap_or_default()),
        }
    }

    /// Reads a status.
    fn document(&self, status: StatusCode, body: &[u8]) -> Answer {
        let format = &self.poller.format;
        // A format may be able to read a resource as a completed task.
        let read = format.read_task(body).and_then(|document| {
            let is_status = !self.has_only_status || format.is_task(body);
            is_status.then_some(document).ok_or_else(|| DocumentError::new("it has no status"))
        });
        let document = match read {
            Ok(document) => document,
            Err(_) if status == StatusCode::ACCEPTED => return Answer::Running(None),
            Err(error) => {
                let mut message = error.to_string();
                message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
                let message = format!("{message}, with {status}").into();
                return Answer::Retry(ReadFailure::Unreadable(message));
            }
        };
        if !self.task.may_have_id(document.task_id(), self.has_only_this_task) {
            return Answer::Retry(ReadFailure::OtherTask(document.task_id().into()));
        }
        if document.status().is_terminal() {
            Answer::Ended(document)
        } else {
            Answer::Running(Some(document))
        }
    }

    fn redirect(&self, status: StatusCode, headers: &HeaderMap) -> Answer {
        let (Some(to), Some(from)) = (header::text(headers, &LOCATION), self.address) else {
            let refusal = ReportedRefusal::default();
            return Answer::Retry(ReadFailure::Status { status, refusal });
        };
        match BaseUri::beside(from).resolve(to, &self.poller.allowed_origins) {
            Ok(address) => Answer::Redirect(ReadFailure::Redirected(status), address),
            Err(_) => Answer::Retry(ReadFailure::BadRedirect(without_query(to).into())),
        }
    }
}
