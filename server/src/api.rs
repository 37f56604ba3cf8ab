//! The requests, and what the server answers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use axum::response::Result;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tasklife::format::BuiltIn;
use tasklife::{
    AccountId, BackendError, CommandType, LinkError, Links, Origin, Replies, Submission, Submitted,
    Task, TaskId, TaskStatus,
};
use tokio::time::sleep;
use uuid::Uuid;

use crate::store::Store;

const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

/// What all requests share.
pub(crate) struct Api {
    store: Arc<dyn Store>,
    replies: Replies,
}

impl Api {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        format: BuiltIn,
    ) -> std::result::Result<Self, LinkError> {
        let (path, title) = ("/subscriptions/{resourceId}", "getSubscriptionInformation");
        let links = Links::new("/v1")?.with_route(CREATE, path, title)?;
        // Clients of Azure need whole addresses. A path is enough for the others.
        let origin = match format {
            BuiltIn::RedisCloud | BuiltIn::Google => Origin::Base,
            BuiltIn::Azure | BuiltIn::AzureResourceManager => Origin::Host,
        };
        let format = format.format("tasklife-server");
        Ok(Self { store, replies: Replies::new(links).with_origin(origin).with_format(format) })
    }

    /// The routes. They are not nested under `/v1`, so that refusals show the path that the client sent.
    pub(crate) fn into_router(self) -> Router {
        Router::new()
            .route("/v1/subscriptions", post(submit))
            .route("/v1/tasks", get(list_tasks))
            .route("/v1/subscriptions/{id}", get(read_subscription))
            .route("/v1/tasks/{id}", get(read_task))
            .route("/v1/tasks/{id}/result", get(read_task))
            .method_not_allowed_fallback(async |State(api): Shared, request: Parts| {
                let message = "expected a method that the path allows: see the header `allow`";
                api.refuse(&request, StatusCode::METHOD_NOT_ALLOWED, message)
            })
            .fallback(async |State(api): Shared, request: Parts| {
                let message = "expected a path of the API, such as /v1/tasks";
                api.refuse(&request, StatusCode::NOT_FOUND, message)
            })
            .with_state(Arc::new(self))
    }

    fn refuse(&self, request: &Parts, status: StatusCode, message: &str) -> Response<String> {
        self.replies.refused(request, status, message, Utc::now())
    }

    /// Reads a task as soon as it has ended, and at `until` at the latest. It polls the store: `notified`
    /// would wake it for every change of every task.
    async fn read_when_ended(
        &self,
        account: &AccountId,
        id: TaskId,
        until: DateTime<Utc>,
    ) -> std::result::Result<Option<Task>, BackendError> {
        loop {
            let read = self.store.get(account, id, Utc::now()).await?;
            let is_open = read.as_ref().is_some_and(|task| !task.status().is_terminal());
            if !is_open || Utc::now() >= until {
                return Ok(read);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

type Shared = State<Arc<Api>>;

/// The head of a request, the account that it belongs to, and the replies for it.
struct Authenticated(Parts, AccountId, Replies);

impl FromRequestParts<Arc<Api>> for Authenticated {
    type Rejection = Response<String>;

    /// Takes each API key for an account of its own. A real server looks the key up; see
    /// `Replies::with_account_of`.
    async fn from_request_parts(
        head: &mut Parts,
        api: &Arc<Api>,
    ) -> Result<Self, Response<String>> {
        let now = Utc::now();
        let replies = api.replies.for_request(head, now)?;
        let account = replies.account_of(head, now)?;
        Ok(Self(head.clone(), account, replies))
    }
}

type Body = std::result::Result<Bytes, BytesRejection>;

/// `POST /v1/subscriptions`. If the client sends `Prefer: wait=5` (RFC 7240), the response waits for the
/// end of the task, for up to 5 seconds.
async fn submit(
    State(api): Shared,
    Authenticated(request, account, replies): Authenticated,
    body: Body,
) -> Result<Response<String>> {
    let now = Utc::now();
    let body = body.map_err(|e| api.refuse(&request, e.status(), &e.body_text()))?;
    serde_json::from_slice::<Map<String, Value>>(&body).map_err(|e| {
        api.refuse(&request, StatusCode::BAD_REQUEST, &format!("expected a JSON object: {e}"))
    })?;
    // The same Idempotency-Key makes the same id, so a repeated request creates no second task.
    let id = replies.id_of_key(&request, &account, now)?;
    let id = id.unwrap_or_else(|| Uuid::new_v4().into());
    let submission = Submission::new(account.clone(), id, CREATE).with_input(&*body);
    let mut submitted = api.store.submit(submission, now).await;
    // A new task: waits for its end if the client asked for that, and answers with its latest state.
    if let (Ok(Submitted::New(task)), Some(until)) =
        (&mut submitted, replies.hold_until(&request, now))
        && let Ok(Some(later)) = api.read_when_ended(&account, id, until).await
    {
        *task = later;
    }
    Ok(replies.accepted(&request, submitted, Utc::now()))
}

/// `GET /v1/tasks`.
async fn list_tasks(
    State(api): Shared,
    Authenticated(request, account, replies): Authenticated,
) -> Result<Response<String>> {
    let now = Utc::now();
    let query = replies.list_query(&request, now)?;
    Ok(replies.list(&request, api.store.list(&account, &query, now).await, now))
}

/// `GET /v1/tasks/{id}`, which may wait as `submit` does.
async fn read_task(
    State(api): Shared,
    Authenticated(request, account, replies): Authenticated,
) -> Result<Response<String>> {
    let now = Utc::now();
    let id = replies.id_in_path(&request, now)?;
    let until = replies.hold_until(&request, now).unwrap_or(now);
    Ok(replies.polled(&request, api.read_when_ended(&account, id, until).await, Utc::now()))
}

/// `GET /v1/subscriptions/{id}`. A subscription is named after its task, and its document is the task's
/// input.
async fn read_subscription(
    State(api): Shared,
    Authenticated(request, account, replies): Authenticated,
) -> Result<Response<String>> {
    let not_found = || api.refuse(&request, StatusCode::NOT_FOUND, "there is no such subscription");
    let name = request.uri.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let id = name.strip_prefix("subscription-").and_then(|id| id.parse().ok());
    let Some(id) = id else { return Ok(not_found()) };
    match api.store.get(&account, id, Utc::now()).await {
        Ok(Some(task)) if task.status() == TaskStatus::ProcessingCompleted => {
            let input = serde_json::from_slice(task.input()).unwrap_or_default();
            let mut subscription: Map<String, Value> = input;
            subscription.insert("id".into(), name.into());
            Ok(replies.document(&request, Value::from(subscription).to_string()))
        }
        Ok(_) => Ok(not_found()),
        Err(error) => Ok(replies.polled(&request, Err(error), Utc::now())),
    }
}
