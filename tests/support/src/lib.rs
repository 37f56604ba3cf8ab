//! Processes of a test's own: a [`Program`] of this workspace that listens, and with the feature
//! `redis` a [`RedisServer`] or a [`RedisCluster`]. Each listens on a free port of the loopback
//! interface, and ends when it is dropped. And what stores are compared with.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a test fails")]
#![expect(clippy::must_use_candidate, reason = "some are called for the panic alone")]

mod program;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_cluster;
mod side_by_side;

pub use program::{PATIENCE, Program, Reply, Scratch};
#[cfg(feature = "redis")]
pub use redis::RedisServer;
#[cfg(feature = "redis")]
pub use redis_cluster::{Node, RedisCluster};
pub use side_by_side::{BlockOn, narrow, same_answers};
