//! Answers: JSON throughout, errors included.

use std::error::Error;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde::Serialize;
use tasklife::Now;

/// Why a request was refused: a status, and a message for whoever made the client.
pub(crate) type Refusal = (StatusCode, String);

/// An answer, indented as in the documentation.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string_pretty(body) {
        Ok(text) => (status, [(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => broken(error).into_response(),
    }
}

/// The refusal for what should never fail.
pub(crate) fn broken(error: impl Error) -> Refusal {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// Gives errors the form that the API was seen to use, whether they come from here or from the
/// HTTP library: up to this point each is a status and a plain text.
pub(crate) async fn in_recorded_form(request: Request, next: Next) -> Response {
    #[derive(Serialize)]
    struct Recorded<'a> {
        timestamp: Now,
        status: u16,
        error: &'a str,
        message: &'a str,
        path: &'a str,
    }

    let path = request.uri().path().to_owned();
    let answer = next.run(request).await;
    let status = answer.status();
    if status.is_success() {
        return answer;
    }
    let message = to_bytes(answer.into_body(), usize::MAX).await.unwrap_or_default();
    let recorded = Recorded {
        timestamp: Utc::now(),
        status: status.as_u16(),
        error: status.canonical_reason().unwrap_or_default(),
        message: &String::from_utf8_lossy(&message),
        path: &path,
    };
    json(status, &recorded)
}
