//! What an answer changes.

use alloc::boxed::Box;
use core::time::Duration;

use http::StatusCode;
use http::header::{ETAG, HeaderMap, LOCATION};

use super::{State, TaskPoller};
use crate::document::{ReportedStatus, TaskDocument};
use crate::poll::address::BaseUri;
use crate::poll::outcome::{Ended, PollError, Unfinished, UnfinishedInner};
use crate::poll::{ReadFailure, header};
use crate::status::TaskStatus;

impl TaskPoller {
    /// Ends with a document that shows the end of the task.
    pub(in crate::poll) fn end(&mut self, document: TaskDocument) {
        self.note_id(&document);
        let has_error = document.response().is_some_and(|response| response.error().is_some());
        let status = document.status().clone();
        self.document = Some(document.clone());
        let ended = Ended::new(self.task.clone(), document);
        self.state = State::Done(Box::new(match status {
            ReportedStatus::Cancelled(_) => Err(PollError::Cancelled(ended)),
            ReportedStatus::Known(TaskStatus::ProcessingCompleted) if !has_error => Ok(ended),
            _ => Err(PollError::Failed(ended)),
        }));
    }

    /// Takes in a document about a task that is still running.
    pub(in crate::poll) fn note(&mut self, document: TaskDocument, elapsed: Duration) {
        self.note_id(&document);
        if document.status().known() == Some(TaskStatus::ProcessingInProgress) {
            self.in_progress_since.get_or_insert(elapsed);
        }
        self.document = Some(document);
    }

    /// Takes the id from a document, unless it is known or may be a resource's.
    fn note_id(&mut self, document: &TaskDocument) {
        let id = document.task_id();
        if self.task.id.is_none() && !id.is_empty() && !self.task.is_result {
            self.task.id = Some(id.into());
        }
    }

    /// Takes in an answer that shows that the task is still running.
    pub(super) fn keep_polling(
        &mut self,
        document: Option<TaskDocument>,
        status: StatusCode,
        headers: &HeaderMap,
        elapsed: Duration,
    ) {
        (self.failures, self.failure, self.was_found) = (0, None, true);
        if let Some(document) = document {
            self.note(document, elapsed);
            self.etag = headers.get(ETAG).cloned();
        }
        self.has_read_last = elapsed >= self.deadline();
        self.follow_move(status, headers);
    }

    /// Changes the address of the task if the server has moved it.
    fn follow_move(&mut self, status: StatusCode, headers: &HeaderMap) {
        let (Some(name), Some(from)) = (&self.header, &self.task.address) else { return };
        // In an answer other than 202, `Location` may be the address of the resource.
        if *name == LOCATION && status != StatusCode::ACCEPTED {
            return;
        }
        let Some(text) = header::text(headers, name) else { return };
        let resolved = BaseUri::beside(from).resolve(text, &self.poller.allowed_origins);
        if let Ok(to) = resolved
            && to != *from
        {
            self.task.address = Some(to);
            (self.redirect, self.etag) = (None, None);
        }
    }

    /// Takes in a 404.
    pub(super) fn not_found(&mut self, failure: ReadFailure, elapsed: Duration) {
        let (time, reads) = self.poller.not_found_window;
        self.not_found = self.not_found.saturating_add(1);
        let may_be_new = !self.was_found && self.not_found <= reads;
        self.failure = Some(failure);
        if !may_be_new && elapsed > time {
            self.stop(elapsed, PollError::Gone);
        }
    }

    /// Takes in a failed read.
    pub(super) fn fail(&mut self, failure: ReadFailure, elapsed: Duration) {
        self.failure = Some(failure);
        self.failures = self.failures.saturating_add(1);
        if self.failures > self.poller.max_failures {
            self.stop(elapsed, PollError::ReadFailed);
        }
    }

    /// Ends without having seen the end of the task.
    pub(super) fn stop(&mut self, elapsed: Duration, error: fn(Unfinished) -> PollError) {
        self.state = State::Done(Box::new(Err(error(Unfinished::new(UnfinishedInner {
            task: self.task.clone(),
            document: self.document.clone(),
            failure: self.failure.clone(),
            followed_for: elapsed,
        })))));
    }
}
