//! What a server answers, in the types of the `http` crate. No I/O.

mod account;
mod message;
mod origin;
mod request;
mod settings;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use chrono::TimeDelta;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, RETRY_AFTER, TRANSFER_ENCODING,
    VARY, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use uuid::Uuid;

use crate::format::{Format, ListParameters, Message, NextPage, RedisCloud, Refusal};
use crate::id::{AccountId, TaskId};
use crate::link::Links;
use crate::store::{
    ApplyError, BackendError, Change, ListError, ListQuery, Page, SubmitError, Submitted,
};
use crate::task::Task;
use crate::time::{MAX_TIME, Now, clamp_time};

use account::AccountOf;
use request::Rejection;

pub use origin::Origin;

/// Finished answers for what a store returned, and the reading of requests.
///
/// Each method takes the request's head and a store's result, errors included, and gives the whole
/// response: status, headers, JSON body. What can't be read in a request is an `Err` with a finished
/// answer, too. So with axum a handler that reads has few lines, and each returns
/// `axum::response::Result`:
///
/// ```
/// # #[derive(Clone)]
/// # struct Api { replies: tasklife::Replies, store: std::sync::Arc<dyn tasklife::AsyncTaskStore> }
/// use axum::extract::State;
/// use axum::http::{Response, request::Parts};
/// use axum::response::Result;
///
/// async fn list_tasks(State(api): State<Api>, request: Parts) -> Result<Response<String>> {
///     let now = chrono::Utc::now();
///     let account = api.replies.account_of(&request, now)?;
///     let query = api.replies.list_query(&request, now)?;
///     Ok(api.replies.list(&request, api.store.list(&account, &query, now).await, now))
/// }
///
/// async fn read_task(State(api): State<Api>, request: Parts) -> Result<Response<String>> {
///     let now = chrono::Utc::now();
///     let account = api.replies.account_of(&request, now)?;
///     let id = api.replies.id_in_path(&request, now)?;
///     Ok(api.replies.polled(&request, api.store.get(&account, id, now).await, now))
/// }
///
/// async fn submit(
///     State(api): State<Api>,
///     request: Parts,
///     body: axum::body::Bytes,
/// ) -> Result<Response<String>> {
///     let now = chrono::Utc::now();
///     let account = api.replies.account_of(&request, now)?;
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
/// What is said, and in which words, is up to the [`Links`] and the [format](Self::with_format); unless
/// another is set, it is that of the documented API, [`RedisCloud`]. Whatever the format:
///
/// | what happened | status |
/// |---|---|
/// | a submission was accepted | that of the format: 202 with `Location`, unless set. Until the task has ended, `Retry-After`; where the client [prefers](Self::hold_until) not to wait, `Preference-Applied: respond-async` |
/// | one was accepted before, and is repeated | the same, with `Idempotent-Replayed: true` |
/// | a `HEAD` | the head that a `GET` would have, with its `Content-Length` |
/// | a task was read | 200 with `ETag` and, until the task has ended, `Retry-After`; 304 for a matching `If-None-Match` |
/// | a list was read | 200; where more follows, the format says so: with `next` in a `Link` header (RFC 8288) and in the body, unless set |
/// | an event was applied | 200, as a read |
/// | a task is unknown, expired, or another account's | 404: the same bytes for the same path and `now` |
/// | an event that the status or the lane refuses; an id that is taken by another request | 409 |
/// | an event for a task that has changed since | 412 |
/// | an id that is taken by another request, where it came from a [key](Self::with_key_header) | 422 |
/// | an input that is too large | 413 |
/// | an account that is full | 429 with `Retry-After` |
/// | a full store, a failed backend, clocks that differ by more than the retention | 503 with `Retry-After`; the message says whether anything may have happened |
/// | a request that can't be read | 400 |
/// | one of [nobody](Self::account_of) who is known | 401 with `WWW-Authenticate` |
///
/// The path in an error's body is that of the request's head: where a router takes a prefix away, as
/// axum's `nest` does, give it the head as it came. The body of an error is the format's, or
/// [problem details](Self::with_problem_details). Its message speaks of what the client sent, and tells
/// nothing of the inside of the server.
///
/// # Caches
///
/// What was read is `Cache-Control: private, no-cache`: no cache that clients share may keep it, and
/// no other gives it without asking again. It has `Vary` with the headers that say
/// [whose](Self::with_account_of) a request is, as those decide on the answer. All else is
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
    links: Arc<Links>,
    format: Arc<dyn Format>,
    problem_details: bool,
    /// The parameters of lists where they are not the format's.
    parameters: Option<ListParameters>,
    format_parameters: ListParameters,
    retry_after: RangeInclusive<u64>,
    longest_wait: Duration,
    origin: Origin,
    account_of: Option<AccountOf>,
    credentials: Vec<HeaderName>,
    challenge: HeaderValue,
    key: HeaderName,
}

impl Replies {
    /// Answers with these links, in the format of [`RedisCloud`].
    #[must_use]
    pub fn new(links: Links) -> Self {
        Self {
            links: Arc::new(links),
            format: Arc::new(RedisCloud),
            problem_details: false,
            parameters: None,
            format_parameters: RedisCloud.list_parameters(),
            retry_after: 1..=30,
            longest_wait: Duration::from_mins(1),
            origin: Origin::Base,
            account_of: None,
            credentials: [X_API_KEY, HeaderName::from_static("x-api-secret-key")].into(),
            challenge: HeaderValue::from_static("ApiKey"),
            key: HeaderName::from_static("idempotency-key"),
        }
    }

    /// The links of the answers.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The format of the answers.
    #[must_use]
    pub fn format(&self) -> &dyn Format {
        &*self.format
    }

    /// The answers to one request: with links to the host that its client sees, as the
    /// [origin](Self::with_origin) says. To be called before anything is done.
    ///
    /// ```
    /// use tasklife::{Links, Origin, Replies};
    ///
    /// let replies = Replies::new(Links::new("/v1")?).with_origin(Origin::Host);
    /// let request = http::Request::get("/v1/tasks").header("host", "api.example.com").body(())?;
    /// let (request, ()) = request.into_parts();
    /// let replies = replies.for_request(&request, tasklife::MIN_TIME).expect("a good Host");
    /// assert_eq!(replies.links().base(), "http://api.example.com/v1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where a `Host` is malformed or there twice, or where the origin needs one and the request has none:
    /// the answer to it.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn for_request(&self, request: &Parts, now: Now) -> Result<Self, Response<String>> {
        let base = self.links.base();
        let (scheme, path) = match base.split_once("://") {
            Some((scheme, rest)) => (scheme, rest.find('/').map_or("", |at| &rest[at..])),
            None => ("http", base),
        };
        match self.origin.of(request, scheme) {
            Ok(None) => Ok(self.clone()),
            Ok(Some(origin)) => {
                // The host has been checked, and the path when it was given.
                let links = Links::clone(&self.links).with_base(&(origin + path));
                Ok(links.map_or_else(|_| self.clone(), |links| self.clone().with_links(links)))
            }
            Err(rejection) => Err(self.rejected(request, &rejection, now)),
        }
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
                let key =
                    request.headers.contains_key(&self.key).then(|| request::spelled(&self.key));
                let rejection = message::of_submission(&error, key.as_deref());
                return self.rejected(request, &rejection, now);
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

    /// The answer to a read of a task; or of what it [came to](Format::result), where the path goes on
    /// with `/result`.
    #[must_use]
    pub fn polled(
        &self,
        request: &Parts,
        result: Result<Option<Task>, BackendError>,
        now: Now,
    ) -> Response<String> {
        let task = match result {
            Ok(Some(task)) => task,
            Ok(None) => return self.rejected(request, &message::no_task(), now),
            Err(error) => return self.rejected(request, &message::of_backend(&error), now),
        };
        let path = request::task_path(request, self.links.tasks_path());
        if !path.is_some_and(|path| path.is_result) {
            return self.task(request, &task, now);
        }
        match self.format.result(&self.links, &task) {
            Some(message) => self.about(request, &task, message, now),
            None => self.rejected(request, &message::no_task(), now),
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
            let query = self.parameters().next(request.uri.query().unwrap_or_default(), cursor);
            NextPage::new(cursor, format!("{}?{query}", self.links.list_href()))
        });
        let mut response = respond(request, self.format.list(&self.links, &page, next.as_ref()));
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

    /// Whose a request is, as was [set](Self::with_account_of).
    ///
    /// # Errors
    /// Where it is nobody's who is known: the answer to the request, 401.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn account_of(&self, request: &Parts, now: Now) -> Result<AccountId, Response<String>> {
        let account = match &self.account_of {
            Some(account_of) => account_of.find(request),
            None => request.headers.get(X_API_KEY).and_then(|key| key.to_str().ok()?.parse().ok()),
        };
        account.ok_or_else(|| {
            let names: Vec<&str> = self.credentials.iter().map(HeaderName::as_str).collect();
            let names = if names.is_empty() { "credentials".into() } else { names.join(", ") };
            let message = format!("expected {names}, of an account that is known");
            self.rejected(request, &Rejection::new(StatusCode::UNAUTHORIZED, message), now)
        })
    }

    /// The task that a client's key for its request stands for, if the request has one: the same key
    /// of the same account always stands for the same. It is in the header `Idempotency-Key`, unless
    /// another was [set](Self::with_key_header).
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
        request::id_of_key(request, &self.key, account)
            .map_err(|rejection| self.rejected(request, &rejection, now))
    }

    /// The task that a request's path names: what follows the [path of tasks](Links::with_tasks) where
    /// that is last. A slash at the end makes no difference, and neither does what follows the id: a server
    /// may have paths of its own there, such as `/result`.
    ///
    /// # Errors
    /// Where that is no UUID, or nothing: the answer to the request, which is the same as for a task
    /// that never was.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn id_in_path(&self, request: &Parts, now: Now) -> Result<TaskId, Response<String>> {
        let path = request::task_path(request, self.links.tasks_path());
        path.and_then(|path| path.id)
            .ok_or_else(|| self.rejected(request, &message::no_task(), now))
    }

    /// What a request for the list asks for, as the [parameters](Self::with_list_parameters) say.
    ///
    /// # Errors
    /// Where a parameter has a value that it can't have, or is there twice: the answer to the request.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn list_query(&self, request: &Parts, now: Now) -> Result<ListQuery, Response<String>> {
        self.parameters().read(request.uri.query().unwrap_or_default()).map_err(|error| {
            self.rejected(request, &Rejection::bad_request(error.to_string()), now)
        })
    }

    /// Until when to hold the answer to a request, if its client would wait for more than what can be said
    /// at once: it sends `Prefer: wait=N`, in seconds (RFC 7240). That is no later than the
    /// [longest wait](Self::with_longest_wait) from now.
    ///
    /// Nothing here waits: a server that holds answers looks at the task again until it has ended, or
    /// until then, and answers with what it then is: a submission with [`accepted`](Self::accepted) and the
    /// later task, a read with [`polled`](Self::polled). The status stays that of the format.
    ///
    /// ```
    /// let replies = tasklife::Replies::new(tasklife::Links::new("/v1")?);
    /// let request = http::Request::post("/v1/videos").header("prefer", "respond-async, wait=5");
    /// let (request, ()) = request.body(())?.into_parts();
    /// let now = "2026-01-01T00:00:00Z".parse()?;
    /// assert_eq!(replies.hold_until(&request, now), Some("2026-01-01T00:00:05Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn hold_until(&self, request: &Parts, now: Now) -> Option<Now> {
        let wait = request::wait(request)?.min(self.longest_wait);
        let until = TimeDelta::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait));
        Some(until.map_or(MAX_TIME, clamp_time))
    }

    fn parameters(&self) -> &ListParameters {
        self.parameters.as_ref().unwrap_or(&self.format_parameters)
    }

    /// The answer to a read of a task, or a change.
    fn task(&self, request: &Parts, task: &Task, now: Now) -> Response<String> {
        self.about(request, task, self.format.polled(&self.links, task), now)
    }

    /// A message about a task, with the headers that go with one.
    fn about(&self, request: &Parts, task: &Task, message: Message, now: Now) -> Response<String> {
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

    /// Keeps what one account read from all others, and what is over from everyone.
    fn mark_as_read(&self, response: &mut Response<String>) {
        set(response, CACHE_CONTROL, "private, no-cache");
        let deciding = self.credentials.iter().chain(self.origin.headers());
        let deciding: Vec<&str> = deciding.map(HeaderName::as_str).collect();
        if !deciding.is_empty() {
            set(response, VARY, &deciding.join(", "));
        }
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
        let (status, message) = (rejection.status(), rejection.to_string());
        let reason = status.canonical_reason().unwrap_or_default();
        let path = request.uri.path();
        let refusal = Refusal::new(status.as_u16(), reason, &message, path, now);
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

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The strong validator of a document: a version 5 UUID, of which 122 bits are a hash of its bytes.
fn etag_of(body: &str) -> String {
    format!("\"{}\"", Uuid::new_v5(&Uuid::nil(), body.as_bytes()).simple())
}

/// The response that a message is: one that no cache keeps, unless it is marked as read. Where the request
/// is a `HEAD`, it has the length of the body in its place.
fn respond(request: &Parts, message: Message) -> Response<String> {
    let mut response = Response::new(String::new());
    let status = Some(message.status()).filter(|status| (200..=599).contains(status));
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let Some(status) = status else {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    *response.status_mut() = status;
    set(&mut response, CACHE_CONTROL, "no-store");
    for (name, value) in message.headers() {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes())
            && name != CONTENT_LENGTH
            && name != TRANSFER_ENCODING
        {
            set(&mut response, name, value);
        }
    }
    let has_body = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if !has_body || message.body().is_empty() {
        return response;
    }
    set(&mut response, CONTENT_TYPE, message.media_type());
    if request.method == Method::HEAD {
        set(&mut response, CONTENT_LENGTH, &message.body().len().to_string());
    } else {
        *response.body_mut() = message.into_body();
    }
    response
}

/// Sets a header, if the value can be one.
fn set(response: &mut Response<String>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
