//! What a server answers, in the types of the `http` crate. No I/O.

mod request;

use alloc::format;
use alloc::string::{String, ToString};
use core::error::Error;
use core::ops::RangeInclusive;
use core::time::Duration;

use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};

use crate::link::Links;
use crate::store::{
    ApplyError, BackendError, Change, ListError, ListQuery, Page, SubmitError, Submitted,
};
use crate::task::Task;
use crate::time::{Now, Rfc3339};

pub use request::Rejection;
#[cfg(feature = "mock")]
pub(crate) use request::percent_decoded;

/// Finished answers for what a store returned, and the reading of requests.
///
/// Each method takes the request's head and a store's result, errors included, and gives the whole
/// response: status, headers, JSON body. With axum, a handler returns it as it is.
///
/// | what happened | status |
/// |---|---|
/// | a submission was accepted, now or before | 202, with `Location` and, until the task has ended, `Retry-After` |
/// | a task was read | 200 with `ETag` and, until the task has ended, `Retry-After`; 304 for a matching `If-None-Match` |
/// | a list was read | 200; where more follows, `next` in a `Link` header (RFC 8288) and in the body |
/// | an event was applied | 200, as a read |
/// | a task is unknown, expired, or another account's | 404: the same bytes for the same path and `now` |
/// | an event that the status or the lane refuses; an id that is taken by another request | 409 |
/// | an event for a task that has changed since | 412 |
/// | the same, where the id came from an `Idempotency-Key` | 422 |
/// | an input that is too large | 413 |
/// | an account that is full | 429 with `Retry-After` |
/// | a full store, a failed backend, clocks that differ by more than the retention | 503 with `Retry-After`; the message says whether anything may have happened |
/// | a request that can't be read | 400 |
///
/// A path with an id that is no [`TaskId`](crate::TaskId) is answered as an id that is unknown:
/// `polled(&request, Ok(None), now)`. The path in an error's body is that of the request's head: where
/// a router takes a prefix away, as axum's `nest` does, give it the head as it came.
///
/// The body of an error is `{"timestamp", "status", "error", "message", "path"}`, as the live API
/// sends it, with a message.
///
/// ```
/// use tasklife::http::Replies;
/// use tasklife::{Links, MemoryStore, Submission, TaskId, TaskStore};
///
/// let replies = Replies::new(Links::new("/v1")?);
/// let store = MemoryStore::default();
/// let now = "2019-08-08T06:49:15.929Z".parse()?;
///
/// let account: tasklife::AccountId = "acme".parse()?;
/// let request = http::Request::post("/v1/subscriptions").header("idempotency-key", "order-7f3a");
/// let (request, body) = request.body("{}")?.into_parts();
/// let id = replies.task_id(&request, &account)?.unwrap_or(uuid::Uuid::nil().into());
/// let submission = Submission::new(account, id, "subscriptionCreateRequest".parse()?)
///     .with_input(body.as_bytes());
/// let response = replies.accepted(&request, store.submit(submission, now), now);
/// assert_eq!(response.status(), 202);
/// assert_eq!(response.headers()["location"], format!("/v1/tasks/{id}"));
/// assert_eq!(response.headers()["retry-after"], "1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Replies {
    links: Links,
    retry_after: RangeInclusive<u64>,
    /// Tells documents of one configuration of links from those of another.
    edition: u64,
}

impl Replies {
    /// How many tasks a list has at the most: those of a call without a query, too.
    pub const MAX_LIMIT: usize = 1_000;

    /// Answers with these links, and polls that are asked for after 1 to 30 seconds.
    #[must_use]
    pub fn new(links: Links) -> Self {
        Self { edition: edition_of(&links), links, retry_after: 1..=30 }
    }

    #[cfg(feature = "mock")]
    pub(crate) fn with_links(self, links: Links) -> Self {
        Self { edition: edition_of(&links), links, ..self }
    }

    /// Sets the bounds of `Retry-After`, in whole seconds: the shorter is rounded up, the longer
    /// down. In between, a client is asked to wait half the task's age.
    #[must_use]
    pub fn with_retry_after(mut self, bounds: RangeInclusive<Duration>) -> Self {
        let shortest = bounds.start().as_secs() + u64::from(bounds.start().subsec_nanos() > 0);
        self.retry_after = shortest..=bounds.end().as_secs().max(shortest);
        self
    }

    /// The links of the answers.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The answer to the request that submitted a task.
    #[must_use]
    pub fn accepted(
        &self,
        request: &Parts,
        result: Result<Submitted, SubmitError>,
        now: Now,
    ) -> Response<String> {
        let task = match result {
            Ok(submitted) => submitted.into_task(),
            Err(error) => {
                let status = match &error {
                    SubmitError::Conflict if request.headers.contains_key(request::KEY) => {
                        StatusCode::UNPROCESSABLE_ENTITY
                    }
                    SubmitError::Conflict => StatusCode::CONFLICT,
                    SubmitError::InputTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                    SubmitError::AccountFull => StatusCode::TOO_MANY_REQUESTS,
                    SubmitError::Expired
                    | SubmitError::StoreFull { .. }
                    | SubmitError::Backend(_) => StatusCode::SERVICE_UNAVAILABLE,
                };
                return self.refusal(request, status, &error, now);
            }
        };
        let body = self.links.accepted(&task).to_string();
        let mut response = json(StatusCode::ACCEPTED, body);
        let id = task.id().to_string();
        set(&mut response, LOCATION, &self.links.task(&id, "task", None).href.to_string());
        self.set_retry_after(&mut response, &task, now);
        response
    }

    /// The answer to a read of a task.
    #[must_use]
    pub fn polled(
        &self,
        request: &Parts,
        result: Result<Option<Task>, BackendError>,
        now: Now,
    ) -> Response<String> {
        match result {
            Ok(Some(task)) => self.task(request, &task, now),
            Ok(None) => not_found(request, now),
            Err(error) => self.refusal(request, StatusCode::SERVICE_UNAVAILABLE, &error, now),
        }
    }

    /// The answer to a read of the list.
    #[must_use]
    pub fn list(
        &self,
        request: &Parts,
        result: Result<Page, ListError>,
        now: Now,
    ) -> Response<String> {
        let page = match result {
            Ok(page) => page,
            Err(error) => {
                let status = match &error {
                    ListError::Cursor(_) => StatusCode::BAD_REQUEST,
                    ListError::Backend(_) => StatusCode::SERVICE_UNAVAILABLE,
                };
                return self.refusal(request, status, &error, now);
            }
        };
        let next = page.next().map(|cursor| {
            let query = request::query_after(request, cursor);
            format!("{}/tasks?{query}", self.links.base())
        });
        let body = self.links.list_before(&page, next.as_deref()).to_string();
        let mut response = json(StatusCode::OK, body);
        if let Some(next) = next {
            set(&mut response, LINK, &format!("<{next}>; rel=\"next\""));
        }
        response
    }

    /// The answer to a request that changed a task.
    #[must_use]
    pub fn changed(
        &self,
        request: &Parts,
        result: Result<Change, ApplyError>,
        now: Now,
    ) -> Response<String> {
        match result {
            Ok(change) => self.task(request, change.task(), now),
            Err(ApplyError::NotFound) => not_found(request, now),
            Err(error) => {
                let status = match &error {
                    ApplyError::Stale { .. } => StatusCode::PRECONDITION_FAILED,
                    ApplyError::Backend(_) => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::CONFLICT,
                };
                self.refusal(request, status, &error, now)
            }
        }
    }

    /// The answer to a request that was rejected before it came to a store.
    #[must_use]
    pub fn rejected(&self, request: &Parts, rejection: &Rejection, now: Now) -> Response<String> {
        self.refusal(request, rejection.status(), rejection, now)
    }

    fn task(&self, request: &Parts, task: &Task, now: Now) -> Response<String> {
        let tag = format!("\"{}-{:x}\"", task.revision(), self.edition);
        let known = request.headers.get_all(IF_NONE_MATCH).iter().any(|tags| {
            let tags = tags.to_str().unwrap_or_default().split(',').map(str::trim);
            tags.map(|other| other.strip_prefix("W/").unwrap_or(other))
                .any(|other| other == "*" || other == tag)
        });
        let mut response = if known && request.method == http::Method::GET {
            let mut response = Response::new(String::new());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            json(StatusCode::OK, self.links.polled(task).to_string())
        };
        set(&mut response, ETAG, &tag);
        self.set_retry_after(&mut response, task, now);
        response
    }

    fn set_retry_after(&self, response: &mut Response<String>, task: &Task, now: Now) {
        if task.status().is_terminal() {
            return;
        }
        let age = now.signed_duration_since(task.submitted_at()).num_seconds();
        let half = u64::try_from(age).unwrap_or(0) / 2;
        let seconds = half.clamp(*self.retry_after.start(), *self.retry_after.end());
        set(response, RETRY_AFTER, &seconds.to_string());
    }

    fn refusal(
        &self,
        request: &Parts,
        status: StatusCode,
        error: &dyn Error,
        now: Now,
    ) -> Response<String> {
        let mut response = answer_error(request, status, &error.to_string(), now);
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            set(&mut response, RETRY_AFTER, &self.retry_after.end().to_string());
        }
        response
    }

    /// The task that a client's `Idempotency-Key` stands for, if the request has one: the same key
    /// of the same account always stands for the same.
    ///
    /// # Errors
    /// Where the header is there more than once, empty, longer than 255 bytes, or no text.
    pub fn task_id(
        &self,
        request: &Parts,
        account: &crate::AccountId,
    ) -> Result<Option<crate::TaskId>, Rejection> {
        request::task_id(request, account)
    }

    /// What a request for the list asks for: `limit` (1 to [`MAX_LIMIT`](Self::MAX_LIMIT)),
    /// `cursor`, `status` (again for another), `changedSince` (a revision). Without a query it is
    /// the whole list, up to [`MAX_LIMIT`](Self::MAX_LIMIT) tasks. Other parameters are ignored.
    ///
    /// # Errors
    /// Where a parameter is none of those values, or one but `status` is there twice.
    pub fn list_query(&self, request: &Parts) -> Result<ListQuery, Rejection> {
        request::list_query(request, Self::MAX_LIMIT)
    }
}

/// FNV-1a over all that the links are made from.
fn edition_of(links: &Links) -> u64 {
    format!("{links:?}").bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Every task that is not there is not there in the same way.
fn not_found(request: &Parts, now: Now) -> Response<String> {
    answer_error(request, StatusCode::NOT_FOUND, "there is no such task", now)
}

/// An error in the form of the live API, with a message.
fn answer_error(request: &Parts, status: StatusCode, message: &str, now: Now) -> Response<String> {
    #[derive(serde::Serialize)]
    struct Body<'a> {
        timestamp: String,
        status: u16,
        error: &'a str,
        message: &'a str,
        path: &'a str,
    }

    let body = Body {
        timestamp: Rfc3339(now).to_string(),
        status: status.as_u16(),
        error: status.canonical_reason().unwrap_or_default(),
        message,
        path: request.uri.path(),
    };
    json(status, serde_json::to_string(&body).unwrap_or_default())
}

pub(crate) fn json(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Sets a header to a value made from numbers, ids and addresses that were checked.
fn set(response: &mut Response<String>, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
