//! How strings, numbers and names are written on the wire and read from it.

mod decimal;
mod excerpt;
mod fnv;
pub(crate) mod known;
mod named;
mod percent;
mod text;

pub(crate) use decimal::Decimal;
pub(crate) use excerpt::Excerpt;
pub(crate) use fnv::fnv1a;
pub use named::UnknownName;
pub(crate) use named::{named_enum, serde_as_text};
pub(crate) use percent::{percent_decoded, percent_encoded};
pub(crate) use text::Text;
