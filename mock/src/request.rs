//! From a request to its answer.

use std::sync::PoisonError;

use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;

use crate::account::Account;
use crate::api::MockApi;
use crate::journal::Exchange;
use crate::operation::Operation;
use crate::rejection::Rejection;
use crate::resource::{ResourceKey, number_of};
use crate::route::{Effect, Kind, Listing, RouteMatch};
use crate::text::{Excerpt, query_parameters};
use tasklife::{
    AccountId, CommandType, ListQuery, Now, Replies, ResourceId, Submission, TaskId, clamp_time,
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
        let call = Call { api: self, replies, head, body: request.body().as_ref(), now };
        let (account, action) = match fault {
            Some(fault) => (None, Err(fault)),
            None => call.prepare(),
        };
        // From here on under one lock, so that the journal has the order in which things happened.
        let mut state = self.state();
        let answer = match (&account, action) {
            (_, Err(refused)) => refused.into(),
            (None, Ok(_)) => call.unknown_path().into(),
            (Some(account), Ok(action)) => {
                let (number, account) = state.accounts.entry(account);
                account.advance(self.context(), call.now);
                call.answer(account, number, action)
            }
        };
        state.journal.add(call.exchange(account, &answer));
        answer.response
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
struct Call<'a> {
    api: &'a MockApi,
    /// With the links that the answer to this request has.
    replies: Replies,
    head: Parts,
    body: &'a [u8],
    now: Now,
}

/// What a request wants, as far as it can be said without looking at anything that changes.
enum Action {
    Tasks(ListQuery),
    Task(String),
    Operation { command: CommandType, key: Option<TaskId>, operation: Box<Operation> },
    Resource(ResourceKey),
    Resources(ResourceKey, (usize, usize)),
}

/// An answer, and the task that it is about.
struct Answer {
    response: Response<String>,
    task: Option<TaskId>,
}

impl From<Response<String>> for Answer {
    fn from(response: Response<String>) -> Self {
        Self { response, task: None }
    }
}

impl Call<'_> {
    /// The method: a `HEAD` is a `GET` whose answer has no body.
    fn method(&self) -> &Method {
        if self.head.method == Method::HEAD { &Method::GET } else { &self.head.method }
    }

    /// Who calls, and what for. The functions of scripts are run here, with no lock held.
    fn prepare(&self) -> (Option<AccountId>, Result<Action, Response<String>>) {
        let Some(path) = self.path() else { return (None, Err(self.unknown_path())) };
        let account = match self.account() {
            Ok(account) => account,
            Err(refused) => return (None, Err(refused)),
        };
        let action = match self.api.routes.find(&self.head.method, path) {
            RouteMatch::Tasks => self.replies.list_query(&self.head, self.now).map(Action::Tasks),
            RouteMatch::Task(id) => Ok(Action::Task(id)),
            RouteMatch::Operation { command, effect, subject } => {
                self.operation(&account, command, effect, subject)
            }
            RouteMatch::Resource(kind, ids) => Ok(Action::Resource((kind, ids))),
            RouteMatch::Resources(kind, ids) => {
                let part = self.part().map_err(|rejection| self.rejected(&rejection));
                part.map(|part| Action::Resources((kind, ids), part))
            }
            RouteMatch::OtherMethod(allowed) => Err(self.other_method(&allowed)),
            RouteMatch::Unknown => Err(self.unknown_path()),
        };
        (Some(account), action)
    }

    /// Whose the request is.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    fn account(&self) -> Result<AccountId, Response<String>> {
        if self.replies.has_account_of() {
            return self.replies.account_of(&self.head, self.now);
        }
        let account = self.api.state().keys.account(&self.head.headers);
        account.map_err(|rejection| self.rejected(&rejection))
    }

    /// The path below the base address. A slash at its end makes no difference.
    fn path(&self) -> Option<&str> {
        let path = self.head.uri.path().strip_prefix(&*self.api.base)?;
        let path = path.starts_with('/').then_some(path)?;
        Some(path.strip_suffix('/').unwrap_or(path))
    }

    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    fn operation(
        &self,
        account: &AccountId,
        command: CommandType,
        effect: Effect,
        subject: Option<ResourceKey>,
    ) -> Result<Action, Response<String>> {
        let needs_body = matches!(effect, Effect::Create { .. } | Effect::Change { .. });
        let body = self.parsed(needs_body).map_err(|rejection| self.rejected(&rejection))?;
        let key = self.replies.id_of_key(&self.head, account, self.now)?;
        let candidates = {
            let scripts = self.api.scripts.read().unwrap_or_else(PoisonError::into_inner);
            scripts.candidates(&command)
        };
        let script = candidates.fitting(&body);
        let asks = self.method() == Method::GET;
        let operation = Operation::new(&self.api.routes, effect, subject, asks, &body, &script);
        Ok(Action::Operation { command, key, operation: Box::new(operation) })
    }

    fn answer(&self, account: &mut Account, number: usize, action: Action) -> Answer {
        match action {
            Action::Tasks(query) => {
                let page = account.list(self.api.context(), &query, self.now);
                self.replies.list(&self.head, page, self.now).into()
            }
            Action::Task(id) => self.read(account, &id),
            Action::Operation { command, key, operation } => {
                self.operate(account, command, key, *operation)
            }
            Action::Resource(key) => self.resource(account, &key).into(),
            Action::Resources(key, part) => self.resources(account, number, &key, part).into(),
        }
    }

    fn read(&self, account: &mut Account, id: &str) -> Answer {
        let id: Option<TaskId> = id.parse().ok();
        let counts = self.head.method == Method::GET;
        let task = id.and_then(|id| account.read(self.api.context(), id, counts, self.now));
        Answer { response: self.replies.polled(&self.head, Ok(task), self.now), task: id }
    }

    fn operate(
        &self,
        account: &mut Account,
        command: CommandType,
        key: Option<TaskId>,
        operation: Operation,
    ) -> Answer {
        let context = self.api.context();
        let missing = operation
            .subject()
            .and_then(|key| account.resources.missing(context.routes, key, self.now));
        // The task of a repeated request is there even if its resource has gone.
        let repeated = key.is_some_and(|id| account.knows(context, id, self.now));
        if let Some(missing) = missing
            && !repeated
        {
            return self.no_resource(&missing).into();
        }
        if operation.creates()
            && !repeated
            && !account.resources.have_room(context.routes, self.now)
        {
            let most = MockApi::MAX_RESOURCES;
            let message = format!("expected an account with less than {most} resources");
            return self.rejected(&Rejection::new(StatusCode::TOO_MANY_REQUESTS, message)).into();
        }
        let target = self.head.uri.path_and_query().map_or("", |target| target.as_str());
        let request = Value::from(format!("{} {target}", self.method()));
        let body = if self.body.is_empty() { b"null" } else { self.body };
        let body = String::from_utf8_lossy(body);
        let input = format!(r#"{{"request":{request},"body":{body}}}"#);
        let id = key.unwrap_or_else(|| account.task_id(context, &command, &input, self.now));
        let status = self.api.routes.accepted(&command);
        let submission = Submission::new(account.id().clone(), id, command);
        let submission = submission.with_input(input.into_bytes());
        let result = account.submit(context, submission, operation, self.now);
        let task = result.as_ref().ok().map(|submitted| submitted.task().id());
        let mut response = self.replies.accepted(&self.head, result, self.now);
        if response.status() == StatusCode::ACCEPTED {
            *response.status_mut() = status;
        }
        Answer { response, task }
    }

    fn resource(&self, account: &mut Account, key: &ResourceKey) -> Response<String> {
        let (routes, resources) = (&self.api.routes, &mut account.resources);
        if let Some(missing) = resources.missing(routes, key, self.now) {
            return self.no_resource(&missing);
        }
        let there = self.head.method != Method::GET || resources.read(routes, key, self.now);
        let description = there.then(|| resources.description(routes, key, self.now)).flatten();
        match description {
            Some(description) => self.replies.document(&self.head, description),
            None => self.no_resource(key),
        }
    }

    fn resources(
        &self,
        account: &mut Account,
        number: usize,
        key: &ResourceKey,
        part: (usize, usize),
    ) -> Response<String> {
        let (routes, resources) = (&self.api.routes, &mut account.resources);
        let (kind, before) = (routes.kind(key.0), &key.1);
        if let Some(parent) = kind.parent
            && let Some(missing) = resources.missing(routes, &(parent, before.clone()), self.now)
        {
            return self.no_resource(&missing);
        }
        let all = resources.descriptions(routes, key, part, self.now);
        if all.is_empty() && kind.listing == Listing::ArrayOrNotFound {
            return self
                .not_found(&format!("there are no {} in this part of the list", kind.plural));
        }
        let listed = listed(kind, kind.parent.map(|parent| routes.kind(parent)), before, &all);
        self.replies.document(&self.head, format!(r#"{{"accountId":{number},{listed}}}"#))
    }

    /// The body, which may be missing unless it is needed.
    fn parsed(&self, needed: bool) -> Result<Value, Rejection> {
        let limit = self.api.max_body;
        if self.body.len() > limit {
            let message =
                format!("expected a body of at most {limit} bytes, got {}", self.body.len());
            return Err(Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        if self.body.is_empty() && !needed {
            return Ok(Value::Null);
        }
        let fault = |what: String| {
            Rejection::new(StatusCode::BAD_REQUEST, format!("expected a JSON object: {what}"))
        };
        let body: Value = serde_json::from_slice(self.body).map_err(|e| fault(e.to_string()))?;
        if depth(&body) > MAX_DEPTH {
            return Err(fault(format!("nested more than {MAX_DEPTH} deep")));
        }
        if body.is_object() { Ok(body) } else { Err(fault("got another value".to_owned())) }
    }

    /// Which of the resources are asked for: from where on, and how many.
    fn part(&self) -> Result<(usize, usize), Rejection> {
        let mut part = [None, None];
        for (name, value) in query_parameters(&self.head) {
            let value_of = match name.as_str() {
                "offset" => &mut part[0],
                "limit" => &mut part[1],
                _ => continue,
            };
            let number = Some(value.as_str()).filter(|v| v.bytes().all(|c| c.is_ascii_digit()));
            let number: usize = number.and_then(|number| number.parse().ok()).ok_or_else(|| {
                let got = Excerpt::of(&value);
                Rejection::bad_request(format!(
                    "{name}: expected a whole number from 0 on, got {got}"
                ))
            })?;
            if value_of.replace(number).is_some() {
                return Err(Rejection::bad_request(format!("expected {name} once, got it again")));
            }
        }
        Ok((part[0].unwrap_or(0), part[1].unwrap_or(usize::MAX)))
    }

    fn exchange(&self, account: Option<AccountId>, answer: &Answer) -> Exchange {
        let path = self.head.uri.path();
        let query = self.head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let kept = if self.body.len() > self.api.max_body { &[] } else { self.body };
        Exchange {
            number: 0,
            at: self.now,
            account,
            method: self.head.method.clone(),
            path: format!("{path}{query}"),
            status: answer.response.status().as_u16(),
            task_id: answer.task,
            request_body: String::from_utf8_lossy(kept).into_owned(),
            body: answer.response.body().clone(),
        }
    }

    fn rejected(&self, rejection: &Rejection) -> Response<String> {
        rejection.answer(&self.replies, &self.head, self.now)
    }

    fn not_found(&self, message: &str) -> Response<String> {
        self.rejected(&Rejection::new(StatusCode::NOT_FOUND, message))
    }

    fn unknown_path(&self) -> Response<String> {
        let tasks = self.replies.links().tasks_path();
        self.not_found(&format!(
            "expected a path of the API, such as {tasks} below its base address"
        ))
    }

    /// Names the resource that is missing, as the request's path does.
    fn no_resource(&self, (kind, ids): &ResourceKey) -> Response<String> {
        let kind = self.api.routes.kind(*kind).singular();
        let id = match ids.last() {
            Some(ResourceId::Text(text)) => format!(" {}", Excerpt::of(text)),
            Some(ResourceId::Number(number)) => format!(" {number}"),
            None => String::new(),
        };
        self.not_found(&format!("there is no {kind}{id}"))
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

/// The list of resources of a kind, within what they belong to.
fn listed(kind: &Kind, parent: Option<&Kind>, before: &[ResourceId], all: &[String]) -> String {
    let list = format!(r#""{}":[{}]"#, kind.plural, all.join(","));
    let (Some(parent), Some(id)) = (parent, before.last()) else { return list };
    let id = serde_json::to_string(id).unwrap_or_default();
    let singular = parent.singular();
    let (id_name, number) = (&parent.id_name, number_of(kind));
    let within = format!(r#"{{"{id_name}":{id},"{number}":{},{list}}}"#, all.len());
    match kind.listing {
        Listing::Array | Listing::ArrayOrNotFound => format!(r#""{singular}":[{within}]"#),
        Listing::Object => format!(r#""{singular}":{within}"#),
    }
}
