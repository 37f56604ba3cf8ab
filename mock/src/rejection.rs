//! Why a request is refused: a status, and a message for the client.

use http::request::Parts;
use http::{Response, StatusCode};
use tasklife::{Now, Replies};

/// A refusal, before it is a response.
#[derive(Debug)]
pub(crate) struct Rejection {
    status: StatusCode,
    message: String,
}

impl Rejection {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The response.
    pub(crate) fn answer(&self, replies: &Replies, request: &Parts, now: Now) -> Response<String> {
        replies.refused(request, self.status, &self.message, now)
    }
}
