//! What a request asks for, and why it may be rejected.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;
use core::num::NonZeroUsize;
use core::str::FromStr;

use http::StatusCode;
use http::header::IF_NONE_MATCH;
use http::request::Parts;

use crate::id::{AccountId, TaskId};
use crate::store::{Cursor, ListQuery};
use crate::wire::{Excerpt, percent_decoded};

/// The header with a client's key for a request that it may repeat.
pub(super) const KEY: &str = "idempotency-key";

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

pub(super) fn id_of_key(request: &Parts, account: &AccountId) -> Result<Option<TaskId>, Rejection> {
    let mut keys = request.headers.get_all(KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    if keys.next().is_some() {
        return Err(Rejection::bad_request("expected one Idempotency-Key, got more"));
    }
    match key.to_str() {
        Ok(text) if (1..=LONGEST_KEY).contains(&text.len()) => {
            Ok(Some(TaskId::for_key(account, text)))
        }
        Ok(text) => Err(Rejection::bad_request(format!(
            "expected an Idempotency-Key of 1 to {LONGEST_KEY} bytes, got {}",
            text.len()
        ))),
        Err(_) => Err(Rejection::bad_request("expected an Idempotency-Key of visible ASCII")),
    }
}

/// The id in a path, where it has one.
pub(super) fn id_in_path(request: &Parts) -> Option<TaskId> {
    let mut after = None;
    for segment in request.uri.path().rsplit('/').filter(|segment| !segment.is_empty()) {
        if segment == "tasks" {
            return String::from_utf8(percent_decoded(after?)).ok()?.parse().ok();
        }
        after = Some(segment);
    }
    None
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

pub(super) fn list_query(request: &Parts, most: usize) -> Result<ListQuery, Rejection> {
    let fields: Vec<(String, String)> = fields(request).collect();
    for once in ["limit", "cursor", "changedSince"] {
        if fields.iter().filter(|(name, _)| name == once).count() > 1 {
            return Err(Rejection::bad_request(format!("expected {once} once, got it again")));
        }
    }
    let mut query = ListQuery::new(NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN));
    for (name, value) in &fields {
        query = match name.as_str() {
            "limit" => {
                let limit = digits(value).and_then(|value| value.parse().ok());
                let limit = limit.filter(|limit: &NonZeroUsize| limit.get() <= most);
                let limit = limit.ok_or_else(|| {
                    let got = Excerpt::of(value);
                    Rejection::bad_request(format!("expected a limit of 1 to {most}, got {got}"))
                })?;
                query.with_limit(limit)
            }
            "cursor" => query.after(parse(name, value)?),
            "status" => query.with_status(parse(name, value)?),
            "changedSince" => query.changed_since(parse(name, digits(value).unwrap_or_default())?),
            _ => query,
        };
    }
    Ok(query)
}

/// The query of the page that follows: the same, but for the cursor.
pub(super) fn query_after(request: &Parts, cursor: Cursor) -> String {
    let kept = fields(request)
        .filter(|(name, _)| matches!(name.as_str(), "limit" | "status" | "changedSince"));
    // What was read as a limit, a status or a revision needs no encoding.
    let kept = kept.map(|(name, value)| format!("{name}={value}&"));
    kept.collect::<String>() + &format!("cursor={cursor}")
}

/// A text that is digits alone: a number as it is written, and not with a sign.
fn digits(text: &str) -> Option<&str> {
    Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn parse<T: FromStr<Err: Display>>(name: &str, value: &str) -> Result<T, Rejection> {
    value.parse().map_err(|error| Rejection::bad_request(format!("{name}: {error}")))
}

/// The fields of a query, decoded.
fn fields(request: &Parts) -> impl Iterator<Item = (String, String)> {
    let query = request.uri.query().unwrap_or_default();
    query.split('&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (decoded(name), decoded(value))
    })
}

/// A field's text as it was meant; what is no UTF-8 then is replaced, and fits nothing.
fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(&text.replace('+', " "))).to_string()
}
