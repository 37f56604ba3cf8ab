//! Test support that several members of the workspace share.
//!
//! - [`AlternatingStore`] combines the stores of two servers into one.
//! - [`same_answers`] compares the answers of two stores.
//! - [`worker_processes`] runs worker processes on a shared store, and kills one of them or the store.
//! - [`Proxy`] loses or delays a request or an answer.
//! - [`Program`] runs a program of this workspace that listens.
//! - With the feature `redis`, [`RedisServer`], [`RedisCluster`] and [`RedisSentinel`] run Redis.
//!   With the feature `postgres`, [`PostgresServer`] runs PostgreSQL.
//!
//! Each process listens on a free port of the loopback interface, and ends when its value is
//! dropped.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a test fails")]
#![expect(clippy::must_use_candidate, reason = "some functions are called only because they panic")]

mod alternating_store;
#[cfg(feature = "postgres")]
mod postgres;
mod program;
mod proxy;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_cluster;
#[cfg(feature = "redis")]
mod redis_sentinel;
mod side_by_side;
pub mod worker_processes;

pub use alternating_store::AlternatingStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresServer;
pub use program::{Program, Reply, Scratch, TIMEOUT};
pub use proxy::{Loss, Proxy};
#[cfg(feature = "redis")]
pub use redis::RedisServer;
#[cfg(feature = "redis")]
pub use redis_cluster::{Node, RedisCluster};
#[cfg(feature = "redis")]
pub use redis_sentinel::RedisSentinel;
pub use side_by_side::{BlockOn, same_answers, tight_limits};
