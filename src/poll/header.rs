//! What the headers of an answer say about when and where to ask next.

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use chrono::{DateTime, NaiveDateTime};
use http::header::{DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};

use crate::time::{Timestamp, clamp_time};

/// The headers with the address of a task, in the order of preference: Azure's two come first.
pub(super) const ADDRESSES: [HeaderName; 3] = [
    HeaderName::from_static("operation-location"),
    HeaderName::from_static("azure-asyncoperation"),
    LOCATION,
];

/// The header with the id of a task, which some services send with its address.
pub(super) const OPERATION_ID: HeaderName = HeaderName::from_static("operation-id");

/// The headers with a wait in milliseconds. Azure's services send them with `Retry-After`, and its
/// clients obey them.
const MILLISECONDS: [HeaderName; 2] =
    [HeaderName::from_static("retry-after-ms"), HeaderName::from_static("x-ms-retry-after-ms")];

/// The headers with the number of requests that a client may still send, in their various
/// spellings.
const REMAINING: [HeaderName; 3] = [
    HeaderName::from_static("x-rate-limit-remaining"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("ratelimit-remaining"),
];

/// Returns the value of a header, if it is visible ASCII and not empty.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim()).filter(|text| !text.is_empty())
}

/// Returns the value of the header with a name that a format gives.
pub(super) fn named(headers: &HeaderMap, name: &str) -> Option<Box<str>> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    text(headers, &name).map(Box::from)
}

/// Returns how long the server asks to wait: the longest of all waits that can be read.
///
/// A date is compared with the `Date` of the same answer, so that the client's clock doesn't
/// matter. Without a `Date`, it is compared with `now`.
pub(super) fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let sent = text(headers, &DATE).and_then(date).unwrap_or(clamp_time(now));
    let seconds = |text: &str| {
        let until = || Some(date(text)?.signed_duration_since(sent));
        number(text).or_else(|| until().map(|time| time.to_std().unwrap_or(Duration::ZERO)))
    };
    let milliseconds = |text: &str| number(text).map(|time| time / 1_000);
    let longest = |name, read: &dyn Fn(&str) -> Option<Duration>| {
        let texts = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        texts.filter_map(|text| read(text.trim())).max()
    };
    let in_milliseconds = MILLISECONDS.map(|name| longest(name, &milliseconds));
    in_milliseconds.into_iter().fold(longest(RETRY_AFTER, &seconds), Option::max)
}

/// Returns whether the server says that the client may send no more requests.
pub(super) fn has_no_requests_left(headers: &HeaderMap) -> bool {
    REMAINING
        .iter()
        .any(|name| text(headers, name).and_then(number).is_some_and(|left| left == Duration::ZERO))
}

/// Reads a number of seconds: digits, and optionally a point and more digits. A number that is too
/// large is read as the largest.
fn number(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    Some(Duration::new(whole.parse().unwrap_or(u64::MAX), nanos.parse().unwrap_or(0)))
}

/// Reads an HTTP date in any of its three forms (RFC 9110, section 5.6.7).
fn date(text: &str) -> Option<Timestamp> {
    let date = match DateTime::parse_from_rfc2822(text) {
        Ok(date) => date.to_utc(),
        Err(_) => ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?
            .and_utc(),
    };
    Some(clamp_time(date))
}
