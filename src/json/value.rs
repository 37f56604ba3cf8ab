//! The value of JSON text: strict, exact, and independent of its notation.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::IgnoredAny;
use uuid::Uuid;

use super::{MAX_DEPTH, exceeds_depth};
use crate::wire::Excerpt;

/// A JSON value in normal form: members sorted by name, numbers as their significant digits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// `null`, `true` or `false`.
    Literal(&'a str),
    Number(Number),
    Text(Cow<'a, str>),
    Array(Vec<Self>),
    /// Members sorted by name. No name occurs twice.
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// A decimal number: exactly 0.`digits` times 10 to the power of `exponent`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Number {
    is_negative: bool,
    /// The digits, without zeros at the beginning and the end.
    digits: String,
    exponent: i64,
}

/// Why a strict reader refuses JSON text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("the number {0}, which is outside the range of doubles")]
    Number(Excerpt),
    #[error("the name {0} twice in one object")]
    Name(Excerpt),
    #[error("a string with half of a surrogate pair: {0}")]
    Text(#[from] serde_json::Error),
}

impl<'a> Value<'a> {
    /// Parses JSON text as the strictest readers of RFC 8259 do.
    ///
    /// Strings must be Unicode without unpaired surrogates. Numbers must be within the range of
    /// doubles. No name may occur twice in an object. The caller must have limited the depth.
    pub(crate) fn parse(json: &'a str) -> Result<Self, ValueError> {
        // After this check, the scanner can assume valid JSON.
        serde_json::from_str::<IgnoredAny>(json)?;
        Scanner { json, at: 0 }.value()
    }

    /// Writes bytes that no other value produces. Each part contains its own length or end.
    fn write_canonical(&self, out: &mut Vec<u8>) {
        let write_text = |out: &mut Vec<u8>, text: &str| {
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        match self {
            Self::Literal(literal) => {
                out.push(b'w');
                write_text(out, literal);
            }
            Self::Number(Number { is_negative, digits, exponent }) => {
                out.push(if *is_negative { b'-' } else { b'+' });
                write_text(out, digits);
                out.extend_from_slice(&exponent.to_be_bytes());
            }
            Self::Text(string) => {
                out.push(b't');
                write_text(out, string);
            }
            Self::Array(elements) => {
                out.push(b'[');
                for element in elements {
                    element.write_canonical(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (name, value) in members {
                    out.push(b't');
                    write_text(out, name);
                    value.write_canonical(out);
                }
                out.push(b'}');
            }
        }
    }
}

/// Reads the parts of valid JSON text.
struct Scanner<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Skips white space and returns the next byte without consuming it.
    fn peek(&mut self) -> u8 {
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        let spaces = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += spaces;
        rest.get(spaces).copied().unwrap_or_default()
    }

    /// Consumes the next byte if it is `byte`, after skipping white space.
    fn take_if(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// Consumes `count` bytes.
    fn take(&mut self, count: usize) -> &'a str {
        let token = self.json.get(self.at..self.at + count).unwrap_or_default();
        self.at += count;
        token
    }

    fn value(&mut self) -> Result<Value<'a>, ValueError> {
        match self.peek() {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.text().map(Value::Text),
            first => {
                let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
                let is_end = |byte: &u8| byte.is_ascii_whitespace() || b",]}".contains(byte);
                let token = self.take(rest.iter().position(is_end).unwrap_or(rest.len()));
                if first.is_ascii_alphabetic() {
                    return Ok(Value::Literal(token));
                }
                let number = Number::parse(token).map(Value::Number);
                number.ok_or_else(|| ValueError::Number(Excerpt::of(token)))
            }
        }
    }

    fn object(&mut self) -> Result<Value<'a>, ValueError> {
        let mut members = Vec::new();
        self.take_if(b'{');
        while !self.take_if(b'}') {
            self.take_if(b',');
            self.peek();
            let name = self.text()?;
            self.take_if(b':');
            members.push((name, self.value()?));
        }
        members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        match members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(ValueError::Name(Excerpt::of(&pair[0].0))),
            None => Ok(Value::Object(members)),
        }
    }

    fn array(&mut self) -> Result<Value<'a>, ValueError> {
        let mut elements = Vec::new();
        self.take_if(b'[');
        while !self.take_if(b']') {
            self.take_if(b',');
            elements.push(self.value()?);
        }
        Ok(Value::Array(elements))
    }

    /// Reads a string. It is borrowed if it contains no escapes.
    fn text(&mut self) -> Result<Cow<'a, str>, ValueError> {
        let rest = self.json.as_bytes().get(self.at + 1..).unwrap_or_default();
        let (mut length, mut is_escaped) = (0, false);
        while let Some(byte) = rest.get(length).filter(|byte| **byte != b'"') {
            is_escaped |= *byte == b'\\';
            length += if *byte == b'\\' { 2 } else { 1 };
        }
        let token = self.take(length + 2);
        if is_escaped {
            Ok(Cow::Owned(serde_json::from_str(token)?))
        } else {
            Ok(Cow::Borrowed(token.get(1..=length).unwrap_or_default()))
        }
    }
}

/// Returns whether `one` and `other` are both JSON objects, or both JSON arrays, with equal values.
///
/// The order of members and the notation of numbers make no difference. JSON that strict readers
/// refuse has no value, so it is equal to nothing.
pub(crate) fn is_same_value(one: &[u8], other: &[u8]) -> bool {
    let first = |json: &[u8]| json.trim_ascii_start().first().copied();
    if first(one) != first(other) || !matches!(first(one), Some(b'{' | b'[')) {
        return false;
    }
    value_of(one).is_some_and(|one| value_of(other).is_some_and(|other| one == other))
}

/// Returns a digest of bytes.
///
/// Two JSON objects, or two arrays, with [equal values](is_same_value) have the same digest. Any
/// other two byte strings have the same digest only if they are equal, as far as a hash of 122 bits
/// can tell.
///
/// Digests are saved on disk, so the algorithm must not change.
pub(crate) fn digest(bytes: &[u8]) -> Uuid {
    const OF_BYTES: Uuid = Uuid::from_u128(0x0cc5_d8a0_4a5f_5c39_9d1e_6f54_53fb_02c7);
    const OF_JSON: Uuid = Uuid::from_u128(0x7f0e_98a4_1d47_5b52_8a3d_2b16_9cd0_e41b);
    let is_composite = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    match is_composite.then(|| value_of(bytes)).flatten() {
        Some(value) => {
            let mut canonical = Vec::with_capacity(bytes.len());
            value.write_canonical(&mut canonical);
            Uuid::new_v5(&OF_JSON, &canonical)
        }
        None => Uuid::new_v5(&OF_BYTES, bytes),
    }
}

/// Returns the value of JSON text, unless strict readers refuse it.
fn value_of(json: &[u8]) -> Option<Value<'_>> {
    if exceeds_depth(json, MAX_DEPTH).is_some() {
        return None;
    }
    core::str::from_utf8(json).ok().and_then(|text| Value::parse(text).ok())
}

impl Number {
    /// Parses a JSON number, or returns `None` if it is outside the range of doubles.
    fn parse(text: &str) -> Option<Self> {
        text.parse::<f64>().ok().filter(|number| number.is_finite())?;
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = [whole, fraction].concat();
        let significant = all_digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self::default());
        }
        // The number is within the range of doubles, so an exponent that doesn't fit is negative.
        let exponent: i64 = exponent.parse().unwrap_or(i64::MIN);
        // A text has fewer than 2⁶³ digits, so the casts are exact.
        let point =
            whole.len().cast_signed() - (all_digits.len() - significant.len()).cast_signed();
        Some(Self {
            is_negative,
            digits: significant.trim_end_matches('0').into(),
            exponent: exponent.saturating_add(i64::try_from(point).unwrap_or(i64::MAX)),
        })
    }
}
