//! The tests of `tasklife-redis`, on servers of their own.

mod conformance;
mod support;
