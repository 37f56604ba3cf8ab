//! The task store of [`tasklife`] in PostgreSQL: the same laws, for any number of processes.
//!
//! A server that was written against [`AsyncTaskStore`](tasklife::AsyncTaskStore) puts a [`PostgresStore`]
//! where it had `InProcess(MemoryStore::new(config))`, and any number of processes share its tasks. It runs on
//! PostgreSQL 13 and later, directly or through PgBouncer.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tasklife::{AsyncTaskStore, StoreConfig};
//! use tasklife_postgres::PostgresStore;
//!
//! # async fn start() -> Result<(), tasklife_postgres::ConnectError> {
//! let address = "postgres://user@127.0.0.1/database";
//! let store = PostgresStore::connect(address, StoreConfig::default()).await?;
//! let store: Arc<dyn AsyncTaskStore> = Arc::new(store);
//! # Ok(())
//! # }
//! ```
//!
//! # The tour
//!
//! 1. [`PostgresStore`]: the store, and how it keeps the laws.
//! 2. [`PostgresOptions`]: where its tables are, how many connections it makes, whom it trusts, how long it waits.
//! 3. [`ConnectError`]: why there is no store.
//!
//! The README tells what can be lost, which rights it needs, and how fast all this is.

mod fault;

mod address;
mod tls;

mod connect_error;
pub use connect_error::ConnectError;

mod database;
mod rows;
mod schema;

mod migration;
mod statements;

mod listener;

mod store;
pub use store::PostgresStore;

mod options;
pub use options::PostgresOptions;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
