//! What a client is told where a store refuses: in terms of what the client sent.

use alloc::format;
use alloc::string::ToString;

use http::StatusCode;

use super::Rejection;
use crate::store::{ApplyError, BackendError, ListError, SubmitError};

/// `key` is the name of the header with the client's key, if the request has it.
pub(super) fn of_submission(error: &SubmitError, key: Option<&str>) -> Rejection {
    match (error, key) {
        (SubmitError::Conflict, Some(key)) => Rejection::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
                "expected the request that this {key} first came with, got another one; \
                 a new request needs a new key"
            ),
        ),
        (error, _) => of_new_submission(error),
    }
}

fn of_new_submission(error: &SubmitError) -> Rejection {
    match error {
        SubmitError::Conflict => Rejection::new(
            StatusCode::CONFLICT,
            "expected the request that made the task with this id, got another one",
        ),
        SubmitError::InputTooLarge { limit } => Rejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("expected a body of at most {limit} bytes, got more"),
        ),
        SubmitError::AccountFull => Rejection::new(
            StatusCode::TOO_MANY_REQUESTS,
            "expected fewer unfinished tasks, got as many as the account may have; \
             try again when one has ended",
        ),
        SubmitError::StoreFull => Rejection::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server holds as much as it may, and nothing was applied; try again later",
        ),
        SubmitError::Expired => Rejection::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the clocks of the server disagree, and nothing was applied; try again later",
        ),
        SubmitError::Backend(error) => of_backend(error),
    }
}

pub(super) fn of_event(error: &ApplyError) -> Rejection {
    match error {
        ApplyError::NotFound => no_task(),
        ApplyError::Stale { .. } => Rejection::new(
            StatusCode::PRECONDITION_FAILED,
            "expected the task as it was when it was read, got it changed since; read it again",
        ),
        ApplyError::Transition(error) => Rejection::new(StatusCode::CONFLICT, error.to_string()),
        ApplyError::OutputTooLarge { limit } => Rejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("expected words and an outcome of at most {limit} bytes, got more"),
        ),
        ApplyError::StoreFull => Rejection::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server holds as many bytes as it may, and nothing was applied; try again later",
        ),
        ApplyError::LaneBusy => Rejection::new(
            StatusCode::CONFLICT,
            "expected fewer tasks in progress, got as many as the account may have; \
             try again when one has ended",
        ),
        ApplyError::Backend(error) => of_backend(error),
    }
}

pub(super) fn of_list(error: &ListError) -> Rejection {
    match error {
        ListError::Cursor(_) => Rejection::new(
            StatusCode::BAD_REQUEST,
            "cursor: expected one that a page of this list gave, with the same status and \
             changedSince",
        ),
        ListError::Backend(error) => of_backend(error),
    }
}

pub(super) fn of_backend(error: &BackendError) -> Rejection {
    let message = if error.is_unknown() {
        "the server failed, and whether anything was applied is unknown; ask before trying again"
    } else {
        "the server failed, and nothing was applied; try again later"
    };
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, message)
}

/// Whatever the reason why a task is not there, the answer is the same.
pub(super) fn no_task() -> Rejection {
    Rejection::new(StatusCode::NOT_FOUND, "there is no such task")
}
