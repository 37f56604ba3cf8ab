//! The refusal of a request.

use http::request::Parts;
use http::{Response, StatusCode};
use tasklife::{Replies, Timestamp};

/// The status and the message of a refusal.
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

    /// Creates the response.
    pub(crate) fn answer(
        &self,
        replies: &Replies,
        request: &Parts,
        now: Timestamp,
    ) -> Response<String> {
        replies.refused(request, self.status, &self.message, now)
    }
}
