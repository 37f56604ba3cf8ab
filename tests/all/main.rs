//! The tests of `tasklife`, a module for each concept.

#[cfg(feature = "audit")]
mod audit;
#[cfg(feature = "testing")]
mod broken;
mod bytes;
mod census;
#[cfg(feature = "testing")]
mod conformance;
#[cfg(feature = "testing")]
mod coverage;
mod document;
mod event;
mod exhaust;
#[cfg(all(feature = "http", feature = "testing"))]
mod format;
mod fuzz_seeds;
#[cfg(feature = "http")]
mod http;
mod id;
mod idempotency;
mod interleaved;
#[cfg(feature = "testing")]
mod kit;
mod large_store;
mod lease;
mod link;
mod log;
mod memory_store;
mod notifies;
#[cfg(feature = "poll")]
mod poll;
mod query;
mod readme;
mod remove;
mod restore;
mod status;
mod store;
mod support;
mod task;
mod time;
mod versions;
