//! The task store of [`tasklife`] in an SQLite file: durable tasks for one machine.
//!
//! What was acknowledged survives `kill -9` and, unless told otherwise, a power cut. Any number of threads and
//! processes share a file.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tasklife::{AsyncTaskStore, StoreConfig};
//! use tasklife_sqlite::SqliteStore;
//!
//! let store = SqliteStore::open("tasks.db", StoreConfig::default())?;
//! let store: Arc<dyn AsyncTaskStore> = Arc::new(store);
//! # Ok::<(), tasklife_sqlite::OpenError>(())
//! ```
//!
//! # The tour
//!
//! 1. [`SqliteStore`]: the store, and how it keeps the laws.
//! 2. [`SqliteOptions`]: how durable it is, for how long it waits, how large it gets.
//! 3. [`OpenError`]: why a file is not opened.
//!
//! The README tells what can be lost, what the file looks like, and how fast all this is.

mod fault;

mod database;
pub use database::{Durability, OpenError};

mod calls;
mod readers;
mod tables;
mod thread;
mod watcher;
mod writer;

mod store;
pub use store::{SqliteOptions, SqliteStore};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
