//! The whole conformance suite, with calls to two stores in turn, each with connections of its own, as two processes
//! have them.

use crate::support::{block_on, both};

tasklife::conformance! {
    mod two_processes;
    store = both;
    block_on = block_on;
    cases = 40;
}
