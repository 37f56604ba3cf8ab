//! The tests of the store in PostgreSQL, each on servers of its own or on one that all share.

mod conformance;
mod kit;
mod support;
