//! The operations on tasks: to list them, and to apply events.

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tasklife::{
    AccountId, ApplyError, ListQuery, Progress, Target, Task, TaskError, TaskEvent, TaskId,
    TaskStore,
};

use super::Refusal;
use super::query::TasksQuery;
use super::request::{Answer, ControlRequest};
use crate::config::Failure;
use crate::server::Server;

/// The default of `limit`.
const LIMIT: NonZeroUsize = NonZeroUsize::new(100).unwrap();

/// An event to apply to a task.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "an object such as {\"event\": \"complete\"}")]
struct EventRequest {
    event: EventName,
    account: Option<AccountId>,
    progress: Option<Progress>,
    description: Option<String>,
    fail: Option<Failure>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EventName {
    Receive,
    Start,
    Report,
    Complete,
    Fail,
}

impl Server {
    /// Returns the latest tasks, latest update first.
    pub(super) fn tasks_json(&self, tasks_query: &TasksQuery) -> Value {
        let now = self.clock.now();
        self.api.advance(now);
        let limit = tasks_query.limit.unwrap_or(LIMIT);
        let mut query = ListQuery::new(limit);
        if let Some(status) = tasks_query.status {
            query = query.with_status(status);
        }
        let mut tasks: Vec<Task> = Vec::new();
        let is_selected = |account: &AccountId| {
            tasks_query.account.as_ref().is_none_or(|selected| selected == account)
        };
        for account in self.api.accounts().into_iter().filter(is_selected) {
            if let Ok(page) = self.api.store().list(&account, &query, now) {
                tasks.extend(page.into_tasks());
                tasks.sort_by_key(|task| Reverse(task.updated_at()));
                tasks.truncate(limit.get());
            }
        }
        tasks.iter().map(task_json).collect()
    }

    pub(super) fn post_event(&self, request: &ControlRequest<'_>) -> Answer {
        let event: EventRequest = request.body()?;
        let has_wrong_field = (event.progress.is_some() && event.event != EventName::Report)
            || (event.fail.is_some() && event.event != EventName::Fail)
            || (event.description.is_some() && event.event == EventName::Complete);
        if has_wrong_field {
            let expected = "expected `progress` only with `report`, `fail` only with `fail`, and \
                            `description` not with `complete`";
            return Err(Refusal::bad_request(expected));
        }
        let id = request.ids.first().map_or("", String::as_str);
        let unknown = || {
            let message = match &event.account {
                Some(account) => format!("the account {account} has no task {id:?}"),
                None => format!("there is no task {id:?}"),
            };
            Refusal::new(StatusCode::NOT_FOUND, message)
        };
        let id: TaskId = id.parse().map_err(|_| unknown())?;
        let now = self.clock.now();
        self.api.advance(now);
        let store = self.api.store();
        let has_task = |account: &AccountId| matches!(store.get(account, id, now), Ok(Some(_)));
        let account = match event.account.clone() {
            Some(account) => Some(account),
            None => self.api.accounts().into_iter().find(has_task),
        };
        let account = account.filter(has_task).ok_or_else(unknown)?;
        let applied = match event.event {
            EventName::Complete => self.api.complete(&account, id, now),
            name => {
                let by_hand = || TaskError::new("FAILED_BY_HAND", "The task was failed by hand.");
                let task_event = match (name, event.progress) {
                    (EventName::Receive, _) => TaskEvent::receive(),
                    (EventName::Start, _) => TaskEvent::start(),
                    (EventName::Report, Some(progress)) => TaskEvent::report_of(progress),
                    (EventName::Report, None) => TaskEvent::report(),
                    _ => {
                        TaskEvent::fail(event.fail.map_or_else(by_hand, |failure| failure.error()))
                    }
                };
                let task_event = match event.description {
                    Some(text) => task_event.with_description(text),
                    None => task_event,
                };
                let change = store.apply(Target::latest(&account, id), task_event, now);
                self.api.advance(now);
                change.map(tasklife::Change::into_task)
            }
        };
        match applied {
            Ok(task) => Ok(Some(task_json(&task))),
            Err(ApplyError::NotFound) => Err(unknown()),
            Err(error) => Err(Refusal::new(StatusCode::CONFLICT, error.to_string())),
        }
    }
}

/// Returns a task in JSON, independent of the format of the API.
fn task_json(task: &Task) -> Value {
    let input: Value = serde_json::from_slice(task.input()).unwrap_or_default();
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            fields.insert(name.into(), value);
        }
    };
    put("account", json!(task.account()));
    put("taskId", json!(task.id()));
    put("commandType", json!(task.command_type()));
    put("status", json!(task.status()));
    put("progress", json!(task.progress()));
    put("description", json!(task.description()));
    put("request", input["request"].clone());
    put("submittedAt", json!(task.submitted_at()));
    put("updatedAt", json!(task.updated_at()));
    match task.outcome() {
        Some(Ok(completion)) => put("resourceId", json!(completion.resource_id())),
        Some(Err(error)) => put("error", json!(error.code())),
        None => {}
    }
    Value::Object(fields)
}
