//! What a request asks for, and why it may be rejected.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use http::header::IF_NONE_MATCH;
use http::request::Parts;
use http::{HeaderName, StatusCode};

use crate::id::{AccountId, TaskId};
use crate::wire::percent_decoded;

/// The parts of a value between separators that are not within quotes.
pub(super) fn unquoted(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    value.split(move |c: char| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })
}

/// The longest key, in bytes.
const LONGEST_KEY: usize = 255;

/// Why a request was rejected before it came to a store: it can't be read, or another reason of the
/// server's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Rejection {
    status: StatusCode,
    message: String,
}

impl Rejection {
    /// A rejection with a status and a message for the client.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The HTTP status.
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }
}

pub(super) fn id_of_key(
    request: &Parts,
    header: &HeaderName,
    account: &AccountId,
) -> Result<Option<TaskId>, Rejection> {
    let mut keys = request.headers.get_all(header).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let header = spelled(header);
    if keys.next().is_some() {
        return Err(Rejection::bad_request(format!("expected one {header}, got more")));
    }
    match key.to_str() {
        Ok(text) if (1..=LONGEST_KEY).contains(&text.len()) => {
            Ok(Some(TaskId::for_key(account, text)))
        }
        Ok(text) => Err(Rejection::bad_request(format!(
            "expected {header} with 1 to {LONGEST_KEY} bytes, got {}",
            text.len()
        ))),
        Err(_) => Err(Rejection::bad_request(format!("expected {header} of visible ASCII"))),
    }
}

/// A header's name as people spell it, such as `Idempotency-Key`.
pub(super) fn spelled(header: &HeaderName) -> String {
    let mut begins = true;
    let letters = header.as_str().chars().map(|letter| {
        let letter = if begins { letter.to_ascii_uppercase() } else { letter };
        begins = letter == '-';
        letter
    });
    letters.collect()
}

/// What a path below the tasks asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TaskPath {
    pub(super) id: Option<TaskId>,
    /// Whether it asks for what the task came to.
    pub(super) is_result: bool,
}

/// What follows the path of tasks where that is last in a request's, if it is. Slashes at the end and
/// doubled ones don't matter.
pub(super) fn task_path(request: &Parts, tasks: &str) -> Option<TaskPath> {
    let segments = |path: &str| -> Vec<Vec<u8>> {
        path.split('/').filter(|segment| !segment.is_empty()).map(percent_decoded).collect()
    };
    let (path, tasks) = (segments(request.uri.path()), segments(tasks));
    let at = path.windows(tasks.len().max(1)).rposition(|part| part == tasks)?;
    let mut after = path[at + tasks.len()..].iter();
    let id = core::str::from_utf8(after.next()?).ok().and_then(|text| text.parse().ok());
    let is_result = after.next().is_some_and(|next| next == b"result") && after.next().is_none();
    Some(TaskPath { id, is_result })
}

/// How long a client is ready to wait for an answer (RFC 7240, section 4.3), if it says so.
pub(super) fn wait(request: &Parts) -> Option<Duration> {
    let seconds = preference(request, "wait")?.trim_matches('"');
    let is_number = !seconds.is_empty() && seconds.bytes().all(|digit| digit.is_ascii_digit());
    // What is beyond any number is as good as the highest.
    is_number.then(|| Duration::from_secs(seconds.parse().unwrap_or(u64::MAX)))
}

/// Whether a client would rather be answered at once than wait (RFC 7240, section 4.1).
pub(super) fn prefers_async(request: &Parts) -> bool {
    preference(request, "respond-async").is_some()
}

/// The value of a client's preference, empty where it has none: the first of this name, as RFC 7240 has
/// it. Parameters that follow it are not looked at.
fn preference<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    let headers = request.headers.get_all("prefer").iter();
    let mut preferences = headers.filter_map(|value| value.to_str().ok());
    preferences.find_map(|value| {
        unquoted(value, ',').find_map(|preference| {
            let preference = unquoted(preference, ';').next().unwrap_or_default();
            let (token, value) = preference.split_once('=').unwrap_or((preference, ""));
            token.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    })
}

/// Whether a request says that its client has a representation with this entity tag.
pub(super) fn has_etag(request: &Parts, tag: &str) -> bool {
    request.headers.get_all(IF_NONE_MATCH).iter().any(|known| {
        let mut rest = known.to_str().unwrap_or_default().trim();
        if rest == "*" {
            return true;
        }
        // Tags may have commas within their quotes.
        while let Some(begin) = rest.find('"') {
            let Some(length) = rest[begin + 1..].find('"') else { return false };
            let (known, after) = rest[begin..].split_at(length + 2);
            if known == tag {
                return true;
            }
            rest = after;
        }
        false
    })
}
