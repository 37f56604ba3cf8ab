//! The responses to requests.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use http::header::{CACHE_CONTROL, ETAG, HeaderName, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use super::refusal_reason::RefusalReason;
use super::response::{etag_of, respond, set};
use super::{Replies, refusal_reason, request};
use crate::format::{Message, NextPage, Refusal};
use crate::store::{ApplyError, BackendError, Change, ListError, Page, SubmitError, Submitted};
use crate::task::Task;
use crate::time::Timestamp;

impl Replies {
    /// Returns the response to a submission.
    #[must_use]
    pub fn accepted(
        &self,
        request: &Parts,
        result: Result<Submitted, SubmitError>,
        now: Timestamp,
    ) -> Response<String> {
        let (task, is_repeat) = match result {
            Ok(Submitted::New(task)) => (task, false),
            Ok(Submitted::Existing(task)) => (task, true),
            Err(error) => {
                let key =
                    request.headers.contains_key(&self.key).then(|| request::spelled(&self.key));
                let reason = refusal_reason::for_submission(&error, key.as_deref());
                return self.refuse(request, &reason, now);
            }
        };
        let mut response = respond(request, self.format.accepted(&self.links, &task));
        if is_repeat {
            set(&mut response, HeaderName::from_static("idempotent-replayed"), "true");
        }
        if request::prefers_async(request) {
            let applied = HeaderName::from_static("preference-applied");
            set(&mut response, applied, "respond-async");
        }
        self.set_retry_after(&mut response, &task, now);
        response
    }

    /// Returns the response to a read of a task.
    ///
    /// If the path ends with `/result` after the id, it is the response to a read of the task's
    /// [result](crate::format::Format::result).
    #[must_use]
    pub fn polled(
        &self,
        request: &Parts,
        result: Result<Option<Task>, BackendError>,
        now: Timestamp,
    ) -> Response<String> {
        let task = match result {
            Ok(Some(task)) => task,
            Ok(None) => return self.refuse(request, &refusal_reason::no_task(), now),
            Err(error) => return self.refuse(request, &refusal_reason::for_backend(&error), now),
        };
        let path = request::task_path(request, self.links.tasks_path());
        if !path.is_some_and(|path| path.is_result) {
            return self.task(request, &task, now);
        }
        match self.format.result(&self.links, &task) {
            Some(message) => self.about(request, &task, message, now),
            None => self.refuse(request, &refusal_reason::no_task(), now),
        }
    }

    /// Returns the response to a read of the list.
    #[must_use]
    pub fn list(
        &self,
        request: &Parts,
        result: Result<Page, ListError>,
        now: Timestamp,
    ) -> Response<String> {
        let page = match result {
            Ok(page) => page,
            Err(error) => return self.refuse(request, &refusal_reason::for_list(&error), now),
        };
        let next = page.next().map(|cursor| {
            let query = self.parameters().next(request.uri.query().unwrap_or_default(), cursor);
            NextPage::new(cursor, format!("{}?{query}", self.links.list_href()))
        });
        let mut response = respond(request, self.format.list(&self.links, &page, next.as_ref()));
        self.mark_as_read(&mut response);
        response
    }

    /// Returns the response to a request that changed a task.
    #[must_use]
    pub fn changed(
        &self,
        request: &Parts,
        result: Result<Change, ApplyError>,
        now: Timestamp,
    ) -> Response<String> {
        match result {
            Ok(change) => self.task(request, change.task(), now),
            Err(error) => self.refuse(request, &refusal_reason::for_event(&error), now),
        }
    }

    /// Returns the response to a read of something other than a task, such as the resource that a
    /// task created.
    ///
    /// It is 200 with `json` and the same cache headers as for a read of a task.
    ///
    /// ```
    /// let replies = tasklife::Replies::new(tasklife::Links::new("/v1")?);
    /// let (request, ()) = http::Request::get("/v1/subscriptions/77899").body(())?.into_parts();
    /// let response = replies.document(&request, r#"{"id": 77899, "name": "test"}"#.into());
    /// assert_eq!(response.status(), 200);
    /// assert_eq!(response.headers()["content-type"], "application/json");
    /// assert_eq!(response.headers()["cache-control"], "private, no-cache");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn document(&self, request: &Parts, json: String) -> Response<String> {
        let mut response = respond(request, Message::new(200, json));
        self.mark_as_read(&mut response);
        response
    }

    /// Returns the response to a request that the server refuses for its own reasons.
    ///
    /// Pass a status of 400 or above and a message for the client.
    #[must_use]
    pub fn refused(
        &self,
        request: &Parts,
        status: StatusCode,
        message: &str,
        now: Timestamp,
    ) -> Response<String> {
        self.refuse(request, &RefusalReason::new(status, message), now)
    }

    /// Returns the response to a read of a task, or to a change.
    fn task(&self, request: &Parts, task: &Task, now: Timestamp) -> Response<String> {
        self.about(request, task, self.format.polled(&self.links, task), now)
    }

    /// Returns a response about a task, with its tag and its cache headers.
    fn about(
        &self,
        request: &Parts,
        task: &Task,
        message: Message,
        now: Timestamp,
    ) -> Response<String> {
        let is_read = matches!(request.method, Method::GET | Method::HEAD);
        let tag = (message.status() == 200).then(|| etag_of(message.body()));
        let is_known = tag.as_ref().is_some_and(|tag| is_read && request::has_etag(request, tag));
        let mut response = if is_known {
            respond(request, Message::new(304, ""))
        } else {
            respond(request, message)
        };
        if let Some(tag) = tag {
            set(&mut response, ETAG, &tag);
        }
        if is_read {
            self.mark_as_read(&mut response);
        }
        self.set_retry_after(&mut response, task, now);
        response
    }

    /// Sets the cache headers of a response to a read: no shared cache stores it, and no cache
    /// serves it without revalidation.
    fn mark_as_read(&self, response: &mut Response<String>) {
        set(response, CACHE_CONTROL, "private, no-cache");
        let names = self.credentials.iter().chain(self.origin.headers());
        let names: Vec<&str> = names.map(HeaderName::as_str).collect();
        if !names.is_empty() {
            set(response, VARY, &names.join(", "));
        }
    }

    fn set_retry_after(&self, response: &mut Response<String>, task: &Task, now: Timestamp) {
        if task.status().is_terminal() {
            return;
        }
        let age = now.signed_duration_since(task.submitted_at()).num_seconds();
        let half = u64::try_from(age).unwrap_or(0) / 2;
        let seconds = half.clamp(*self.retry_after.start(), *self.retry_after.end());
        set(response, RETRY_AFTER, &seconds.to_string());
    }

    /// Returns the response to a refused request.
    pub(super) fn refuse(
        &self,
        request: &Parts,
        reason: &RefusalReason,
        now: Timestamp,
    ) -> Response<String> {
        let (status, message) = (reason.status(), reason.to_string());
        let phrase = status.canonical_reason().unwrap_or_default();
        let path = request.uri.path();
        let refusal = Refusal::new(status.as_u16(), phrase, &message, path, now);
        let body =
            if self.problem_details { refusal.to_problem() } else { self.format.refused(&refusal) };
        let mut response = respond(request, body);
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                set(&mut response, RETRY_AFTER, &self.retry_after.end().to_string());
            }
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(WWW_AUTHENTICATE, self.challenge.clone());
            }
            _ => {}
        }
        response
    }
}
