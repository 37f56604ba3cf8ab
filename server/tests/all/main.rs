//! The server as a program: on the store in memory, and with the feature `redis` on Redis.

mod client;
mod memory;
#[cfg(feature = "redis")]
mod redis;
