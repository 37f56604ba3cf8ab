//! The tests of the store in an SQLite file.

mod conformance;
mod dropped;
mod files;
mod support;
