//! The stores of this crate, checked against the laws.

use std::sync::Mutex;

use tasklife::testing::Model;
use tasklife::{InProcess, MemoryStore};

tasklife::conformance! {
    mod memory;
    store = |config| InProcess(MemoryStore::new(config));
    cases = 512;
}

tasklife::conformance! {
    mod model;
    store = |config| InProcess(Mutex::new(Model::new(config)));
}
