//! The headers and the path of a request.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use http::HeaderName;
use http::header::IF_NONE_MATCH;
use http::request::Parts;

use super::refusal_reason::RefusalReason;
use crate::id::{AccountId, TaskId};
use crate::wire::percent_decoded;

/// Splits a value at separators that are not within quotes.
pub(super) fn split_unquoted(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    value.split(move |c: char| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })
}

/// The length limit of a key, in bytes.
const LONGEST_KEY: usize = 255;

pub(super) fn id_of_key(
    request: &Parts,
    header: &HeaderName,
    account: &AccountId,
) -> Result<Option<TaskId>, RefusalReason> {
    let mut keys = request.headers.get_all(header).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let header = spelled(header);
    if keys.next().is_some() {
        return Err(RefusalReason::bad_request(format!("expected one {header}, got more")));
    }
    match key.to_str() {
        Ok(text) if (1..=LONGEST_KEY).contains(&text.len()) => {
            Ok(Some(TaskId::for_key(account, text)))
        }
        Ok(text) => Err(RefusalReason::bad_request(format!(
            "expected {header} with 1 to {LONGEST_KEY} bytes, got {}",
            text.len()
        ))),
        Err(_) => Err(RefusalReason::bad_request(format!("expected {header} of visible ASCII"))),
    }
}

/// Returns the usual spelling of a header name, such as `Idempotency-Key`.
pub(super) fn spelled(header: &HeaderName) -> String {
    let mut begins = true;
    let letters = header.as_str().chars().map(|letter| {
        let letter = if begins { letter.to_ascii_uppercase() } else { letter };
        begins = letter == '-';
        letter
    });
    letters.collect()
}

/// What follows the path of tasks in a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TaskPath {
    pub(super) id: Option<TaskId>,
    /// Whether the path asks for the task's result.
    pub(super) is_result: bool,
}

/// Returns what follows the last occurrence of the path of tasks in a request, if there is one.
///
/// Trailing and doubled slashes make no difference.
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

/// Returns how long a client is prepared to wait for a response (RFC 7240, section 4.3).
pub(super) fn wait(request: &Parts) -> Option<Duration> {
    let seconds = preference(request, "wait")?.trim_matches('"');
    let is_number = !seconds.is_empty() && seconds.bytes().all(|digit| digit.is_ascii_digit());
    // A number that doesn't fit is replaced by the largest one.
    is_number.then(|| Duration::from_secs(seconds.parse().unwrap_or(u64::MAX)))
}

/// Returns whether a client prefers an immediate response (RFC 7240, section 4.1).
pub(super) fn prefers_async(request: &Parts) -> bool {
    preference(request, "respond-async").is_some()
}

/// Returns the value of a client's preference, or an empty one if it has no value.
///
/// The first preference of a name counts (RFC 7240). Parameters are ignored.
fn preference<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    let headers = request.headers.get_all("prefer").iter();
    let mut preferences = headers.filter_map(|value| value.to_str().ok());
    preferences.find_map(|value| {
        split_unquoted(value, ',').find_map(|preference| {
            let preference = split_unquoted(preference, ';').next().unwrap_or_default();
            let (token, value) = preference.split_once('=').unwrap_or((preference, ""));
            token.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    })
}

/// Returns whether the `If-None-Match` of a request matches this entity tag.
pub(super) fn has_etag(request: &Parts, tag: &str) -> bool {
    request.headers.get_all(IF_NONE_MATCH).iter().any(|known| {
        let mut rest = known.to_str().unwrap_or_default().trim();
        if rest == "*" {
            return true;
        }
        // A tag can contain commas within its quotes.
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
