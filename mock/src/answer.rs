//! Carries out a request, and answers it.

use http::header::{HeaderMap, HeaderName, IF_NONE_MATCH, RETRY_AFTER, USER_AGENT};
use http::{Method, Response, StatusCode};
use serde_json::Value;
use tasklife::{AccountId, CommandType, Submission, Submitted, Task, TaskId, TaskStatus};

use crate::accepted::Accepted;
use crate::account::{Account, Context};
use crate::api::MockApi;
use crate::call::{Action, Call};
use crate::fault::{FaultKind, Faults};
use crate::journal::Exchange;
use crate::rejection::Rejection;
use crate::work::Work;

/// An answer, its task, and its faults.
pub(crate) struct Answer {
    pub(crate) response: Response<String>,
    pub(crate) task: Option<TaskId>,
    /// The status of the task that the answer shows.
    pub(crate) status: Option<TaskStatus>,
    pub(crate) faults: Faults,
    pub(crate) is_rate_limited: bool,
}

impl From<Response<String>> for Answer {
    fn from(response: Response<String>) -> Self {
        let faults = Faults::default();
        Self { response, task: None, status: None, faults, is_rate_limited: false }
    }
}

impl Call<'_> {
    pub(crate) fn answer(
        &self,
        context: Context<'_>,
        account: &mut Account,
        action: Action<'_>,
    ) -> Answer {
        match action {
            Action::Tasks(query) => {
                let page = account.list(context, &query, self.now);
                self.replies.list(&self.head, page, self.now).into()
            }
            Action::Task(id) => self.read(context, account, &id),
            Action::Submit { command, status, key, operation } => {
                let faults = operation.script().count_submission(account.id(), &command);
                if let Some(status) = faults.status() {
                    return Answer { faults, ..self.made_to_fail(status).into() };
                }
                let answer = self.submit(context, account, command, status, key, *operation);
                Answer { faults, ..answer }
            }
            Action::Immediate { operation, work, part } => {
                self.immediate(account, operation, &work, part).into()
            }
        }
    }

    fn read(&self, context: Context<'_>, account: &mut Account, id: &str) -> Answer {
        let id: Option<TaskId> = id.parse().ok();
        let counts = self.head.method == Method::GET;
        let Some((task, faults)) = id.map(|id| account.read(context, id, counts, self.now)) else {
            return self.replies.polled(&self.head, Ok(None), self.now).into();
        };
        if let Some(status) = faults.status() {
            return Answer { task: id, faults, ..self.made_to_fail(status).into() };
        }
        let status = task.as_ref().map(Task::status);
        let response = self.replies.polled(&self.head, Ok(task), self.now);
        Answer { task: id, status, faults, ..response.into() }
    }

    fn submit(
        &self,
        context: Context<'_>,
        account: &mut Account,
        command: CommandType,
        status: StatusCode,
        key: Option<TaskId>,
        operation: Accepted,
    ) -> Answer {
        // A repeated request gets its task even if the resource is gone.
        let repeated = key.is_some_and(|id| account.knows(context, id, self.now));
        if !repeated && let Some(refused) = self.refused(account, operation.work()) {
            return refused.into();
        }
        let target = self.head.uri.path_and_query().map_or("", |target| target.as_str());
        let request = Value::from(format!("{} {target}", self.method()));
        let text = String::from_utf8_lossy(self.body);
        // A body that was not parsed is kept as a string.
        let body = match operation.work().body() {
            Value::Null if !text.is_empty() => Value::from(text).to_string().into(),
            Value::Null => "null".into(),
            _ => text,
        };
        let input = format!(r#"{{"request":{request},"body":{body}}}"#);
        let id = key.unwrap_or_else(|| account.task_id(context, &command, &input, self.now));
        let submission = Submission::new(account.id().clone(), id, command);
        let submission = submission.with_input(input.into_bytes());
        let result = account.submit(context, submission, operation, self.now);
        let task = result.as_ref().ok().map(Submitted::task);
        let (task, shown) = (task.map(Task::id), task.map(Task::status));
        let mut response = self.replies.accepted(&self.head, result, self.now);
        if response.status() == StatusCode::ACCEPTED {
            *response.status_mut() = status;
        }
        Answer { task, status: shown, ..response.into() }
    }

    /// Returns the answer to a request over the rate limit.
    pub(crate) fn rate_limited(&self) -> Response<String> {
        let message = "expected fewer requests; wait for the time in Retry-After";
        self.rejected(&Rejection::new(StatusCode::TOO_MANY_REQUESTS, message))
    }

    /// Returns the answer of a fault with a status.
    fn made_to_fail(&self, status: StatusCode) -> Response<String> {
        self.rejected(&Rejection::new(status, "the script of the mock sets this status"))
    }

    /// Returns the answer if a resource is missing, or if there is no room for what the request
    /// makes.
    pub(crate) fn refused(&self, account: &mut Account, work: &Work) -> Option<Response<String>> {
        let (routes, resources) = (&self.api.routes, &mut account.resources);
        let missing = work.subject().and_then(|key| resources.missing(routes, key, self.now));
        if let Some(missing) = missing {
            return Some(self.no_resource(&missing));
        }
        let count = work.count(routes);
        if count > 0 && !resources.have_room(routes, count, self.now) {
            let (most, room) = (MockApi::MAX_RESOURCES, resources.room());
            let message = format!(
                "expected an account with at most {most} resources; there is room for {room}, and \
                 the request makes {count}"
            );
            let rejection = Rejection::new(StatusCode::TOO_MANY_REQUESTS, message);
            return Some(self.rejected(&rejection));
        }
        None
    }

    pub(crate) fn exchange(
        &self,
        account: Option<AccountId>,
        answer: &Answer,
        faults: Vec<FaultKind>,
    ) -> Exchange {
        let path = self.head.uri.path();
        let query = self.head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let kept = if self.body.len() > self.api.max_body { &[] } else { self.body };
        let number = |headers: &HeaderMap| headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok();
        let secret = self.api.authentication.headers();
        // Headers that identify the account are left out.
        let header = |name: &HeaderName| {
            let value = self.head.headers.get(name).filter(|_| !secret.contains(name))?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Exchange {
            number: 0,
            at: self.now,
            account,
            method: self.head.method.clone(),
            path: format!("{path}{query}"),
            status: answer.response.status().as_u16(),
            task_id: answer.task,
            // A delayed answer still shows the task.
            task_status: answer.status.filter(|_| faults.iter().all(|it| *it == FaultKind::Delay)),
            faults,
            retry_after: number(answer.response.headers()),
            is_rate_limited: answer.is_rate_limited,
            idempotency_key: header(self.replies.key_header()),
            if_none_match: header(&IF_NONE_MATCH),
            user_agent: header(&USER_AGENT),
            request_body: String::from_utf8_lossy(kept).into_owned(),
            body: answer.response.body().clone(),
        }
    }
}
