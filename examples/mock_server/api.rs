//! The API: its paths, and what each answers.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use chrono::Utc;
use serde_json::json;
use tasklife::{
    CommandType, Links, ListQuery, MemoryStore, ResourceId, Submission, TaskId, TaskStatus,
    TaskStore,
};
use uuid::Uuid;

use crate::account::{Account, Accounts};
use crate::answer::{Refusal, broken, in_recorded_form, json};
use crate::subscription::{Subscription, name_in};

pub(crate) const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

/// The documented API gives lists as a whole, not in pages.
const ALL: ListQuery = ListQuery::new(NonZeroUsize::MAX);

/// What the requests share.
pub(crate) struct Api {
    store: Arc<MemoryStore>,
    links: Links,
    accounts: Accounts,
}

type Shared = State<Arc<Api>>;
type Caller = Extension<Account>;
type Answer = Result<Response, Refusal>;

impl Api {
    pub(crate) fn new(store: Arc<MemoryStore>, links: Links) -> Self {
        Self { accounts: Accounts::new(store.clone()), store, links }
    }

    pub(crate) fn into_router(self) -> Router {
        let longest_body = DefaultBodyLimit::max(self.store.config().max_input());
        let shared = Arc::new(self);
        let v1 = Router::new()
            .route("/subscriptions", get(list_subscriptions).post(create_subscription))
            .route("/subscriptions/{id}", get(read_subscription))
            .route("/tasks", get(list_tasks))
            .route("/tasks/{id}", get(read_task))
            .method_not_allowed_fallback(wrong_method)
            .fallback(unknown_path)
            .layer(longest_body)
            .layer(from_fn_with_state(shared.clone(), authenticate));
        Router::new()
            .nest("/v1", v1)
            .fallback(unknown_path)
            .layer(from_fn(in_recorded_form))
            .with_state(shared)
    }

    /// What an account's completed tasks have made, the latest first.
    fn subscriptions(&self, account: &Account) -> Result<Vec<Subscription>, Refusal> {
        let (now, completed) = (Utc::now(), ALL.with_status(TaskStatus::ProcessingCompleted));
        let page = self.store.list(&account.id, &completed, now).map_err(broken)?;
        Ok(page.tasks().iter().filter_map(|task| Subscription::made_by(task, now)).collect())
    }
}

/// Lets only those pass who say who they are, and hands on who that is.
async fn authenticate(State(api): Shared, mut request: Request, next: Next) -> Answer {
    let account = api.accounts.log_in(request.headers()).await?;
    request.extensions_mut().insert(account);
    Ok(next.run(request).await)
}

async fn create_subscription(
    State(api): Shared,
    Extension(account): Caller,
    body: Bytes,
) -> Answer {
    name_in(&body).map_err(|fault| {
        let message = format!("expected a JSON object that describes a subscription: {fault}");
        (StatusCode::BAD_REQUEST, message)
    })?;
    let id = TaskId::from(Uuid::new_v4());
    let submission = Submission::new(account.id.clone(), id, CREATE).with_input(&*body);
    let submitted = api.store.submit(submission, Utc::now()).map_err(broken)?;
    account.call_worker();
    Ok(json(StatusCode::ACCEPTED, &api.links.accepted(submitted.task())))
}

async fn read_task(
    State(api): Shared,
    Extension(account): Caller,
    id: Result<Path<TaskId>, PathRejection>,
) -> Answer {
    // What is no task id at all looks like one that never was, as does another account's.
    let task = match id {
        Ok(Path(id)) => api.store.get(&account.id, id, Utc::now()).map_err(broken)?,
        Err(_) => None,
    };
    let task = task.ok_or_else(|| not_found("the id of a task of the past 10 days"))?;
    Ok(json(StatusCode::OK, &api.links.polled(&task)))
}

async fn list_tasks(State(api): Shared, Extension(account): Caller) -> Answer {
    let page = api.store.list(&account.id, &ALL, Utc::now()).map_err(broken)?;
    Ok(json(StatusCode::OK, &api.links.list(&page)))
}

async fn read_subscription(
    State(api): Shared,
    Extension(account): Caller,
    id: Result<Path<i32>, PathRejection>,
) -> Answer {
    let id = id.ok().map(|Path(id)| ResourceId::from(id));
    let mut all = api.subscriptions(&account)?.into_iter();
    let found = all.find(|subscription| Some(&subscription.id) == id.as_ref());
    let subscription = found.ok_or_else(|| not_found("the id of a subscription"))?;
    Ok(json(StatusCode::OK, &subscription))
}

async fn list_subscriptions(State(api): Shared, Extension(account): Caller) -> Answer {
    let subscriptions = api.subscriptions(&account)?;
    let list = json!({ "accountId": account.number, "subscriptions": subscriptions });
    Ok(json(StatusCode::OK, &list))
}

async fn unknown_path() -> Refusal {
    not_found("a path of the API, such as /v1/tasks")
}

async fn wrong_method() -> Refusal {
    let message = "expected a method that the path allows: see the header `allow`";
    (StatusCode::METHOD_NOT_ALLOWED, message.to_owned())
}

fn not_found(expected: &str) -> Refusal {
    (StatusCode::NOT_FOUND, format!("expected {expected}, got one that is unknown"))
}
