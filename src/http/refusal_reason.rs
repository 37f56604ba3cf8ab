//! Why requests are refused, in terms of what the client sent.

use alloc::format;
use alloc::string::{String, ToString};

use http::StatusCode;

use crate::store::{ApplyError, BackendError, ListError, SubmitError};

/// Why a request is refused: an HTTP status and a message for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct RefusalReason {
    status: StatusCode,
    message: String,
}

impl RefusalReason {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }
}

/// Returns why a submission is refused. `key` is the name of the key header, if the request has it.
pub(super) fn for_submission(error: &SubmitError, key: Option<&str>) -> RefusalReason {
    match (error, key) {
        (SubmitError::Conflict, Some(key)) => RefusalReason::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
                "expected the request that this {key} was first sent with, got another one; \
                 use a new key for a new request"
            ),
        ),
        (error, _) => for_new_submission(error),
    }
}

fn for_new_submission(error: &SubmitError) -> RefusalReason {
    match error {
        SubmitError::Conflict => RefusalReason::new(
            StatusCode::CONFLICT,
            "expected the request that created the task with this id, got another one",
        ),
        SubmitError::InputTooLarge { limit } => RefusalReason::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("expected a body of at most {limit} bytes, got more"),
        ),
        SubmitError::AccountFull => RefusalReason::new(
            StatusCode::TOO_MANY_REQUESTS,
            "expected fewer open tasks, got as many as the account can have; \
             try again when one has ended",
        ),
        SubmitError::StoreFull => RefusalReason::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is full, and nothing was applied; try again later",
        ),
        SubmitError::Expired => RefusalReason::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the clocks of the server disagree, and nothing was applied; try again later",
        ),
        SubmitError::Backend(error) => for_backend(error),
    }
}

pub(super) fn for_event(error: &ApplyError) -> RefusalReason {
    match error {
        ApplyError::NotFound => no_task(),
        ApplyError::Stale { .. } => RefusalReason::new(
            StatusCode::PRECONDITION_FAILED,
            "expected the current revision of the task, got another one; read the task again",
        ),
        ApplyError::Transition(error) => {
            RefusalReason::new(StatusCode::CONFLICT, error.to_string())
        }
        ApplyError::OutputTooLarge { limit } => RefusalReason::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("expected a description and an outcome of at most {limit} bytes, got more"),
        ),
        ApplyError::StoreFull => RefusalReason::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is full, and nothing was applied; try again later",
        ),
        ApplyError::LaneFull => RefusalReason::new(
            StatusCode::CONFLICT,
            "expected fewer tasks in progress, got as many as the account can have; \
             try again when one has ended",
        ),
        ApplyError::Backend(error) => for_backend(error),
    }
}

pub(super) fn for_list(error: &ListError) -> RefusalReason {
    match error {
        ListError::Cursor(_) => RefusalReason::new(
            StatusCode::BAD_REQUEST,
            "cursor: expected one from a page of this list, with the same status and changedSince",
        ),
        ListError::Backend(error) => for_backend(error),
    }
}

pub(super) fn for_backend(error: &BackendError) -> RefusalReason {
    let message = if error.is_unknown() {
        "the server failed, and it is unknown whether anything was applied; \
         check before you try again"
    } else {
        "the server failed, and nothing was applied; try again later"
    };
    RefusalReason::new(StatusCode::SERVICE_UNAVAILABLE, message)
}

/// Returns the reason for a task that is not visible. It doesn't say why the task is not visible.
pub(super) fn no_task() -> RefusalReason {
    RefusalReason::new(StatusCode::NOT_FOUND, "there is no such task")
}
