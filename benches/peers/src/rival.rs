//! The rivals: what a user could choose instead of tasklife.

mod a2a;
mod by_hand;
mod moka;
mod sorted_map;
mod sqlite;

pub use a2a::{A2a, A2aShared};
pub use by_hand::Record;
pub use moka::Moka;
pub use sorted_map::SortedMap;
pub use sqlite::Sqlite;
