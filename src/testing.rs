//! A conformance suite, a model and generators for your own stores, servers and clients.
//!
//! Use this module to check your code against the laws of [`TaskStore`](crate::TaskStore):
//!
//! - To check a store, call the macro [`conformance!`](crate::conformance). It generates one test for
//!   each law S1 to S13, and the test `methods`, which checks what the documentation of each method
//!   says: the order of refusals, repeats and conflicts, takeovers, and the turns of accounts. A
//!   failing test names the law and prints a short [`History`] as a test. Paste it beside the macro
//!   and keep it.
//! - To test a server or a client, use the generators in [`strategy`]. The main types also
//!   implement proptest's `Arbitrary`. [`Model`] is a simple reference store.
//!
//! # What the suite catches
//!
//! Each row below is a store with one fault. The second column is the law whose test catches it
//! with the default number of cases. The third is the number of calls in the history that the test
//! prints. For races between threads, that number differs from run to run. A test of this crate
//! generates the table.
//!
#![doc = include_str!("testing/broken.md")]
//!
//! A *silent* task is one whose worker was silent for longer than `takeover_after`. An account is
//! *parked* while claims over all accounts skip it (see [`kit`](crate::kit)).
//!
//! # What the suite covers
//!
//! Random calls seldom reach the one state in which a fault shows. So five of eight histories bring
//! the store into a known [`StoreState`] (such as "lane full"), call a [`Method`] in that state, and
//! continue with other calls. They go through all pairs of a state and a method in turn, so that
//! even a run of 48 cases covers each pair. The other histories are random. A few are large: 41 to
//! 139 tasks, or up to 3,000 tasks with pages of every size, or up to 3,000 calls.
//!
//! The table shows how often each pair occurs in a default run for [`Law::Methods`]
//! ([`Suite::coverage`]). [`StoreState`] explains the states. No pair occurs fewer than 50 times for
//! any law but S13, for which nothing is counted. The suite also reports violations of other laws than
//! the one it checks.
//!
#![doc = include_str!("testing/coverage.md")]
//!
//! [`Suite::exhaust`] runs every history of a few calls in small configurations.
//!
//! # What the suite compares
//!
//! The suite compares the answers of a store with those of the [`Model`], and each changed task with
//! what the laws say. It uses no code that stores share to decide which events are permitted, which
//! tasks are visible, when a worker is silent, what a repeat is, what a query matches and when a
//! task expires. So it also finds faults in [`Task::apply`](crate::Task::apply) and
//! [`Retention`](crate::Retention).
//!
//! The suite uses the following code of the crate without checking it. Other tests cover it.
//!
//! - whether two inputs are the same JSON
//! - how a cursor is encoded and decoded
//! - the default description of a status, and the error of a task that was given up
//! - which names are permitted
//!
//! # Concurrent calls
//!
//! Law S13 is checked with histories of two or three threads. Half of the cases interleave these
//! threads on a single OS thread. At each step, a generated schedule chooses a thread, which runs
//! until an `.await` is pending. A failure is deterministic, and is printed with its schedule
//! ([`History::interleaved`]).
//!
//! The other half runs on OS threads, for stores that never `.await`. In both, tasks expire and are
//! swept during the calls. At the end, the suite reads every task and list and claims what is left,
//! because the effect of a race often shows only then.
//!
//! To find races in code that wraps a store, such as a cache, wrap the inner store in a
//! [`YieldingStore`].

mod check;
mod concurrent;
mod conformance;
mod coverage;
mod exhaust;
mod history;
mod law;
mod model;
mod observations;
mod operation;
mod rules;
mod runner;
mod shorten;
pub mod strategy;
mod suite;
mod violation;
mod yielding;

pub use coverage::{Coverage, Method, StoreState};
pub use history::{Event, ExpectedRevision, Filter, History, Request};
pub use law::Law;
pub use model::Model;
pub use operation::{BlockOn, CurrentThread};
pub use suite::Suite;
pub use violation::Violation;
pub use yielding::YieldingStore;
