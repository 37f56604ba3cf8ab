//! Tests the server program on the stores in memory and SQLite and, with the features `redis` and
//! `postgres`, on Redis and PostgreSQL. Also tests the loop of the example `worker`.

mod client;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod shared;
#[cfg(feature = "sqlite")]
mod sqlite;
mod worker;
