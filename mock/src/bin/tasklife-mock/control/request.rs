//! Requests to control the mock, and their answers.

use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Control, Refusal, RouteMatch, forbidden, refusal_response, typed_response};
use crate::server::Server;

/// A request for an operation.
pub(super) struct ControlRequest<'a> {
    /// The values of the path's placeholders.
    pub(super) ids: Vec<String>,
    pub(super) uri: &'a Uri,
    body: &'a [u8],
}

impl ControlRequest<'_> {
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        if self.body.trim_ascii().is_empty() {
            return Err(Refusal::bad_request("expected JSON as described, got no body"));
        }
        serde_json::from_slice(self.body)
            .map_err(|error| Refusal::bad_request(format!("expected JSON as described: {error}")))
    }

    pub(super) fn list<T: DeserializeOwned>(&self) -> Result<Vec<T>, Refusal> {
        match self.body.trim_ascii().first() {
            None | Some(b'[') => self.body(),
            Some(_) => Err(Refusal::bad_request("expected a JSON array, as described")),
        }
    }

    pub(super) fn expect_no_body(&self) -> Result<(), Refusal> {
        let message = "expected no body, because the parameters are in the query";
        if self.body.is_empty() { Ok(()) } else { Err(Refusal::bad_request(message)) }
    }
}

/// The answer to a request: JSON, or nothing.
pub(super) type Answer = Result<Option<Value>, Refusal>;

impl Server {
    /// Answers a request below `/_mock`.
    pub(crate) fn answer_control(&self, head: &Parts, body: &[u8]) -> Response<String> {
        // For a HEAD, hyper leaves out the body of the answer.
        let method = if head.method == Method::HEAD { &Method::GET } else { &head.method };
        let path = head.uri.path();
        let (operation, ids) = match self.control.route(method, path) {
            RouteMatch::Operation(operation, ids) => (operation, ids),
            RouteMatch::MethodNotAllowed(allowed) => {
                let message = format!("expected one of the methods {allowed}, got {}", head.method);
                let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message);
                let mut response = refusal_response(&refusal);
                if let Ok(allowed) = HeaderValue::from_str(&allowed) {
                    response.headers_mut().insert(ALLOW, allowed);
                }
                return response;
            }
            RouteMatch::NotFound => {
                let message = "expected a path that /_mock/control.json describes";
                return refusal_response(&Refusal::new(StatusCode::NOT_FOUND, message));
            }
        };
        if operation.id == "pageScript" {
            let script = include_str!("../page.js");
            return typed_response(script.into(), "text/javascript; charset=utf-8");
        }
        // Anyone may ask whether the mock is running.
        if operation.id != "health"
            && let Some(message) = self.control.refusal(&head.headers)
        {
            return forbidden(message);
        }
        if body.len() > Control::MAX_BODY {
            let message = format!("expected a body of at most {} bytes", Control::MAX_BODY);
            return refusal_response(&Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        match self.carry_out(operation, &ControlRequest { ids, uri: &head.uri, body }) {
            Ok(Some(value)) => typed_response(value.to_string(), "application/json"),
            Ok(None) => {
                let mut response = Response::new(String::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Err(refusal) => refusal_response(&refusal),
        }
    }
}
