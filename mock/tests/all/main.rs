//! The tests of the mock: the API without a socket, and the program that serves it.

mod api;
#[cfg(feature = "program")]
mod program;
