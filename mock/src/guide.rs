//! A tutorial: test a client against the mock.
//!
#![doc = include_str!("guide.md")]
