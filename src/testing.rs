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
//! Stores that are broken in one way each, the law by whose test the suite catches them at the default number
//! of cases, and of how many calls the history is that it prints. (Where threads race, that differs from run to
//! run.) The table is made by a test of this crate.
//!
#![doc = include_str!("testing/broken.md")]
//!
//! # What is tried out
//!
//! Random calls seldom meet in the one state that matters. So five of eight histories are directed: they go
//! into one of the states that the suite knows ([`StoreState`]), call a [`Method`] in it, and go on from
//! there; in turn, so that each pair is met, also in a run of 32 cases. The others are random. A few are large:
//! 41 to 139 tasks, or up to 3,000, with pages of every size, or up to 3,000 calls. This is how often a default
//! run of one law, that of the methods, meets each pair ([`Suite::coverage`]); no law meets one less than 50
//! times. What the histories of one law show of another is reported too.
//!
#![doc = include_str!("testing/coverage.md")]
//!
//! [`Suite::exhaust`] tries out all histories of a few calls in small worlds.
//!
//! # Who judges
//!
//! The suite compares a store with the [`Model`], and what becomes of a task with what the laws say, decided
//! without the code that stores share: what is permitted, visible, a repeat, silent, asked for, and when a task
//! expires. So a fault in [`Task::apply`](crate::Task::apply) or [`Retention`](crate::Retention) is found on every
//! store. What the suite takes from the crate, and doesn't judge: whether two inputs are the same JSON, how a
//! cursor is made and read, the sentences of a status and of a task that was given up, which names are permitted.
//! Those have tests of their own.
//!
//! # Calls at the same time
//!
//! Law S13 is checked with histories of two or three threads. In half of the cases they are interleaved on one
//! thread: wherever several can go on, a drawn schedule says which of them does, up to its next `.await`. What
//! fails once fails every time, and is printed with its schedule ([`History::interleaved`]). The other half runs
//! on real threads, for stores that have no `.await`. Tasks expire and are swept meanwhile. At the end everything
//! is read, since what a race leaves behind often shows only then. To find the races of something that is built
//! on a store, give it a [`Yielding`] one.

mod breach;
mod check;
mod concurrent;
mod conformance;
mod coverage;
mod exhaust;
mod history;
mod law;
mod model;
mod operation;
mod rules;
mod runner;
mod shorten;
pub mod strategy;
mod suite;
mod yielding;

pub use breach::Breach;
pub use coverage::{Coverage, Method, StoreState};
pub use history::{Event, Filter, Guard, History, Request};
pub use law::Law;
pub use model::Model;
pub use operation::{BlockOn, Park};
pub use suite::Suite;
pub use yielding::Yielding;
