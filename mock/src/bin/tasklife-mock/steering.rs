//! What is done for somebody who steers.

mod operations;
mod query;
mod scripts;
mod tasks;

use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::control::{Control, Found, Refusal, forbidden, refused, with_type};
use crate::server::Server;

/// What somebody asks for.
struct RequestContext<'a> {
    /// What is on its path in the place of placeholders.
    ids: Vec<String>,
    uri: &'a Uri,
    body: &'a [u8],
}

impl RequestContext<'_> {
    fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        if self.body.trim_ascii().is_empty() {
            return Err(Refusal::bad_request("expected JSON as described, got no body"));
        }
        serde_json::from_slice(self.body)
            .map_err(|fault| Refusal::bad_request(format!("expected JSON as described: {fault}")))
    }

    fn list<T: DeserializeOwned>(&self) -> Result<Vec<T>, Refusal> {
        match self.body.trim_ascii().first() {
            None | Some(b'[') => self.body(),
            Some(_) => Err(Refusal::bad_request("expected a list in JSON, as described")),
        }
    }

    fn no_body(&self) -> Result<(), Refusal> {
        let message = "expected no body: what it is about is said in the query";
        if self.body.is_empty() { Ok(()) } else { Err(Refusal::bad_request(message)) }
    }
}

/// What is answered: JSON, or nothing.
type Answer = Result<Option<Value>, Refusal>;

impl Server {
    /// The answer to somebody who steers.
    pub(crate) fn steer(&self, head: &Parts, body: &[u8]) -> Response<String> {
        // A HEAD is a GET; the body of its answer is left out at the socket.
        let method = if head.method == Method::HEAD { &Method::GET } else { &head.method };
        let path = head.uri.path();
        let (operation, ids) = match self.control.find(method, path) {
            Found::Operation(operation, ids) => (operation, ids),
            Found::OtherMethod(allowed) => {
                let message = format!("expected one of the methods {allowed}");
                let mut response = refused(&Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message));
                if let Ok(allowed) = HeaderValue::from_str(&allowed) {
                    response.headers_mut().insert(ALLOW, allowed);
                }
                return response;
            }
            Found::Nothing => {
                let message = "expected a path that /_mock/control.json describes";
                return refused(&Refusal::new(StatusCode::NOT_FOUND, message));
            }
        };
        if operation.id == "pageScript" {
            return with_type(include_str!("page.js").into(), "text/javascript; charset=utf-8");
        }
        // Whether it is there, everybody may know.
        if operation.id != "health"
            && let Some(message) = self.control.refusal(&head.headers)
        {
            return forbidden(message);
        }
        if body.len() > Control::MAX_BODY {
            let message = format!("expected a body of at most {} bytes", Control::MAX_BODY);
            return refused(&Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        match self.operate(operation, &RequestContext { ids, uri: &head.uri, body }) {
            Ok(Some(value)) => with_type(value.to_string(), "application/json"),
            Ok(None) => {
                let mut response = Response::new(String::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Err(refusal) => refused(&refusal),
        }
    }
}
