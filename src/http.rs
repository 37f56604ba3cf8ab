//! What a server answers, in the types of the `http` crate. No I/O.

mod message;
mod request;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, LINK, LOCATION, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use uuid::Uuid;

use crate::id::{AccountId, TaskId};
use crate::link::Links;
use crate::store::{
    ApplyError, BackendError, Change, ListError, ListQuery, Page, SubmitError, Submitted,
};
use crate::task::Task;
use crate::time::{Now, Rfc3339};

use request::Rejection;

/// Finished answers for what a store returned, and the reading of requests.
///
/// Each method takes the request's head and a store's result, errors included, and gives the whole
/// response: status, headers, JSON body. What can't be read in a request is an `Err` with a finished
/// answer, too. So with axum a handler that reads has three lines, and each returns
/// `axum::response::Result`:
///
/// ```
/// # #[derive(Clone)]
/// # struct Api { replies: tasklife::Replies, store: std::sync::Arc<dyn tasklife::AsyncTaskStore> }
/// # fn account_of(_: &http::request::Parts) -> tasklife::AccountId { "acme".parse().unwrap() }
/// use axum::extract::State;
/// use axum::http::{Response, request::Parts};
/// use axum::response::Result;
///
/// async fn list_tasks(State(api): State<Api>, request: Parts) -> Result<Response<String>> {
///     let (account, now) = (account_of(&request), chrono::Utc::now());
///     let query = api.replies.list_query(&request, now)?;
///     Ok(api.replies.list(&request, api.store.list(&account, &query, now).await, now))
/// }
///
/// async fn read_task(State(api): State<Api>, request: Parts) -> Result<Response<String>> {
///     let (account, now) = (account_of(&request), chrono::Utc::now());
///     let id = api.replies.id_in_path(&request, now)?;
///     Ok(api.replies.polled(&request, api.store.get(&account, id, now).await, now))
/// }
///
/// async fn submit(
///     State(api): State<Api>,
///     request: Parts,
///     body: axum::body::Bytes,
/// ) -> Result<Response<String>> {
///     let (account, now) = (account_of(&request), chrono::Utc::now());
///     let id = api.replies.id_of_key(&request, &account, now)?;
///     let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().into()); // without a key, it is a new request
///     let submission = tasklife::Submission::new(account, id, CREATE).with_input(&*body);
///     Ok(api.replies.accepted(&request, api.store.submit(submission, now).await, now))
/// }
/// # const CREATE: tasklife::CommandType = tasklife::CommandType::from_static("create");
/// # let _: axum::Router<Api> = axum::Router::new().route("/", axum::routing::post(submit));
/// # let _: axum::Router<Api> = axum::Router::new()
/// #     .route("/tasks", axum::routing::get(list_tasks)).route("/tasks/{id}", axum::routing::get(read_task));
/// ```
///
/// | what happened | status |
/// |---|---|
/// | a submission was accepted | 202, with `Location` and, until the task has ended, `Retry-After` |
/// | one was accepted before, and is repeated | the same, with `Idempotent-Replayed: true` |
/// | a task was read | 200 with `ETag` and, until the task has ended, `Retry-After`; 304 for a matching `If-None-Match` |
/// | a list was read | 200; where more follows, `next` in a `Link` header (RFC 8288) and in the body |
/// | an event was applied | 200, as a read |
/// | a task is unknown, expired, or another account's | 404: the same bytes for the same path and `now` |
/// | an event that the status or the lane refuses; an id that is taken by another request | 409 |
/// | an event for a task that has changed since | 412 |
/// | an id that is taken by another request, where it came from an `Idempotency-Key` | 422 |
/// | an input that is too large | 413 |
/// | an account that is full | 429 with `Retry-After` |
/// | a full store, a failed backend, clocks that differ by more than the retention | 503 with `Retry-After`; the message says whether anything may have happened |
/// | a request that can't be read | 400 |
/// | one of nobody who is known: [`refused`](Self::refused) with 401 | 401 with `WWW-Authenticate` |
///
/// The path in an error's body is that of the request's head: where a router takes a prefix away, as
/// axum's `nest` does, give it the head as it came. The body of an error is
/// `{"timestamp", "status", "error", "message", "path"}`, as the live API sends it, with a message: it
/// speaks of what the client sent, and tells nothing of the inside of the server.
///
/// # Caches
///
/// What was read is `Cache-Control: private, no-cache`: no cache that clients share may keep it, and
/// no other gives it without asking again. It has `Vary` with the headers that say
/// [whose](Self::with_credentials) a request is, as those decide on the answer. All else is
/// `no-store`. (RFC 9111)
///
/// An `ETag` is made of the very bytes of the document, so that it is another one wherever they are:
/// also where a store was restored to an earlier state, or a Redis server has lost what it had
/// acknowledged.
///
/// A [`Target::exactly`](crate::Target::exactly) has no more than a revision. A store that was
/// [restored](crate::LocalStore::restore) gives none out again. One on an engine that can lose
/// acknowledged writes, such as Redis, takes care of it as far as it can: where clocks differ by more than
/// a fail-over takes, or go back, it may let an event through that was meant for a lost state.
///
/// # Example
///
/// ```
/// use tasklife::{AccountId, Links, MemoryStore, Replies, Submission, TaskStore};
///
/// let replies = Replies::new(Links::new("/v1")?);
/// let store = MemoryStore::default();
/// let now = "2019-08-08T06:49:15.929Z".parse()?;
///
/// let account: AccountId = "acme".parse()?;
/// let request = http::Request::post("/v1/subscriptions").header("idempotency-key", "order-7f3a");
/// let (request, body) = request.body("{}")?.into_parts();
/// let id = replies.id_of_key(&request, &account, now).expect("a good key");
/// let id = id.unwrap_or(uuid::Uuid::nil().into()); // without a key, any that is new
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
    vary: HeaderValue,
    challenge: HeaderValue,
}

impl Replies {
    /// How many tasks a list has at the most: those of a call without a query, too.
    pub const MAX_LIMIT: usize = 1_000;

    /// Answers with these links, and polls that are asked for after 1 to 30 seconds.
    #[must_use]
    pub fn new(links: Links) -> Self {
        Self {
            links,
            retry_after: 1..=30,
            vary: HeaderValue::from_static("x-api-key, x-api-secret-key"),
            challenge: HeaderValue::from_static("ApiKey"),
        }
    }

    /// Sets the links of the answers.
    #[must_use]
    pub fn with_links(self, links: Links) -> Self {
        Self { links, ..self }
    }

    /// Sets the bounds of `Retry-After`, in whole seconds: the shorter is rounded up, the longer
    /// down. In between, a client is asked to wait half the task's age.
    #[must_use]
    pub fn with_retry_after(mut self, bounds: RangeInclusive<Duration>) -> Self {
        let more = u64::from(bounds.start().subsec_nanos() > 0);
        let shortest = bounds.start().as_secs().saturating_add(more);
        self.retry_after = shortest..=bounds.end().as_secs().max(shortest);
        self
    }

    /// Sets the headers by which a request says whose it is, and the challenge that goes with a 401
    /// (RFC 9110, section 11.6.1). Unless set, they are those of the documented API, `x-api-key` and
    /// `x-api-secret-key`, and the challenge is `ApiKey`.
    ///
    /// ```
    /// use http::HeaderValue;
    /// use http::header::AUTHORIZATION;
    /// # let links = tasklife::Links::new("/v1")?;
    ///
    /// let bearer = HeaderValue::from_static(r#"Bearer realm="tasks""#);
    /// let replies = tasklife::Replies::new(links).with_credentials([AUTHORIZATION], bearer);
    /// # Ok::<(), tasklife::LinkError>(())
    /// ```
    #[must_use]
    pub fn with_credentials(
        mut self,
        headers: impl IntoIterator<Item = HeaderName>,
        challenge: HeaderValue,
    ) -> Self {
        let names: Vec<HeaderName> = headers.into_iter().collect();
        let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
        // Names of headers are ASCII.
        self.vary = HeaderValue::from_str(&names.join(", ")).unwrap_or(self.vary);
        self.challenge = challenge;
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
        let (task, is_repeat) = match result {
            Ok(Submitted::New(task)) => (task, false),
            Ok(Submitted::Existing(task)) => (task, true),
            Err(error) => {
                let has_key = request.headers.contains_key(request::KEY);
                return self.rejected(request, &message::of_submission(&error, has_key), now);
            }
        };
        let mut response = answer(StatusCode::ACCEPTED, self.links.accepted(&task).to_string());
        let id = task.id().to_string();
        set(&mut response, LOCATION, &self.links.task(&id, "task", None).href.to_string());
        if is_repeat {
            set(&mut response, HeaderName::from_static("idempotent-replayed"), "true");
        }
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
            Ok(None) => self.rejected(request, &message::no_task(), now),
            Err(error) => self.rejected(request, &message::of_backend(&error), now),
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
            Err(error) => return self.rejected(request, &message::of_list(&error), now),
        };
        let next = page.next().map(|cursor| {
            let query = request::query_after(request, cursor);
            format!("{}/tasks?{query}", self.links.base())
        });
        let body = self.links.list_before(&page, next.as_deref()).to_string();
        let mut response = answer(StatusCode::OK, body);
        if let Some(next) = next {
            set(&mut response, LINK, &format!("<{next}>; rel=\"next\""));
        }
        self.mark_as_read(&mut response);
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
            Err(error) => self.rejected(request, &message::of_event(&error), now),
        }
    }

    /// The answer to a read of something that is no task, such as the resource that one has made: 200 with
    /// this JSON, and the headers about caches that a read of a task has.
    ///
    /// ```
    /// let replies = tasklife::Replies::new(tasklife::Links::new("/v1")?);
    /// let response = replies.document(r#"{"id": 77899, "name": "test"}"#.into());
    /// assert_eq!(response.status(), 200);
    /// assert_eq!(response.headers()["content-type"], "application/json");
    /// assert_eq!(response.headers()["cache-control"], "private, no-cache");
    /// # Ok::<(), tasklife::LinkError>(())
    /// ```
    #[must_use]
    pub fn document(&self, json: String) -> Response<String> {
        let mut response = answer(StatusCode::OK, json);
        self.mark_as_read(&mut response);
        response
    }

    /// The answer to a request that is refused for a reason of the server's own: a status from 400 on,
    /// and a message for the client.
    #[must_use]
    pub fn refused(
        &self,
        request: &Parts,
        status: StatusCode,
        message: &str,
        now: Now,
    ) -> Response<String> {
        self.rejected(request, &Rejection::new(status, message), now)
    }

    /// The task that a client's `Idempotency-Key` stands for, if the request has one: the same key
    /// of the same account always stands for the same.
    ///
    /// # Errors
    /// Where the header is there more than once, empty, longer than 255 bytes, or no text: the answer
    /// to the request.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn id_of_key(
        &self,
        request: &Parts,
        account: &AccountId,
        now: Now,
    ) -> Result<Option<TaskId>, Response<String>> {
        request::id_of_key(request, account)
            .map_err(|rejection| self.rejected(request, &rejection, now))
    }

    /// The task that a request's path names: what follows its last segment `tasks`.
    ///
    /// # Errors
    /// Where that is no UUID, or nothing: the answer to the request, which is the same as for a task
    /// that never was.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn id_in_path(&self, request: &Parts, now: Now) -> Result<TaskId, Response<String>> {
        request::id_in_path(request).ok_or_else(|| self.rejected(request, &message::no_task(), now))
    }

    /// What a request for the list asks for: `limit` (1 to [`MAX_LIMIT`](Self::MAX_LIMIT)),
    /// `cursor`, `status` (again for another), `changedSince` (a revision). Without a `limit` it is
    /// the first [`MAX_LIMIT`](Self::MAX_LIMIT) tasks, as clients of the documented API expect all; not
    /// [`ListQuery::DEFAULT_LIMIT`]. Other parameters are ignored.
    ///
    /// # Errors
    /// Where a parameter is none of those values, or one but `status` is there twice: the answer to
    /// the request.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn list_query(&self, request: &Parts, now: Now) -> Result<ListQuery, Response<String>> {
        request::list_query(request, Self::MAX_LIMIT)
            .map_err(|rejection| self.rejected(request, &rejection, now))
    }

    fn task(&self, request: &Parts, task: &Task, now: Now) -> Response<String> {
        let body = self.links.polled(task).to_string();
        let tag = etag_of(&body);
        let is_read = matches!(request.method, Method::GET | Method::HEAD);
        let mut response = if is_read && request::has_etag(request, &tag) {
            let mut response = Response::new(String::new());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            answer(StatusCode::OK, body)
        };
        set(&mut response, ETAG, &tag);
        if is_read {
            self.mark_as_read(&mut response);
        }
        self.set_retry_after(&mut response, task, now);
        response
    }

    /// Keeps what one account read from all others, and what is over from everyone.
    fn mark_as_read(&self, response: &mut Response<String>) {
        set(response, CACHE_CONTROL, "private, no-cache");
        response.headers_mut().insert(VARY, self.vary.clone());
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

    /// The answer to a request that was rejected.
    fn rejected(&self, request: &Parts, rejection: &Rejection, now: Now) -> Response<String> {
        let status = rejection.status();
        let mut response = answer_error(request, status, &rejection.to_string(), now);
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

/// The strong validator of a document: a version 5 UUID, of which 122 bits are a hash of its bytes.
fn etag_of(body: &str) -> String {
    format!("\"{}\"", Uuid::new_v5(&Uuid::nil(), body.as_bytes()).simple())
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
    answer(status, serde_json::to_string(&body).unwrap_or_default())
}

/// An answer that no cache keeps, unless it is marked as read.
fn answer(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// Sets a header to a value made from numbers, ids and addresses that were checked.
fn set(response: &mut Response<String>, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
