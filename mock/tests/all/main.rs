//! The tests of the mock: the API without a socket, and the program that serves it.

mod api;
mod openapi;
mod poll;
#[cfg(feature = "program")]
mod program;
mod redis_cloud;
mod schema;
