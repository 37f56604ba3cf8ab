//! The server as a program: on the store in memory, in an SQLite file, and with the features `redis` and
//! `postgres` on those; and the loop of a worker.

mod client;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
mod worker;
