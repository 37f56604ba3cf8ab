//! The tests of the store in an SQLite file.

mod conformance;
mod files;
mod support;
