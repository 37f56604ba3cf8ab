//! The floors: a minimal structure for each operation, which obeys no law.

mod chain;
mod json;
mod lookup;
mod pages;
mod update;
mod writes;

pub use json::{write_page, write_task};
pub use lookup::Lookup;
pub use pages::Pages;
pub use update::{Event, Plain};
pub use writes::Writes;
