//! JSON: text that is kept as received, its value and digest, a writer, and checks for reading.

mod value;
mod writer;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

pub(crate) use value::{Value, ValueError, digest, is_same_value};
pub(crate) use writer::append;

/// How deeply arrays and objects may be nested in a document that is read.
pub(crate) const MAX_DEPTH: usize = 127;

/// The text of one JSON value, validated once and written verbatim.
///
/// Cloning is cheap. Two values are equal if their text is.
#[derive(Clone)]
pub(crate) struct JsonText(Arc<RawValue>);

impl JsonText {
    /// The name of the newtype struct that it serializes as, by which [`append`] recognizes it.
    const NAME: &'static str = "JsonText";

    pub(crate) fn from_string(text: String) -> serde_json::Result<Self> {
        Ok(Self::from(RawValue::from_string(text)?))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.get()
    }

    pub(crate) fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }
}

impl From<Box<RawValue>> for JsonText {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw.into())
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText {}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for JsonText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(Self::NAME, &*self.0)
    }
}

/// Text without any character that JSON escapes, so [`append`] writes it unchanged.
#[derive(Clone, Copy)]
pub(crate) struct Plain<T>(pub(crate) T);

impl<T> Plain<T> {
    /// The name of the newtype struct that it serializes as, by which [`append`] recognizes it.
    const NAME: &'static str = "Plain";
}

impl<T: serde::Serialize> serde::Serialize for Plain<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(Plain::<()>::NAME, &self.0)
    }
}

/// Serializes a value as the text of its `Display`.
pub(crate) struct DisplayText<T>(pub(crate) T);

impl<T: fmt::Display> serde::Serialize for DisplayText<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Reads an object, and refuses an array. A derived `Deserialize` accepts an array with the fields
/// in order.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// Returns the byte offset where the nesting of JSON text first exceeds `limit`.
///
/// `serde_json` doesn't limit the depth of values that it skips or keeps as text.
pub(crate) fn exceeds_depth(json: &[u8], limit: usize) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return Some(at);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}
