//! Parses a request, and dispatches it.

use std::sync::PoisonError;

use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::Value;

use crate::accepted::Accepted;
use crate::answer::Answer;
use crate::api::MockApi;
use crate::call::{Action, Call};
use crate::effect::{Effect, Shows};
use crate::keys::Authentication;
use crate::operation::{Operation, OperationReply};
use crate::rate::Left;
use crate::rejection::Rejection;
use crate::route::RouteMatch;
use crate::text::Excerpt;
use crate::work::Work;
use tasklife::{AccountId, Replies, ResourceId, Timestamp, clamp_time};

/// The deepest nesting of arrays and objects in a body.
const MAX_DEPTH: usize = 100;

impl MockApi {
    /// Answers a request at the time `now`.
    pub fn handle<B: AsRef<[u8]>>(&self, request: &Request<B>, now: Timestamp) -> Response<String> {
        let (head, now) = (head(request), clamp_time(now));
        let (replies, fault) = match self.replies.for_request(&head, now) {
            Ok(replies) => (replies, None),
            Err(fault) => (self.replies.clone(), Some(fault)),
        };
        let replies = self.with_key_headers(replies);
        let call = Call { api: self, replies, head, body: request.body().as_ref(), now };
        // Everything after parsing runs under one lock, so that the journal has the order of
        // events.
        let (mut guard, account, action) = loop {
            let resets = self.state().resets;
            let (account, action) = match &fault {
                Some(fault) => (None, Err(fault.clone())),
                None => call.prepare(),
            };
            let guard = self.state();
            // A reset in the meantime may have closed the account.
            if guard.resets == resets {
                break (guard, account, action);
            }
        };
        let state = &mut *guard;
        let context = self.context(&state.store);
        // Tasks that are gone, in any account, make room.
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
                        Answer { is_rate_limited: true, ..call.rate_limited().into() }
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
        let faults = answer.faults.apply(&mut answer.response);
        state.journal.add(call.exchange(account, &answer, faults));
        answer.response
    }

    /// Returns whether the request must have a body. By default, an operation that makes or changes
    /// a resource needs one.
    pub(crate) fn needs_body(&self, operation: &Operation) -> bool {
        operation.needs_body.unwrap_or_else(|| {
            matches!(
                self.routes.effect(operation),
                Effect::Create(_) | Effect::Change(_) | Effect::Replace(_)
            )
        })
    }

    /// Adds the headers that identify the account to the `Vary` of answers, and the challenge to
    /// 401s.
    fn with_key_headers(&self, replies: Replies) -> Replies {
        if self.authentication == Authentication::RedisCloud || self.replies.has_account_of() {
            return replies;
        }
        replies.with_account_of(
            self.authentication.headers(),
            self.authentication.challenge(),
            |_| None,
        )
    }

    /// Returns the base address of the links in the answer to a request.
    ///
    /// # Errors
    ///
    /// Returns the answer for a request that has no `Host`, or a malformed one, if the
    /// [`Origin`](tasklife::Origin) needs it.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn base_of<B>(
        &self,
        request: &Request<B>,
        now: Timestamp,
    ) -> Result<String, Response<String>> {
        let replies = self.replies.for_request(&head(request), now)?;
        Ok(replies.links().base().into())
    }
}

/// Returns the head of a request.
fn head<B>(request: &Request<B>) -> Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = request.method().clone();
    head.uri = request.uri().clone();
    head.version = request.version();
    head.headers = request.headers().clone();
    head
}

impl<'a> Call<'a> {
    /// Finds the account and the action. This calls the functions of scripts, so no lock may be
    /// held.
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

    /// Returns the account of the request.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    fn account(&self) -> Result<AccountId, Response<String>> {
        if self.api.replies.has_account_of() {
            return self.replies.account_of(&self.head, self.now);
        }
        let account = self.api.state().keys.account(&self.head.headers);
        account.map_err(|rejection| self.rejected(&rejection))
    }

    /// Returns the path below the base address, without a trailing slash, and the query. Some
    /// clients escape the query into the path; it is split off here.
    fn path(&self) -> Option<(&str, String)> {
        let path = self.head.uri.path().strip_prefix(&*self.api.base)?;
        if !path.is_empty() && !path.starts_with('/') {
            return None;
        }
        let query = self.head.uri.query().unwrap_or_default();
        let escaped = path.rfind("%3F").or_else(|| path.rfind("%3f"));
        let escaped = escaped.filter(|at| {
            let rest = &path[*at..];
            let is_more_specific = || self.api.routes.is_more_specific(&path[..*at], path);
            rest.contains('=') && !rest.contains('/') && is_more_specific()
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
        let (command, status) = match &operation.reply {
            OperationReply::Task { command, accepted } => (command.clone(), *accepted),
            OperationReply::Immediate { .. } => {
                let part = match work.shows() {
                    Shows::All(_) => operation.paging.part(query).map_err(rejected)?,
                    _ => (0, usize::MAX),
                };
                return Ok(Action::Immediate { operation, work: Box::new(work), part });
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

    /// Parses the body, which may be empty unless the operation needs it.
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

    /// Returns whether the body is JSON according to its `Content-Type`, or has none.
    fn says_json(&self) -> bool {
        let header = self.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        header.is_none_or(|name| name.to_ascii_lowercase().contains("json"))
    }

    fn other_method(&self, allowed: &str) -> Response<String> {
        let got = &self.head.method;
        let message = format!("expected one of the methods {allowed}, got {got}");
        let rejection = Rejection::new(StatusCode::METHOD_NOT_ALLOWED, message);
        let mut response = self.rejected(&rejection);
        if let Ok(allowed) = HeaderValue::from_str(allowed) {
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}

/// Returns the nesting of arrays and objects: 127 at most, the limit of the parser.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
