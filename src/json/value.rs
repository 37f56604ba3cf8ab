//! The value that a JSON text stands for: strict, exact, and the same however the text is spelled.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

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
        match json.trim_ascii_start().as_bytes() {
            [b'{', ..] => {
                let Members(mut members) = serde_json::from_str(json)?;
                members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                let twice = members.windows(2).find(|pair| pair[0].0 == pair[1].0);
                if let Some([(name, _), _]) = twice {
                    return Err(Unreadable::Name(Excerpt::of(name)));
                }
                let members = members.into_iter();
                let members = members.map(|(name, value)| Ok((name, Self::parse(value.get())?)));
                members.collect::<Result<_, Unreadable>>().map(Self::Object)
            }
            [b'[', ..] => {
                let elements: Vec<&RawValue> = serde_json::from_str(json)?;
                let elements = elements.into_iter().map(|element| Self::parse(element.get()));
                elements.collect::<Result<_, _>>().map(Self::Array)
            }
            [b'"', ..] => Ok(Self::Text(serde_json::from_str::<Text>(json)?.0)),
            [b'-' | b'0'..=b'9', ..] => {
                let text = serde_json::from_str::<&RawValue>(json)?.get();
                let number = Number::parse(text);
                number.map(Self::Number).ok_or_else(|| Unreadable::Number(Excerpt::of(text)))
            }
            _ => Ok(Self::Word(serde_json::from_str::<&RawValue>(json)?.get())),
        }
    }
}

/// Whether both texts are JSON objects, or both are arrays, of the same value: member by member in
/// any order, number by number. What strict readers refuse has no value.
pub(crate) fn is_same_value(one: &[u8], other: &[u8]) -> bool {
    let value = |json| {
        let text = core::str::from_utf8(json).ok()?;
        let begins = text.trim_ascii_start().starts_with(['{', '[']);
        if !begins || exceeds_depth(json, MAX_DEPTH).is_some() {
            return None;
        }
        Value::parse(text).ok()
    };
    value(one).is_some_and(|one| value(other).is_some_and(|other| one == other))
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

/// A text, borrowed where nothing in it is escaped.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;

        impl<'de> Visitor<'de> for Borrowed {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.into())))
            }
        }

        deserializer.deserialize_str(Borrowed)
    }
}

/// The members of an object, as they come.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Each)
    }
}
