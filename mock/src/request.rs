//! From a request to its answer.

use std::sync::PoisonError;

use http::header::{
    ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, IF_NONE_MATCH, RETRY_AFTER, USER_AGENT,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;

use crate::accepted::Accepted;
use crate::account::{Account, Context};
use crate::api::MockApi;
use crate::effect::{Effect, Shows};
use crate::fault::{FaultKind, Faults};
use crate::journal::Exchange;
use crate::keys::KeyIn;
use crate::operation::{Answer as Answered, Operation};
use crate::rate::Left;
use crate::rejection::Rejection;
use crate::resource::ResourceKey;
use crate::route::RouteMatch;
use crate::text::Excerpt;
use crate::work::Work;
use tasklife::{
    AccountId, CommandType, ListQuery, Now, Replies, ResourceId, Submission, Submitted, Task,
    TaskId, TaskStatus, clamp_time,
};

/// How deep arrays and objects may be nested in a body.
const MAX_DEPTH: usize = 100;

impl MockApi {
    /// The answer to a request that comes `now`.
    pub fn handle<B: AsRef<[u8]>>(&self, request: &Request<B>, now: Now) -> Response<String> {
        let (head, now) = (head(request), clamp_time(now));
        let (replies, fault) = match self.replies.for_request(&head, now) {
            Ok(replies) => (replies, None),
            Err(fault) => (self.replies.clone(), Some(fault)),
        };
        let replies = self.with_key_headers(replies);
        let call = Call { api: self, replies, head, body: request.body().as_ref(), now };
        // From the second step on under one lock, so that the journal has the order in which things happened.
        let (mut guard, account, action) = loop {
            let began = self.state().began;
            let (account, action) = match &fault {
                Some(fault) => (None, Err(fault.clone())),
                None => call.prepare(),
            };
            let guard = self.state();
            // Whose the request was, before all began anew, may be nobody by now.
            if guard.began == began {
                break (guard, account, action);
            }
        };
        let state = &mut *guard;
        let context = self.context(&state.store);
        // What is gone by now, of whichever account, makes room.
        if state.store.len() >= self.config.max_tasks() {
            for account in &mut state.accounts.all {
                account.advance(context, call.now);
            }
        }
        let mut answer = match &account {
            None => action.map_or_else(Answer::from, |_| call.unknown_path().into()),
            Some(id) => {
                let account = state.accounts.entry(id, &self.routes);
                let limit = self.rate_limit.as_ref();
                let left = limit.map(|limit| (limit, account.window.count(limit, call.now)));
                let mut answer = match (left, action) {
                    (Some((_, Left { wait: Some(_), .. })), _) => {
                        Answer { is_one_too_many: true, ..call.one_too_many().into() }
                    }
                    (_, Err(refused)) => refused.into(),
                    (_, Ok(action)) => {
                        account.advance(context, call.now);
                        call.answer(context, account, action)
                    }
                };
                if let Some((limit, left)) = left {
                    left.tell(limit, answer.response.headers_mut());
                }
                answer
            }
        };
        let faults = answer.faults.spoil(&mut answer.response);
        state.journal.add(call.exchange(account, &answer, faults));
        answer.response
    }

    /// Whether there must be a body: where something is made or changed, unless the operation says.
    pub(crate) fn needs_body(&self, operation: &Operation) -> bool {
        operation.needs_body.unwrap_or_else(|| {
            matches!(
                self.routes.effect(operation),
                Effect::Create(_) | Effect::Change(_) | Effect::Replace(_)
            )
        })
    }

    /// Lets answers say which headers decide whose a request is.
    fn with_key_headers(&self, replies: Replies) -> Replies {
        if self.keys == KeyIn::RedisCloud || self.replies.has_account_of() {
            return replies;
        }
        replies.with_account_of(self.keys.headers(), self.keys.challenge(), |_| None)
    }

    /// The address below which the links in the answer to a request lead.
    ///
    /// # Errors
    /// Where the [`Origin`](tasklife::Origin) needs a host and the request names none, or one that is
    /// malformed: the answer that it gets.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn base_of<B>(&self, request: &Request<B>, now: Now) -> Result<String, Response<String>> {
        let replies = self.replies.for_request(&head(request), now)?;
        Ok(replies.links().base().into())
    }
}

/// A request's head, without its body.
fn head<B>(request: &Request<B>) -> Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = request.method().clone();
    head.uri = request.uri().clone();
    head.version = request.version();
    head.headers = request.headers().clone();
    head
}

/// One request to an API.
pub(crate) struct Call<'a> {
    pub(crate) api: &'a MockApi,
    /// With the links that the answer to this request has.
    pub(crate) replies: Replies,
    pub(crate) head: Parts,
    body: &'a [u8],
    pub(crate) now: Now,
}

/// What a request wants, as far as it can be said without looking at anything that changes.
enum Action<'a> {
    Tasks(ListQuery),
    Task(String),
    /// A new task.
    Submit {
        command: CommandType,
        status: StatusCode,
        key: Option<TaskId>,
        operation: Box<Accepted>,
    },
    /// An answer at once.
    AtOnce {
        operation: &'a Operation,
        work: Box<Work>,
        part: (usize, usize),
    },
}

/// An answer, the task that it is about, and what is to go wrong with it.
struct Answer {
    response: Response<String>,
    task: Option<TaskId>,
    /// The status of the task that it shows.
    status: Option<TaskStatus>,
    faults: Faults,
    is_one_too_many: bool,
}

impl From<Response<String>> for Answer {
    fn from(response: Response<String>) -> Self {
        let faults = Faults::default();
        Self { response, task: None, status: None, faults, is_one_too_many: false }
    }
}

impl<'a> Call<'a> {
    /// The method: a `HEAD` is a `GET` whose answer has no body.
    fn method(&self) -> &Method {
        if self.head.method == Method::HEAD { &Method::GET } else { &self.head.method }
    }

    /// Who calls, and what for. The functions of scripts are run here, with no lock held.
    fn prepare(&self) -> (Option<AccountId>, Result<Action<'a>, Response<String>>) {
        let Some((path, query)) = self.path() else { return (None, Err(self.unknown_path())) };
        let account = match self.account() {
            Ok(account) => account,
            Err(refused) => return (None, Err(refused)),
        };
        let api: &'a MockApi = self.api;
        let action = match api.routes.find(&self.head.method, path) {
            RouteMatch::Tasks => self.replies.list_query(&self.head, self.now).map(Action::Tasks),
            RouteMatch::Task(id) => Ok(Action::Task(id)),
            RouteMatch::Operation(operation, ids) => {
                self.operation(&account, operation, ids, &query)
            }
            RouteMatch::OtherMethod(allowed) => Err(self.other_method(&allowed)),
            RouteMatch::Unknown => Err(self.unknown_path()),
        };
        (Some(account), action)
    }

    /// Whose the request is.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    fn account(&self) -> Result<AccountId, Response<String>> {
        if self.api.replies.has_account_of() {
            return self.replies.account_of(&self.head, self.now);
        }
        let account = self.api.state().keys.account(&self.head.headers);
        account.map_err(|rejection| self.rejected(&rejection))
    }

    /// The path below the base address, and the query. A slash at the end of the path makes no
    /// difference; and a query that a client has escaped into the path is one all the same.
    fn path(&self) -> Option<(&str, String)> {
        let path = self.head.uri.path().strip_prefix(&*self.api.base)?;
        if !path.is_empty() && !path.starts_with('/') {
            return None;
        }
        let query = self.head.uri.query().unwrap_or_default();
        let escaped = path.rfind("%3F").or_else(|| path.rfind("%3f"));
        let escaped = escaped.filter(|at| {
            let rest = &path[*at..];
            let says_more = || self.api.routes.says_more(&path[..*at], path);
            rest.contains('=') && !rest.contains('/') && says_more()
        });
        let (path, query) = match escaped {
            Some(at) => (&path[..at], format!("{}&{query}", &path[at + 3..])),
            None => (path, query.to_owned()),
        };
        Some((path.strip_suffix('/').unwrap_or(path), query))
    }

    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    fn operation(
        &self,
        account: &AccountId,
        operation: &'a Operation,
        ids: Vec<ResourceId>,
        query: &str,
    ) -> Result<Action<'a>, Response<String>> {
        let rejected = |rejection: Rejection| self.rejected(&rejection);
        let body = self.parsed(operation).map_err(rejected)?;
        self.check_body(operation, &body).map_err(rejected)?;
        let work = Work::new(&self.api.routes, operation, ids, query, body);
        let (command, status) = match &operation.answer {
            Answered::Task { command, accepted } => (command.clone(), *accepted),
            Answered::AtOnce { .. } => {
                let part = match work.shows() {
                    Shows::All(_) => operation.paging.part(query).map_err(rejected)?,
                    _ => (0, usize::MAX),
                };
                return Ok(Action::AtOnce { operation, work: Box::new(work), part });
            }
        };
        let key = self.replies.id_of_key(&self.head, account, self.now)?;
        let candidates = {
            let scripts = self.api.scripts.read().unwrap_or_else(PoisonError::into_inner);
            scripts.candidates(account, &command)
        };
        let script = candidates.fitting(work.body());
        let operation = Box::new(Accepted::new(work, script));
        Ok(Action::Submit { command, status, key, operation })
    }

    fn check_body(&self, operation: &Operation, body: &Value) -> Result<(), Rejection> {
        let schema = operation.body.as_ref().filter(|_| self.api.checks_bodies && !body.is_null());
        match schema.map(|schema| schema.check(body)) {
            Some(Err(fault)) => Err(Rejection::bad_request(fault.to_string())),
            _ => Ok(()),
        }
    }

    fn answer(&self, context: Context<'_>, account: &mut Account, action: Action<'_>) -> Answer {
        match action {
            Action::Tasks(query) => {
                let page = account.list(context, &query, self.now);
                self.replies.list(&self.head, page, self.now).into()
            }
            Action::Task(id) => self.read(context, account, &id),
            Action::Submit { command, status, key, operation } => {
                let faults = operation.script().of_submission(account.id(), &command);
                if let Some(status) = faults.status() {
                    return Answer { faults, ..self.made_to_fail(status).into() };
                }
                let answer = self.submit(context, account, command, status, key, *operation);
                Answer { faults, ..answer }
            }
            Action::AtOnce { operation, work, part } => {
                self.at_once(account, operation, &work, part).into()
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
        // The task of a repeated request is there even if its resource has gone.
        let repeated = key.is_some_and(|id| account.knows(context, id, self.now));
        if !repeated && let Some(refused) = self.refused(account, operation.work()) {
            return refused.into();
        }
        let target = self.head.uri.path_and_query().map_or("", |target| target.as_str());
        let request = Value::from(format!("{} {target}", self.method()));
        let text = String::from_utf8_lossy(self.body);
        // What was not looked into is a text.
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

    /// The answer to a request that was one too many.
    fn one_too_many(&self) -> Response<String> {
        let message =
            "expected fewer requests in a time; the header Retry-After says when to go on";
        self.rejected(&Rejection::new(StatusCode::TOO_MANY_REQUESTS, message))
    }

    /// The answer to a request in whose place a script puts an error.
    fn made_to_fail(&self, status: StatusCode) -> Response<String> {
        self.rejected(&Rejection::new(status, "a script of the mock asks for this answer"))
    }

    /// Why what is asked for can't be, as things stand.
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

    /// The body, which may be missing unless it is needed.
    fn parsed(&self, operation: &Operation) -> Result<Value, Rejection> {
        let limit = self.api.max_body;
        if self.body.len() > limit {
            let message =
                format!("expected a body of at most {limit} bytes, got {}", self.body.len());
            return Err(Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        let is_other = operation.takes.other_types && !self.says_json();
        if is_other || (self.body.is_empty() && !self.api.needs_body(operation)) {
            return Ok(Value::Null);
        }
        let fault = |what: String| {
            Rejection::new(StatusCode::BAD_REQUEST, format!("expected a JSON object: {what}"))
        };
        let body: Value = serde_json::from_slice(self.body).map_err(|e| fault(e.to_string()))?;
        if depth(&body) > MAX_DEPTH {
            return Err(fault(format!("nested more than {MAX_DEPTH} deep")));
        }
        if body.is_object() || operation.takes.any_json {
            return Ok(body);
        }
        Err(fault(format!("got {}", Excerpt::of(&body.to_string()))))
    }

    /// Whether the body is JSON, as far as the request says what it is.
    fn says_json(&self) -> bool {
        let header = self.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        header.is_none_or(|name| name.to_ascii_lowercase().contains("json"))
    }

    fn exchange(
        &self,
        account: Option<AccountId>,
        answer: &Answer,
        faults: Vec<FaultKind>,
    ) -> Exchange {
        let path = self.head.uri.path();
        let query = self.head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let kept = if self.body.len() > self.api.max_body { &[] } else { self.body };
        let number = |headers: &HeaderMap| headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok();
        let secret = self.api.keys.headers();
        // Whatever says whose a request is stays out.
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
            // A silence spoils nothing of what is shown.
            task_status: answer
                .status
                .filter(|_| faults.iter().all(|it| *it == FaultKind::Silence)),
            faults,
            retry_after: number(answer.response.headers()),
            is_one_too_many: answer.is_one_too_many,
            idempotency_key: header(self.replies.key_header()),
            if_none_match: header(&IF_NONE_MATCH),
            user_agent: header(&USER_AGENT),
            request_body: String::from_utf8_lossy(kept).into_owned(),
            body: answer.response.body().clone(),
        }
    }

    pub(crate) fn rejected(&self, rejection: &Rejection) -> Response<String> {
        rejection.answer(&self.replies, &self.head, self.now)
    }

    pub(crate) fn not_found(&self, message: &str) -> Response<String> {
        self.rejected(&Rejection::new(StatusCode::NOT_FOUND, message))
    }

    pub(crate) fn unknown_path(&self) -> Response<String> {
        let tasks = self.replies.links().tasks_path();
        self.not_found(&format!(
            "expected a path of the API, such as {tasks} below its base address"
        ))
    }

    /// Names the resource that is missing, as the request's path does.
    pub(crate) fn no_resource(&self, (kind, ids): &ResourceKey) -> Response<String> {
        let kind = self.api.routes.kind(*kind);
        let id = match kind.own_id(ids) {
            Some(ResourceId::Text(text)) => format!(" {}", Excerpt::of(text)),
            Some(ResourceId::Number(number)) => format!(" {number}"),
            None => String::new(),
        };
        self.not_found(&format!("there is no {}{id}", kind.singular()))
    }

    fn other_method(&self, allowed: &str) -> Response<String> {
        let message = format!("expected one of the methods that the path allows: {allowed}");
        let rejection = Rejection::new(StatusCode::METHOD_NOT_ALLOWED, message);
        let mut response = self.rejected(&rejection);
        if let Ok(allowed) = HeaderValue::from_str(allowed) {
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}

/// How deep arrays and objects are nested. A value that was read is nested 127 deep at the most.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
