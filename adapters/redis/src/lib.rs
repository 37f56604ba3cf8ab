//! The task store of [`tasklife`] on Redis: the same laws past one process.
//!
//! A server that was written against [`AsyncTaskStore`](tasklife::AsyncTaskStore) puts a
//! [`RedisStore`] where it had `InProcess(MemoryStore::new(config))`, and any number of processes
//! share its tasks. It runs on a single server and on a Redis Cluster, from Redis 7.0 on.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tasklife::{AsyncTaskStore, StoreConfig};
//! use tasklife_redis::{Redis, RedisStore};
//!
//! let config = StoreConfig::default();
//! let redis = Redis::server("redis://127.0.0.1:6379")?;
//! let store: Arc<dyn AsyncTaskStore> = Arc::new(RedisStore::new(redis, config));
//! # Ok::<(), tasklife_redis::AddressError>(())
//! ```
//!
//! # The tour
//!
//! 1. [`Redis`]: the connection, what is tried again and for how long, and what a failure leaves
//!    certain.
//! 2. [`RedisStore`]: the store, its keys, and how it keeps the laws.
//!
//! The README tells what a fail-over can lose, and how fast all this is.

mod connection;
pub use connection::{AddressError, CertificateError, Redis};

mod fault;
mod keys;
mod script;
mod slots;
mod text;
mod value;

mod account;
mod listener;
mod registry;

mod store;
pub use store::RedisStore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
