//! A task store for [`tasklife`] on Redis, shared by any number of processes.
//!
//! [`RedisStore`] implements [`AsyncTaskStore`](tasklife::AsyncTaskStore) with all its laws, on a
//! single Redis server, on a primary behind Redis Sentinel, or on a Redis Cluster. It needs Redis
//! 7.0 or later. If your server is written against `AsyncTaskStore`, you change one line: create a
//! `RedisStore` instead of `InProcess(MemoryStore::new(config))`.
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
//! # Where to start
//!
//! 1. [`Redis`] is the connection: addresses, encryption, retries and failures.
//! 2. [`RedisStore`] is the store: its keys, how it keeps the laws, and what a call costs.
//!
//! The README describes what a failover can lose, the rights that a Redis user needs, and
//! measurements.

mod connection;
pub use connection::{AddressError, CertificateError, Redis};

mod error;
mod globals;
mod keys;
mod script;
mod slots;
mod text;
mod topology;
mod value;

mod account;
mod listener;
mod registry;

mod store;
pub use store::RedisStore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
