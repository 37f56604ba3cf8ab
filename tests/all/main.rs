//! The tests of `tasklife`, a module for each concept.

#[cfg(feature = "audit")]
mod audit;
#[cfg(feature = "testing")]
mod broken;
#[cfg(feature = "testing")]
mod conformance;
mod document;
mod event;
#[cfg(feature = "http")]
mod http;
mod id;
mod large;
mod link;
mod memory;
#[cfg(feature = "mock")]
mod mock;
#[cfg(feature = "mock")]
mod mock_server;
mod query;
mod readme;
mod repeat;
mod restore;
#[cfg(feature = "http")]
mod server;
mod status;
mod store;
mod support;
mod task;
mod time;
