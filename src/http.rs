//! HTTP responses for what a store returns, in the types of the `http` crate. No I/O.

mod account;
mod answer;
mod origin;
mod reading;
mod refusal_reason;
mod request;
mod response;
mod settings;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::format::{Format, ListParameters, RedisCloud};
use crate::link::Links;

use account::AccountOf;

pub use origin::Origin;

/// Builds HTTP responses from the results of a store, and reads requests.
///
/// Each method that answers takes the head of the request and the result of a store call, including
/// errors. It returns the complete response: status, headers and JSON body. The methods that read a
/// request return the response as the `Err` if the request can't be read. So a handler for axum
/// needs few lines if it returns `axum::response::Result`:
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
///     let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().into()); // without a key, each request is new
///     let submission = tasklife::Submission::new(account, id, CREATE).with_input(&*body);
///     Ok(api.replies.accepted(&request, api.store.submit(submission, now).await, now))
/// }
/// # const CREATE: tasklife::CommandType = tasklife::CommandType::from_static("create");
/// # let _: axum::Router<Api> = axum::Router::new().route("/", axum::routing::post(submit));
/// # let _: axum::Router<Api> = axum::Router::new()
/// #     .route("/tasks", axum::routing::get(list_tasks)).route("/tasks/{id}", axum::routing::get(read_task));
/// ```
///
/// The [`Links`] and the [format](Self::with_format) determine the content and the wording. The
/// default format is that of the documented API, [`RedisCloud`]. The following holds for every
/// format:
///
/// | situation | response |
/// |---|---|
/// | a submission is accepted | the format's status, by default 202 with `Location`. Until the task has ended, `Retry-After`. If the client [prefers](Self::hold_until) not to wait, `Preference-Applied: respond-async` |
/// | a submission is repeated | the same, with `Idempotent-Replayed: true` |
/// | a `HEAD` request | the head of the response to a `GET`, with its `Content-Length` |
/// | a task is read | 200 with `ETag` and, until the task has ended, `Retry-After`. 304 for a matching `If-None-Match` |
/// | a list is read | 200. If there are more pages, the format says so, by default with `next` in a `Link` header (RFC 8288) and in the body |
/// | an event is applied | 200, as for a read |
/// | the task is unknown, expired, or belongs to another account | 404, with the same bytes for the same path and `now` |
/// | an event is refused by the task's status or by a full lane; or the id is taken by another request, and did not come from a key | 409 |
/// | the task has changed since the client read it | 412 |
/// | the id is taken by another request, and comes from a [key](Self::with_key_header) | 422 |
/// | the input, or the output of an event, is too large | 413 |
/// | the account is full | 429 with `Retry-After` |
/// | the store is full, the backend failed, or clocks differ by more than the retention | 503 with `Retry-After`. The message says whether anything may have been applied |
/// | the request can't be read | 400 |
/// | the [account](Self::account_of) is unknown | 401 with `WWW-Authenticate` |
///
/// The body of an error has the format's form, or is a [problem
/// details](Self::with_problem_details) object. Its message describes what the client sent, and
/// reveals nothing about the inside of the server. Its path is the path in the head of the request.
/// If your router removes a prefix, as axum's `nest` does, pass the original head.
///
/// # Caches
///
/// Responses to reads have `Cache-Control: private, no-cache`. A shared cache must not store them,
/// and a private cache must revalidate them before each use. They have `Vary` with the headers that
/// [identify the account](Self::with_account_of), because the response depends on them. All other
/// responses have `no-store`. (RFC 9111)
///
/// An `ETag` is a hash of the document's bytes, so different documents have different tags.
/// This holds even if a store was restored to an earlier state, or if a Redis server lost
/// acknowledged writes.
///
/// [`Target::exactly`](crate::Target::exactly) compares only revisions, not documents. A store that
/// was [restored](crate::LocalStore::restore) never reuses a revision. A store on a database that can
/// lose acknowledged writes, such as Redis, avoids reuse as far as it can. If clocks go back, or
/// differ by more than the duration of a failover, it may accept an event that was meant for a
/// lost state.
///
/// # Examples
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
/// let id = id.unwrap_or(uuid::Uuid::nil().into()); // without a key, any new id
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
    /// The parameters of lists, if they differ from the format's.
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
    /// Creates replies with these links, in the format of [`RedisCloud`].
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

    /// Returns the links of the responses.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Returns the format of the responses.
    #[must_use]
    pub fn format(&self) -> &dyn Format {
        &*self.format
    }

    fn parameters(&self) -> &ListParameters {
        self.parameters.as_ref().unwrap_or(&self.format_parameters)
    }
}

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
