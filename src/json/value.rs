//! The value that a JSON text stands for: strict, exact, and the same however the text is spelled.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::IgnoredAny;
use uuid::Uuid;

use super::{MAX_DEPTH, exceeds_depth};
use crate::wire::Excerpt;

/// A JSON value in one form: members by name, numbers in their significant digits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// `null`, `true` or `false`.
    Word(&'a str),
    Number(Number),
    Text(Cow<'a, str>),
    Array(Vec<Self>),
    /// By name, each of them once.
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// A decimal number: 0.`digits` times 10 to the power of `exponent`, exactly.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Number {
    is_negative: bool,
    /// Neither the first nor the last is a zero.
    digits: String,
    exponent: i64,
}

/// Why a strict reader refuses a JSON text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the number {0}, which is beyond the range of doubles")]
    Number(Excerpt),
    #[error("the name {0} twice in one object")]
    Name(Excerpt),
    #[error("a string with half of a surrogate pair: {0}")]
    Text(#[from] serde_json::Error),
}

impl<'a> Value<'a> {
    /// Reads a text as the strictest readers of RFC 8259 do: strings are Unicode, without halves of
    /// surrogate pairs; numbers are within the range of doubles; no name occurs twice in an object.
    ///
    /// Whoever calls has bounded the depth, and knows that it is JSON or doesn't ask why it is refused.
    pub(crate) fn parse(json: &'a str) -> Result<Self, Unreadable> {
        // From here on it is JSON: what is left is to find its parts, in one pass.
        serde_json::from_str::<IgnoredAny>(json)?;
        Scanner { json, at: 0 }.value()
    }

    /// Writes bytes that no other value has: each part says where it ends.
    fn write_canonical(&self, out: &mut Vec<u8>) {
        let text = |out: &mut Vec<u8>, text: &str| {
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        match self {
            Self::Word(word) => {
                out.push(b'w');
                text(out, word);
            }
            Self::Number(Number { is_negative, digits, exponent }) => {
                out.push(if *is_negative { b'-' } else { b'+' });
                text(out, digits);
                out.extend_from_slice(&exponent.to_be_bytes());
            }
            Self::Text(string) => {
                out.push(b't');
                text(out, string);
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
                    text(out, name);
                    value.write_canonical(out);
                }
                out.push(b'}');
            }
        }
    }
}

/// The parts of a text that is JSON, one after the other.
struct Scanner<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// The next byte that is no white space, which is left where it is.
    fn peek(&mut self) -> u8 {
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        let spaces = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += spaces;
        rest.get(spaces).copied().unwrap_or_default()
    }

    /// Takes the next byte, if it is this one. White space before it is passed over.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes so many bytes.
    fn take(&mut self, count: usize) -> &'a str {
        let token = self.json.get(self.at..self.at + count).unwrap_or_default();
        self.at += count;
        token
    }

    fn value(&mut self) -> Result<Value<'a>, Unreadable> {
        match self.peek() {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.text().map(Value::Text),
            first => {
                let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
                let ends = |byte: &u8| byte.is_ascii_whitespace() || b",]}".contains(byte);
                let token = self.take(rest.iter().position(ends).unwrap_or(rest.len()));
                if first.is_ascii_alphabetic() {
                    return Ok(Value::Word(token));
                }
                let number = Number::parse(token).map(Value::Number);
                number.ok_or_else(|| Unreadable::Number(Excerpt::of(token)))
            }
        }
    }

    fn object(&mut self) -> Result<Value<'a>, Unreadable> {
        let mut members = Vec::new();
        self.takes(b'{');
        while !self.takes(b'}') {
            self.takes(b',');
            self.peek();
            let name = self.text()?;
            self.takes(b':');
            members.push((name, self.value()?));
        }
        members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        match members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(Unreadable::Name(Excerpt::of(&pair[0].0))),
            None => Ok(Value::Object(members)),
        }
    }

    fn array(&mut self) -> Result<Value<'a>, Unreadable> {
        let mut elements = Vec::new();
        self.takes(b'[');
        while !self.takes(b']') {
            self.takes(b',');
            elements.push(self.value()?);
        }
        Ok(Value::Array(elements))
    }

    /// A string, borrowed where nothing in it is escaped.
    fn text(&mut self) -> Result<Cow<'a, str>, Unreadable> {
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

/// Whether both texts are JSON objects, or both are arrays, of the same value: member by member in
/// any order, number by number. What strict readers refuse has no value.
pub(crate) fn is_same_value(one: &[u8], other: &[u8]) -> bool {
    let begin = |json: &[u8]| json.trim_ascii_start().first().copied();
    if begin(one) != begin(other) || !matches!(begin(one), Some(b'{' | b'[')) {
        return false;
    }
    value_of(one).is_some_and(|one| value_of(other).is_some_and(|other| one == other))
}

/// A digest of bytes that is the same for all JSON objects, and for all arrays, of the
/// [same value](is_same_value), and for other bytes only where they are the same.
///
/// Digests are kept on disks: what they are of must not change.
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

/// The value of a text, if strict readers take it.
fn value_of(json: &[u8]) -> Option<Value<'_>> {
    if exceeds_depth(json, MAX_DEPTH).is_some() {
        return None;
    }
    core::str::from_utf8(json).ok().and_then(|text| Value::parse(text).ok())
}

impl Number {
    /// The number of a text that has a JSON number's form, if it is within the range of doubles.
    fn parse(text: &str) -> Option<Self> {
        text.parse::<f64>().ok().filter(|number| number.is_finite())?;
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = [whole, fraction].concat();
        let significant = all.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self::default());
        }
        // A power too small to be told is that of a number that no double tells from zero.
        let exponent: i64 = exponent.parse().unwrap_or(i64::MIN);
        // Of digits there are less than 2⁶³.
        let before = whole.len().cast_signed() - (all.len() - significant.len()).cast_signed();
        Some(Self {
            is_negative,
            digits: significant.trim_end_matches('0').into(),
            exponent: exponent.saturating_add(i64::try_from(before).unwrap_or(i64::MAX)),
        })
    }
}
