//! Reading back what was saved: names that this version doesn't know are refused, as a newer one may have
//! written them.
//!
//! serde's `deny_unknown_fields` refuses them, too, but its words make the reader look for a mistake.

use core::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};

/// What follows where something is not known.
pub(crate) const NEWER: &str = "it may have been written by a newer version";

/// A deserializer of a struct or an enum that refuses fields and variants which that doesn't have.
pub(crate) struct Known<D>(pub(crate) D);

/// Implements serde for a type, whose derives say `remote = "Self"`, so that it is read by [`Known`] names.
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

/// The names that a type has.
#[derive(Clone, Copy)]
struct Names {
    of: &'static str,
    what: &'static str,
    all: &'static [&'static str],
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Known<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        of: &'static str,
        all: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(of, all, KnownVisitor(visitor, Names { of, what: "field", all }))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        of: &'static str,
        all: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(of, all, KnownVisitor(visitor, Names { of, what: "variant", all }))
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

/// A name, or its number in formats that write numbers, which is looked at before the type reads it.
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
        write!(f, "a {} of {}", self.1.what, self.1.of)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<S::Value, E> {
        let Self(seed, Names { of, what, all }) = self;
        if all.contains(&name) {
            return seed.deserialize(name.into_deserializer());
        }
        let shown = &name[..name.floor_char_boundary(LONGEST_SHOWN)];
        Err(E::custom(format_args!("unknown {what} `{}` in {of}: {NEWER}", shown.escape_debug())))
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<S::Value, E> {
        match core::str::from_utf8(name) {
            Ok(name) => self.visit_str(name),
            Err(_) => Err(E::invalid_value(serde::de::Unexpected::Bytes(name), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<S::Value, E> {
        let Self(seed, Names { of, what, all }) = self;
        if usize::try_from(number).is_ok_and(|number| number < all.len()) {
            return seed.deserialize(number.into_deserializer());
        }
        Err(E::custom(format_args!("unknown {what} number {number} in {of}: {NEWER}")))
    }
}

/// How many bytes of a name that is not known are shown.
const LONGEST_SHOWN: usize = 48;
