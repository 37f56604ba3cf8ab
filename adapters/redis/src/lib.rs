//! The task store of `tasklife` on Redis.
mod account;
mod connection;
mod fault;
mod keys;
mod registry;
mod script;
mod store;
mod text;
mod value;
pub use connection::{AddressError, Redis};
pub use store::RedisStore;
