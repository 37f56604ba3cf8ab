//! The whole conformance suite, with calls that alternate between two stores.
//!
//! Each store has its own connections, as in two processes.

use crate::support::{block_on, two_stores};

tasklife::conformance! {
    mod two_processes;
    store = two_stores;
    block_on = block_on;
    cases = 40;
}
