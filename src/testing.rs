//! The laws as a kit: generators, a model, a conformance suite.
//!
//! For authors of stores, servers and clients who want to check something of their own against the
//! laws of [`TaskStore`](crate::TaskStore).
//!
//! - A store of one's own: [`conformance!`](crate::conformance) makes a test of each law, in three
//!   lines. A failure names the law and prints a short [`History`] as a test, to be pasted beside
//!   the macro and kept.
//! - A server or a client: [`strategy`] has generators for everything, and the types implement
//!   `Arbitrary` where it is natural; [`Model`] is a store that is obviously right.
//!
//! # What is caught
//!
//! Stores that are broken in one way each, and the laws by whose test the suite catches them, each
//! with a history of at most seven calls (but S13: fifteen; and where it takes ten revisions: twelve), at
//! the default number of cases. The table is made by a test of this crate.
//!
#![doc = include_str!("testing/broken.md")]

mod check;
mod concurrent;
mod conformance;
mod history;
mod law;
mod model;
mod operation;
mod runner;
pub mod strategy;

pub use conformance::{Breach, Suite};
pub use history::{Event, Filter, Guard, History, Request};
pub use law::Law;
pub use model::Model;
pub use operation::{BlockOn, Park};
