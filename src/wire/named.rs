//! Enums with a name on the wire for each variant.

use core::fmt;

use super::Excerpt;

/// The error returned if a string is not one of the names of an enum.
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
