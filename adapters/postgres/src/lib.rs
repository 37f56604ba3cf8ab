//! A [`tasklife`] task store in PostgreSQL, shared by any number of processes.
//!
//! If your server is written against [`AsyncTaskStore`](tasklife::AsyncTaskStore), you change one
//! line: create a [`PostgresStore`] instead of `InProcess(MemoryStore::new(config))`. The laws stay
//! the same. The store needs PostgreSQL 13 or later, directly or through PgBouncer.
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
//! # Where to start
//!
//! 1. [`PostgresStore`] is the store. Its docs explain how it keeps the laws.
//! 2. [`PostgresOptions`] sets the schema, the number of connections, the trusted certificates,
//!    the timeout and the retry time.
//! 3. [`ConnectError`] says why connecting failed.
//!
//! The README describes what can be lost, which rights the store needs and how fast it is.

// In the order in which to read the source, from the connection to the store.

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
