//! What tests of several members share: stores of two servers as one, [`Both`]; two stores that are
//! [asked the same](same_answers); a [`crew`] of processes, one of which is killed; a [`Proxy`] that
//! loses what is sent; and processes of a test's own: a [`Program`] of this workspace that listens,
//! with the feature `redis` a [`RedisServer`], a [`RedisCluster`] or a [`RedisSentinel`], and with `postgres` a [`PostgresServer`]. Each process listens on a free port of
//! the loopback interface, and ends when it is dropped.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a test fails")]
#![expect(clippy::must_use_candidate, reason = "some are called for the panic alone")]

mod both;
pub mod crew;
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

pub use both::Both;
#[cfg(feature = "postgres")]
pub use postgres::PostgresServer;
pub use program::{PATIENCE, Program, Reply, Scratch};
pub use proxy::{Loss, Proxy};
#[cfg(feature = "redis")]
pub use redis::RedisServer;
#[cfg(feature = "redis")]
pub use redis_cluster::{Node, RedisCluster};
#[cfg(feature = "redis")]
pub use redis_sentinel::RedisSentinel;
pub use side_by_side::{BlockOn, narrow, same_answers};
