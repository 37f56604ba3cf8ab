//! Instants: their range and their RFC 3339 text.

use alloc::string::String;
use core::fmt;

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::wire::Excerpt;

/// An instant in UTC.
///
/// The caller passes the current time as an argument, usually as the last one, because this crate
/// never reads a clock.
///
/// Wherever an instant enters this crate, an instant outside the years 0 to 9999 is replaced by
/// [`MIN_TIME`] or [`MAX_TIME`], as by [`clamp_time`]. So each instant can be written and read back.
pub type Timestamp = DateTime<Utc>;

/// The first instant that a task can have: the beginning of the year 0.
pub const MIN_TIME: Timestamp = instant(-62_167_219_200, 0);

/// The last instant that a task can have: one nanosecond before the year 10000.
pub const MAX_TIME: Timestamp = instant(253_402_300_799, 999_999_999);

const fn instant(seconds: i64, nanoseconds: u32) -> Timestamp {
    match DateTime::from_timestamp(seconds, nanoseconds) {
        Some(instant) => instant,
        None => DateTime::UNIX_EPOCH,
    }
}

/// Returns the instant, or the nearest one within the years 0 to 9999.
///
/// You need this if you implement a store.
///
/// A leap second can only be the last second of a minute. `chrono` can represent a leap second
/// elsewhere, which RFC 3339 can't express. It is replaced by the second after it.
///
/// ```
/// use tasklife::{MAX_TIME, Timestamp, clamp_time};
///
/// assert_eq!(clamp_time(Timestamp::MAX_UTC), MAX_TIME);
/// ```
#[must_use]
#[inline]
pub fn clamp_time(instant: Timestamp) -> Timestamp {
    let plain = instant.naive_utc();
    let is_ordinary =
        plain.nanosecond() < NANOSECONDS_PER_SECOND && (0..=9999).contains(&plain.year());
    if is_ordinary { instant } else { clamp_time_slow(instant) }
}

const NANOSECONDS_PER_SECOND: u32 = 1_000_000_000;

#[cold]
fn clamp_time_slow(instant: Timestamp) -> Timestamp {
    let leap_nanos = instant.timestamp_subsec_nanos().checked_sub(NANOSECONDS_PER_SECOND);
    let misplaced_leap_nanos = leap_nanos.filter(|_| instant.second() != 59);
    let instant = match misplaced_leap_nanos {
        Some(nanos) => DateTime::from_timestamp(instant.timestamp() + 1, nanos).unwrap_or(instant),
        None => instant,
    };
    instant.clamp(MIN_TIME, MAX_TIME)
}

/// An instant that is written as RFC 3339 text with `T` and `Z`.
///
/// The text has 0, 3, 6 or 9 fraction digits, the fewest that are exact. It is written without
/// `chrono`, whose formatting allocates a string and adds a sign to the years above 9999.
#[derive(Clone, Copy)]
pub(crate) struct Rfc3339(pub(crate) Timestamp);

/// A buffer for an instant, with room for the longest text.
///
/// Its size and alignment let the UTF-8 check read whole machine words.
#[repr(align(16))]
struct Buffer([u8; 32]);

/// The numbers below 100, as two ASCII digits each.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    let (mut tens, mut ones) = (b'0', b'0');
    while number < pairs.len() {
        pairs[number] = [tens, ones];
        (tens, ones) = if ones == b'9' { (tens + 1, b'0') } else { (tens, ones + 1) };
        number += 1;
    }
    pairs
};

impl Buffer {
    const EMPTY: Self = Self(*b"0000-00-00T00:00:00.000000000Z  ");

    /// Writes a number below 100.
    #[inline]
    fn write_two_digits(&mut self, at: usize, number: u32) {
        let digits = PAIRS.get(number as usize).unwrap_or(&PAIRS[99]);
        self.0[at..at + 2].copy_from_slice(digits);
    }
}

impl Rfc3339 {
    /// Writes the text and returns it.
    fn write_to(self, buffer: &mut Buffer) -> &str {
        let t = clamp_time(self.0).naive_utc();
        let (date, second_of_day) = (t.date(), t.num_seconds_from_midnight());
        // `chrono` represents a leap second as nanoseconds of 10⁹ and more.
        let (leap, nanos) = match t.nanosecond().checked_sub(NANOSECONDS_PER_SECOND) {
            Some(nanos) => (1, nanos),
            None => (0, t.nanosecond()),
        };
        let year = date.year().unsigned_abs();
        buffer.write_two_digits(0, year / 100);
        buffer.write_two_digits(2, year % 100);
        buffer.write_two_digits(5, date.month());
        buffer.write_two_digits(8, date.day());
        buffer.write_two_digits(11, second_of_day / 3600);
        buffer.write_two_digits(14, second_of_day / 60 % 60);
        buffer.write_two_digits(17, second_of_day % 60 + leap);
        let (end, fraction) = match nanos {
            0 => (19, 0),
            n if n % 1_000_000 == 0 => (23, n / 1_000_000),
            n if n % 1_000 == 0 => (26, n / 1_000),
            n => (29, n),
        };
        write_digits(buffer.0.get_mut(20..end).unwrap_or_default(), fraction);
        buffer.0[end] = b'Z';
        core::str::from_utf8(&buffer.0).ok().and_then(|text| text.get(..=end)).unwrap_or_default()
    }
}

/// Fills a field with the last digits of a number.
#[inline]
fn write_digits(field: &mut [u8], mut number: u32) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
    }
}

impl serde::Serialize for Rfc3339 {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.write_to(&mut { Buffer::EMPTY }))
    }
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.write_to(&mut { Buffer::EMPTY }))
    }
}

/// Parses RFC 3339 text with a `T` and at most 9 fraction digits.
pub(crate) fn parse_rfc3339(text: &str) -> Result<Timestamp, TimeError> {
    let error = || TimeError { got: Excerpt::of(text) };
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if text.as_bytes().get(10) != Some(&b'T') || digits > 9 || !text.is_ascii() {
        return Err(error());
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) if clamp_time(instant.to_utc()) == instant => Ok(instant.to_utc()),
        _ => Err(error()),
    }
}

/// Serializes an instant as its RFC 3339 text, for `#[serde(with)]`.
pub(crate) mod as_text {
    use serde::Serialize;

    use super::{Rfc3339, String, Timestamp, parse_rfc3339};

    pub(crate) fn serialize<S: serde::Serializer>(
        at: &Timestamp,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        Rfc3339(*at).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Timestamp, D::Error> {
        let text: String = serde::Deserialize::deserialize(from)?;
        parse_rfc3339(&text).map_err(serde::de::Error::custom)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 instant such as 2019-08-08T06:49:15.929Z, got {got}")]
pub(crate) struct TimeError {
    got: Excerpt,
}
