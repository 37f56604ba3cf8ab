//! A writer of compact JSON, which appends to a buffer of bytes.
//!
//! It writes the same text as `serde_json`, but supports only what documents consist of: strings,
//! integers, JSON text, sequences, maps and structs. It allocates nothing but the buffer.

mod escape;

use alloc::vec::Vec;
use core::fmt::{self, Write};

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use super::{JsonText, Plain};
use crate::wire::Decimal;

use escape::escape;

/// Appends a document to `out`.
pub(crate) fn append(document: &impl Serialize, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    document.serialize(JsonWriter::<ESCAPED> { out })
}

/// Writes text as a string, and escapes it.
const ESCAPED: u8 = 0;

/// Writes text as a string that has nothing to escape.
const PLAIN: u8 = 1;

/// Writes text that is already JSON.
const VERBATIM: u8 = 2;

/// A serializer that writes text as `TEXT` says: [`ESCAPED`], [`PLAIN`] or [`VERBATIM`]. (An enum
/// can't be a const parameter.)
struct JsonWriter<'a, const TEXT: u8> {
    out: &'a mut Vec<u8>,
}

/// A sequence, map or struct that has begun.
struct Compound<'a, const TEXT: u8> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
    end: &'static [u8],
}

impl<'a, const TEXT: u8> JsonWriter<'a, TEXT> {
    #[inline]
    fn begin(self, begin: u8, end: &'static [u8]) -> Compound<'a, TEXT> {
        self.out.push(begin);
        Compound { out: self.out, is_empty: true, end }
    }
}

/// The error returned for a value that documents don't contain.
#[derive(Debug, thiserror::Error)]
#[error("expected a string, an integer, a sequence, a map or a struct")]
pub(crate) struct Unwritable;

impl serde::ser::Error for Unwritable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'a, const TEXT: u8> Serializer for JsonWriter<'a, TEXT> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Compound<'a, TEXT>;
    type SerializeMap = Compound<'a, TEXT>;
    type SerializeStruct = Compound<'a, TEXT>;
    type SerializeTuple = Impossible<(), Unwritable>;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        if TEXT == VERBATIM {
            self.out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        self.out.push(b'"');
        StringWriter::<TEXT>(self.out).append(text);
        self.out.push(b'"');
        Ok(())
    }

    #[inline]
    fn collect_str<T: fmt::Display + ?Sized>(self, text: &T) -> Result<(), Unwritable> {
        self.out.push(b'"');
        write!(StringWriter::<TEXT>(self.out), "{text}").map_err(|_| Unwritable)?;
        self.out.push(b'"');
        Ok(())
    }

    fn serialize_i64(self, number: i64) -> Result<(), Unwritable> {
        self.out.extend_from_slice(Decimal::of(number).as_bytes());
        Ok(())
    }

    fn serialize_u64(self, number: u64) -> Result<(), Unwritable> {
        self.out.extend_from_slice(Decimal::new(false, number).as_bytes());
        Ok(())
    }

    fn serialize_i8(self, number: i8) -> Result<(), Unwritable> {
        self.serialize_i64(number.into())
    }

    fn serialize_i16(self, number: i16) -> Result<(), Unwritable> {
        self.serialize_i64(number.into())
    }

    fn serialize_i32(self, number: i32) -> Result<(), Unwritable> {
        self.serialize_i64(number.into())
    }

    fn serialize_u8(self, number: u8) -> Result<(), Unwritable> {
        self.serialize_u64(number.into())
    }

    fn serialize_u16(self, number: u16) -> Result<(), Unwritable> {
        self.serialize_u64(number.into())
    }

    fn serialize_u32(self, number: u32) -> Result<(), Unwritable> {
        self.serialize_u64(number.into())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    /// Recognizes [`JsonText`] and [`Plain`] by their names, and writes their text unchanged. Only
    /// documents reach this writer, so no type of a user can have one of these names.
    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        match name {
            JsonText::NAME => value.serialize(JsonWriter::<VERBATIM> { out: self.out }),
            Plain::<()>::NAME => value.serialize(JsonWriter::<PLAIN> { out: self.out }),
            _ => value.serialize(self),
        }
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Unwritable> {
        Ok(self.begin(b'[', b"]"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unwritable> {
        Ok(self.begin(b'{', b"}"))
    }

    #[inline]
    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Unwritable> {
        if TEXT == VERBATIM {
            return Ok(Compound { out: self.out, is_empty: true, end: b"" });
        }
        Ok(self.begin(b'{', b"}"))
    }

    fn serialize_bool(self, _: bool) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_f32(self, _: f32) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_f64(self, _: f64) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_char(self, _: char) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        Err(Unwritable)
    }
}

impl<const TEXT: u8> Compound<'_, TEXT> {
    #[inline]
    fn separate(&mut self) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
    }

    #[inline]
    fn finish(self) {
        self.out.extend_from_slice(self.end);
    }
}

impl<const TEXT: u8> SerializeStruct for Compound<'_, TEXT> {
    type Ok = ();
    type Error = Unwritable;

    /// Writes a field. Its name is a constant that needs no escaping.
    ///
    /// Raw JSON serializes as a struct with one field, of which only the value is written.
    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        if TEXT != VERBATIM {
            self.out.extend_from_slice(if self.is_empty { b"\"" } else { b",\"" });
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"\":");
            self.is_empty = false;
        }
        if TEXT == VERBATIM {
            value.serialize(JsonWriter::<VERBATIM> { out: self.out })
        } else {
            value.serialize(JsonWriter::<ESCAPED> { out: self.out })
        }
    }

    #[inline]
    fn end(self) -> Result<(), Unwritable> {
        self.finish();
        Ok(())
    }
}

impl<const TEXT: u8> SerializeMap for Compound<'_, TEXT> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.separate();
        key.serialize(JsonWriter::<ESCAPED> { out: self.out })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.out.push(b':');
        value.serialize(JsonWriter::<ESCAPED> { out: self.out })
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish();
        Ok(())
    }
}

impl<const TEXT: u8> SerializeSeq for Compound<'_, TEXT> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.separate();
        value.serialize(JsonWriter::<ESCAPED> { out: self.out })
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish();
        Ok(())
    }
}

/// Writes the content of a string, escaped unless it is [`PLAIN`].
struct StringWriter<'a, const TEXT: u8>(&'a mut Vec<u8>);

impl<const TEXT: u8> StringWriter<'_, TEXT> {
    #[inline]
    fn append(&mut self, text: &str) {
        if TEXT == PLAIN {
            self.0.extend_from_slice(text.as_bytes());
        } else {
            escape(text, self.0);
        }
    }
}

impl<const TEXT: u8> Write for StringWriter<'_, TEXT> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text);
        Ok(())
    }
}
