//! Text on the wire: shared text, enum names, percent-decoding, and excerpts for error messages.

pub(crate) mod known;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

/// Text that is cheap to clone: a constant or shared text.
#[derive(Clone)]
pub(crate) enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl From<Cow<'static, str>> for Text {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Static(text),
            Cow::Owned(text) => Self::Shared(text.into()),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl core::hash::Hash for Text {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl serde::Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Arc::deserialize(deserializer).map(Self::Shared)
    }
}

/// The decimal digits of an integer, with its sign.
pub(crate) struct Decimal {
    bytes: [u8; Self::LONGEST],
    begin: usize,
}

impl Decimal {
    /// A sign and 20 digits, the most that 64 bits need.
    const LONGEST: usize = 21;

    #[inline]
    pub(crate) fn of(number: i64) -> Self {
        Self::new(number < 0, number.unsigned_abs())
    }

    #[inline]
    pub(crate) fn new(is_negative: bool, mut magnitude: u64) -> Self {
        let mut digits = Self { bytes: [0; Self::LONGEST], begin: Self::LONGEST };
        loop {
            digits.push(b'0' + (magnitude % 10).to_le_bytes()[0]);
            magnitude /= 10;
            if magnitude == 0 {
                break;
            }
        }
        if is_negative {
            digits.push(b'-');
        }
        digits
    }

    fn push(&mut self, byte: u8) {
        self.begin -= 1;
        self.bytes[self.begin] = byte;
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.begin..]
    }

    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// Returns the bytes of a text after percent-decoding. An invalid escape is kept.
pub(crate) fn percent_decoded(text: &str) -> alloc::vec::Vec<u8> {
    let mut bytes = alloc::vec::Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|digits| core::str::from_utf8(digits).ok());
        let code = code.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (b'%', Some(byte)) = (first, code) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

/// The beginning of a text from outside, at most 48 bytes, for an error message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt(Box<str>);

impl Excerpt {
    const LONGEST: usize = 48;

    pub(crate) fn of(text: &str) -> Self {
        let end = text.floor_char_boundary(Self::LONGEST);
        Self(text.get(..end).unwrap_or_default().into())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// The error returned if a text is not one of the names of an enum.
///
/// ```
/// let error = "done".parse::<tasklife::TaskStatus>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "expected one of initialized, received, processing-in-progress, \
///      processing-completed, processing-error; got \"done\""
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {}; got {got}", Listed(expected))]
pub struct UnknownName {
    expected: &'static [&'static str],
    got: Excerpt,
}

impl UnknownName {
    pub(crate) fn new(expected: &'static [&'static str], got: &str) -> Self {
        Self { expected, got: Excerpt::of(got) }
    }

    /// Returns the valid names.
    #[must_use]
    pub fn expected(&self) -> &'static [&'static str] {
        self.expected
    }
}

struct Listed<'a>(&'a [&'a str]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// Declares an enum with one wire name per variant, and implements `ALL`, `as_str`, `Display`,
/// `FromStr` and serde for it.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        pub enum $Enum:ident { $( $(#[$doc:meta])* $Variant:ident = $name:literal, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Enum { $( $(#[$doc])* $Variant, )+ }

        impl $Enum {
            /// Every variant, in the order of declaration.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$Variant),+];
            const NAMES: [&'static str; Self::ALL.len()] = [$($name),+];

            /// Returns the name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                Self::NAMES[self as usize]
            }
        }

        impl core::str::FromStr for $Enum {
            type Err = $crate::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .into_iter()
                    .find(|variant| variant.as_str() == text)
                    .ok_or_else(|| $crate::UnknownName::new(&Self::NAMES, text))
            }
        }

        impl core::fmt::Display for $Enum {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        $crate::wire::serde_as_text!($Enum);
    };
}

/// Implements serde for a type that is written with `Display` and read with `FromStr`.
macro_rules! serde_as_text {
    ($Type:ty) => {
        impl serde::Serialize for $Type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $Type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <alloc::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {named_enum, serde_as_text};
