//! What an answer says about the task that is followed.

use alloc::format;
use alloc::string::ToString;

use http::header::{HeaderMap, LOCATION};
use http::{StatusCode, Uri};

use super::address::{AddressFault, Directory, without_query};
use super::outcome::FollowedTask;
use super::poller::Poller;
use super::{ReadFailure, header};
use crate::document::{DocumentError, TaskDocument};
use crate::format::ReportedRefusal;
use crate::status::TaskStatus;

/// What is kept of what a format says about a text that it can't read, in bytes.
const LONGEST_MESSAGE: usize = 255;

/// What an answer says.
pub(super) enum Reading {
    /// The task goes on; what is known of it, where that was told.
    Running(Option<TaskDocument>),
    /// The task has ended.
    Ended(TaskDocument),
    /// Try again.
    Again(ReadFailure),
    /// Try again, there.
    Moved(ReadFailure, Uri),
    /// There is no such task, or not yet.
    NotFound(ReadFailure),
    /// There is no such task any more.
    Gone(ReadFailure),
    /// Don't try again.
    Refused(ReadFailure),
}

/// What was asked for.
pub(super) struct Asked<'a> {
    pub(super) poller: &'a Poller,
    pub(super) task: &'a FollowedTask,
    /// Where it was asked for.
    pub(super) address: Option<&'a Uri>,
    /// Whether what is at the address of a status is one, and nothing else: an address in `Location` may have both.
    pub(super) is_monitor: bool,
    /// Whether nothing but this task is at the address, as the header says that it came from.
    pub(super) has_own_address: bool,
    /// Whether the request said what is known already.
    pub(super) is_conditional: bool,
}

impl Asked<'_> {
    /// Reads the answer.
    pub(super) fn read(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Reading {
        let refused = || ReadFailure::Status { status, refusal: self.refusal(body) };
        match status.as_u16() {
            202 if self.task.is_result => Reading::Running(self.poller.format.read_task(body).ok()),
            200..=299 if self.task.is_result => Reading::Ended(self.result(body)),
            200..=299 => self.document(status, body),
            304 if self.is_conditional => Reading::Running(None),
            300..=399 => self.redirect(status, headers),
            404 => Reading::NotFound(refused()),
            410 => Reading::Gone(refused()),
            408 | 425 | 429 => Reading::Again(refused()),
            400..=499 => Reading::Refused(refused()),
            _ => Reading::Again(refused()),
        }
    }

    fn refusal(&self, body: &[u8]) -> ReportedRefusal {
        self.poller.format.read_refusal(body).unwrap_or_default()
    }

    /// The result, as far as it can be read: that it is there says that the task has ended.
    fn result(&self, body: &[u8]) -> TaskDocument {
        let completed = |id: &str| TaskDocument::new(id, TaskStatus::ProcessingCompleted.into());
        match self.poller.format.read_task(body) {
            Ok(document) if document.status().is_terminal() => document,
            // A resource has a life of its own.
            Ok(document) => match document.response() {
                Some(response) => completed(document.task_id()).with_response(response.clone()),
                None => completed(document.task_id()),
            },
            Err(_) => completed(self.task.id().unwrap_or_default()),
        }
    }

    fn document(&self, status: StatusCode, body: &[u8]) -> Reading {
        let is_accepted = status == StatusCode::ACCEPTED;
        let format = &self.poller.format;
        // What could be read as a resource that is there, is no end where a status is expected.
        let read = format.read_task(body).and_then(|document| {
            let is_expected = !self.is_monitor || format.is_task(body);
            is_expected.then_some(document).ok_or_else(|| DocumentError::new("it has no status"))
        });
        let document = match read {
            Ok(document) => document,
            Err(_) if is_accepted => return Reading::Running(None),
            Err(error) => {
                let mut message = error.to_string();
                message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
                let message = format!("{message}, with {status}").into();
                return Reading::Again(ReadFailure::Unreadable(message));
            }
        };
        if !self.task.may_be(document.task_id(), self.has_own_address) {
            return Reading::Again(ReadFailure::OtherTask(document.task_id().into()));
        }
        if document.status().is_terminal() {
            Reading::Ended(document)
        } else {
            Reading::Running(Some(document))
        }
    }

    fn redirect(&self, status: StatusCode, headers: &HeaderMap) -> Reading {
        let (Some(to), Some(from)) = (header::text(headers, &LOCATION), self.address) else {
            let refusal = ReportedRefusal::default();
            return Reading::Again(ReadFailure::Status { status, refusal });
        };
        match Directory::of(from).resolve(to, &self.poller.sites) {
            Ok(address) => Reading::Moved(ReadFailure::Moved(status), address),
            Err(AddressFault::Malformed(_) | AddressFault::Elsewhere(_)) => {
                Reading::Again(ReadFailure::Elsewhere(without_query(to).into()))
            }
        }
    }
}
