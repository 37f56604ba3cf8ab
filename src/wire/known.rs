//! Refusing saved data with fields or variants that this version doesn't know.
//!
//! A newer version may have written them, and they would be lost when the data is written again.
//! serde's `deny_unknown_fields` also refuses them, but its message suggests a mistake in the data.

use core::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};

use super::Excerpt;

/// The end of the error message for an unknown name.
pub(crate) const NEWER: &str = "it may have been written by a newer version";

/// A deserializer that refuses the fields and variants that a struct or an enum doesn't have.
pub(crate) struct Known<D>(pub(crate) D);

/// Implements serde with [`Known`] for a type whose derives have `remote = "Self"`.
macro_rules! serde_by_known_names {
    ($($Type:ty),+) => { $(
        impl serde::Serialize for $Type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <$Type>::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $Type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$Type>::deserialize($crate::wire::known::Known(deserializer))
            }
        }
    )+ };
}

pub(crate) use serde_by_known_names;

/// The field or variant names of a type.
#[derive(Clone, Copy)]
struct Names {
    type_name: &'static str,
    kind: &'static str,
    known: &'static [&'static str],
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Known<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        type_name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(
            type_name,
            names,
            KnownVisitor(visitor, Names { type_name, kind: "field", known: names }),
        )
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        type_name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(
            type_name,
            names,
            KnownVisitor(visitor, Names { type_name, kind: "variant", known: names }),
        )
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct KnownVisitor<V>(V, Names);

impl<'de, V: Visitor<'de>> Visitor<'de> for KnownVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(fields)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(KnownAccess(fields, self.1))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(KnownAccess(variant, self.1))
    }
}

struct KnownAccess<A>(A, Names);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for KnownAccess<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(NameSeed(seed, self.1))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.0.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for KnownAccess<A> {
    type Error = A::Error;
    type Variant = A::Variant;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, A::Variant), A::Error> {
        self.0.variant_seed(NameSeed(seed, self.1))
    }
}

/// Checks a name, or its number in formats that write numbers, before the type reads it.
struct NameSeed<S>(S, Names);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for NameSeed<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<S::Value, D::Error> {
        name.deserialize_identifier(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for NameSeed<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} of {}", self.1.kind, self.1.type_name)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<S::Value, E> {
        let Self(seed, Names { type_name, kind, known }) = self;
        if known.contains(&name) {
            return seed.deserialize(name.into_deserializer());
        }
        Err(E::custom(format_args!(
            "unknown {kind} `{}` in {type_name}: {NEWER}",
            Excerpt::of(name).as_str().escape_debug()
        )))
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<S::Value, E> {
        match core::str::from_utf8(name) {
            Ok(name) => self.visit_str(name),
            Err(_) => Err(E::invalid_value(serde::de::Unexpected::Bytes(name), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<S::Value, E> {
        let Self(seed, Names { type_name, kind, known }) = self;
        if usize::try_from(number).is_ok_and(|number| number < known.len()) {
            return seed.deserialize(number.into_deserializer());
        }
        Err(E::custom(format_args!("unknown {kind} number {number} in {type_name}: {NEWER}")))
    }
}
