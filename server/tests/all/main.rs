//! The server as a program: on the store in memory, in an SQLite file, and with the feature `redis` on Redis.

mod client;
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
