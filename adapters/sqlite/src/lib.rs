//! A [`tasklife`] task store in an SQLite file: durable tasks on one machine.
//!
//! Acknowledged changes survive `kill -9` and, by default, a power cut. Any number of threads and
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
//! # Where to start
//!
//! 1. [`SqliteStore`] is the store. Its docs explain how it keeps the laws.
//! 2. [`SqliteOptions`] sets the durability, the busy timeout and the largest size of the file.
//! 3. [`OpenError`] says why opening a file failed.
//!
//! The README describes what can be lost, what the file contains and how fast the store is.

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
pub use store::SqliteStore;

mod options;
pub use options::SqliteOptions;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
