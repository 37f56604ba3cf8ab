//! Tasks that are looked at, and moved by hand.

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tasklife::{
    AccountId, ApplyError, ListQuery, Progress, Target, Task, TaskError, TaskEvent, TaskId,
    TaskStore,
};

use super::query::Tasks;
use super::{Answer, RequestContext};
use crate::config::Failure;
use crate::control::Refusal;
use crate::server::Server;

/// How many tasks there are in an answer, where nothing is said.
const LIMIT: NonZeroUsize = NonZeroUsize::new(100).unwrap();

/// What is to happen to a task.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "an object such as {\"event\": \"complete\"}")]
struct ByHand {
    event: Kind,
    account: Option<AccountId>,
    progress: Option<Progress>,
    description: Option<String>,
    fail: Option<Failure>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Receive,
    Start,
    Report,
    Complete,
    Fail,
}

impl Server {
    /// The tasks that changed last, that which changed last first.
    pub(super) fn shown_tasks(&self, asked: &Tasks) -> Value {
        let now = self.clock.now();
        self.api.advance(now);
        let limit = asked.limit.unwrap_or(LIMIT);
        let mut query = ListQuery::new(limit);
        if let Some(status) = asked.status {
            query = query.with_status(status);
        }
        let mut tasks: Vec<Task> = Vec::new();
        let accounts = self.api.accounts().into_iter();
        for account in accounts.filter(|it| asked.account.as_ref().is_none_or(|of| of == it)) {
            if let Ok(page) = self.api.store().list(&account, &query, now) {
                tasks.extend(page.into_tasks());
                tasks.sort_by_key(|task| Reverse(task.updated_at()));
                tasks.truncate(limit.get());
            }
        }
        tasks.iter().map(shown).collect()
    }

    pub(super) fn post_event(&self, asked: &RequestContext<'_>) -> Answer {
        let event: ByHand = asked.body()?;
        let is_odd = (event.progress.is_some() && event.event != Kind::Report)
            || (event.fail.is_some() && event.event != Kind::Fail)
            || (event.description.is_some() && event.event == Kind::Complete);
        if is_odd {
            let expected = "expected `progress` with `report` alone, `fail` with `fail`, and no \
                            `description` with `complete`";
            return Err(Refusal::bad_request(expected));
        }
        let id = asked.ids.first().map_or("", String::as_str);
        let unknown = || {
            let message = format!("there is no task {id:?}, or not of this account");
            Refusal::new(StatusCode::NOT_FOUND, message)
        };
        let id: TaskId = id.parse().map_err(|_| unknown())?;
        let now = self.clock.now();
        self.api.advance(now);
        let store = self.api.store();
        let has_it = |account: &AccountId| matches!(store.get(account, id, now), Ok(Some(_)));
        let account = match event.account {
            Some(account) => Some(account),
            None => self.api.accounts().into_iter().find(has_it),
        };
        let account = account.filter(has_it).ok_or_else(unknown)?;
        let moved = match event.event {
            Kind::Complete => self.api.complete(&account, id, now),
            kind => {
                let by_hand = || TaskError::new("FAILED_BY_HAND", "Somebody let it fail.");
                let what = match (kind, event.progress) {
                    (Kind::Receive, _) => TaskEvent::receive(),
                    (Kind::Start, _) => TaskEvent::start(),
                    (Kind::Report, Some(progress)) => TaskEvent::report_of(progress),
                    (Kind::Report, None) => TaskEvent::report(),
                    _ => TaskEvent::fail(event.fail.map_or_else(by_hand, |it| it.error())),
                };
                let what = match event.description {
                    Some(text) => what.with_description(text),
                    None => what,
                };
                let change = store.apply(Target::latest(&account, id), what, now);
                self.api.advance(now);
                change.map(tasklife::Change::into_task)
            }
        };
        match moved {
            Ok(task) => Ok(Some(shown(&task))),
            Err(ApplyError::NotFound) => Err(unknown()),
            Err(fault) => Err(Refusal::new(StatusCode::CONFLICT, fault.to_string())),
        }
    }
}

/// A task as it is shown to those who steer: the same in all formats of the API.
fn shown(task: &Task) -> Value {
    let asked: Value = serde_json::from_slice(task.input()).unwrap_or_default();
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
    put("request", asked["request"].clone());
    put("submittedAt", json!(task.submitted_at()));
    put("updatedAt", json!(task.updated_at()));
    match task.outcome() {
        Some(Ok(completion)) => put("resourceId", json!(completion.resource_id())),
        Some(Err(error)) => put("error", json!(error.code())),
        None => {}
    }
    Value::Object(fields)
}
