//! What the headers of an answer say: when to ask again, and where.

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use chrono::{DateTime, NaiveDateTime};
use http::header::{DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};

use crate::time::{Now, clamp_time};

/// The headers that say where a task's status is, best first.
pub(super) const ADDRESSES: [HeaderName; 3] = [
    HeaderName::from_static("operation-location"),
    HeaderName::from_static("azure-asyncoperation"),
    LOCATION,
];

/// The header with the id of a task, beside its address.
pub(super) const OPERATION_ID: HeaderName = HeaderName::from_static("operation-id");

/// How long to wait, in milliseconds: Azure's services say so beside `Retry-After`, and its clients heed it.
const MILLISECONDS: [HeaderName; 2] =
    [HeaderName::from_static("retry-after-ms"), HeaderName::from_static("x-ms-retry-after-ms")];

/// How many requests a client may still send. The spellings in use.
const REMAINING: [HeaderName; 3] = [
    HeaderName::from_static("x-rate-limit-remaining"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("ratelimit-remaining"),
];

/// The text of a header, where it is there and a text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim()).filter(|text| !text.is_empty())
}

/// The same, by a name that a format looks for.
pub(super) fn named(headers: &HeaderMap, name: &str) -> Option<Box<str>> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    text(headers, &name).map(Box::from)
}

/// How long the server asks to wait: the longest, where it says more than one. What can't be read is not there.
///
/// A date is compared with the `Date` of the same answer, so that it doesn't matter how far the two clocks differ;
/// without one, with `now`.
pub(super) fn wait(headers: &HeaderMap, now: Now) -> Option<Duration> {
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

/// Whether the server says that no request is left.
pub(super) fn is_spent(headers: &HeaderMap) -> bool {
    REMAINING
        .iter()
        .any(|name| text(headers, name).and_then(number).is_some_and(|left| left == Duration::ZERO))
}

/// A number of seconds: digits, and maybe a fraction. One that is beyond any is the highest.
fn number(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    Some(Duration::new(whole.parse().unwrap_or(u64::MAX), nanos.parse().unwrap_or(0)))
}

/// A date as HTTP has it, in any of its three forms (RFC 9110, section 5.6.7).
fn date(text: &str) -> Option<Now> {
    let date = match DateTime::parse_from_rfc2822(text) {
        Ok(date) => date.to_utc(),
        Err(_) => ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?
            .and_utc(),
    };
    Some(clamp_time(date))
}
