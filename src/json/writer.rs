//! A writer of compact JSON: what `serde_json` would write, straight into a buffer of bytes.
//!
//! It takes what documents are made of (texts, integers, JSON text, sequences, maps, structures)
//! and nothing else. Nothing is allocated but room in the buffer.

use alloc::vec::Vec;
use core::fmt::{self, Write};

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use super::{JsonText, Plain};
use crate::wire::Decimal;

/// Appends a document.
pub(crate) fn append(document: &impl Serialize, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    document.serialize(JsonWriter::<ESCAPED> { out })
}

/// A text becomes a string.
const ESCAPED: u8 = 0;

/// A text becomes a string, and has nothing to be escaped.
const PLAIN: u8 = 1;

/// A text is JSON already.
const VERBATIM: u8 = 2;

struct JsonWriter<'a, const TEXT: u8> {
    out: &'a mut Vec<u8>,
}

/// A sequence, a map or a structure that was begun.
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

/// The error for what is no part of a document.
#[derive(Debug, thiserror::Error)]
#[error("expected a text, an integer, a sequence, a map or a structure of such")]
pub(crate) struct Unwritable;

impl serde::ser::Error for Unwritable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! refuse {
    ($($method:ident($($argument:ty),*) $(-> $Ok:ty)?;)*) => {
        $(refuse!(@ $method($($argument),*) $($Ok)?);)*
    };
    (@ $method:ident($($argument:ty),*) $Ok:ty) => {
        fn $method(self, $(_: $argument),*) -> Result<$Ok, Unwritable> {
            Err(Unwritable)
        }
    };
    (@ $method:ident($($argument:ty),*)) => {
        refuse!(@ $method($($argument),*) ());
    };
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

    /// Raw JSON, which serializes as a structure of one text, goes out as it is; and so does the
    /// inside of a text that is plain.
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

    refuse! {
        serialize_bool(bool);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
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

    /// A field's name is a constant that needs no escaping.
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

    /// Only a text is a key.
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

/// The inside of a string: what is written to it is escaped, unless it is plain.
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

/// Appends a text as the inside of a JSON string.
#[inline]
fn escape(text: &str, out: &mut Vec<u8>) {
    if has_special(text.as_bytes()) {
        escape_each(text.as_bytes(), out);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cold]
fn escape_each(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = text.iter().position(|byte| is_special(*byte)) {
        let (plain, rest) = text.split_at(at);
        out.extend_from_slice(plain);
        if let [special, after @ ..] = rest {
            escape_byte(*special, out);
            text = after;
        }
    }
    out.extend_from_slice(text);
}

fn escape_byte(byte: u8, out: &mut Vec<u8>) {
    let letter = match byte {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0C => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => byte,
        _ => {
            let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[hex(byte >> 4), hex(byte & 0xF)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// Whether a byte must be escaped: a control character, a quote or a backslash.
const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether any byte must be escaped. It looks at 16 at a time, which the compiler makes one step
/// of; the last 16 may overlap those before.
#[inline]
fn has_special(text: &[u8]) -> bool {
    if let Some(last) = text.last_chunk() {
        return text.as_chunks::<16>().0.iter().any(any_special) || any_special::<16>(last);
    }
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => any_special::<8>(first) || any_special::<8>(last),
        _ => text.iter().any(|byte| is_special(*byte)),
    }
}

#[inline]
fn any_special<const N: usize>(block: &[u8; N]) -> bool {
    block.iter().fold(false, |any, byte| any | is_special(*byte))
}
