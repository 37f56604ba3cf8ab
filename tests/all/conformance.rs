//! The stores of this crate, checked against the laws; and the macro that does it.

use std::sync::Mutex;

use tasklife::testing::Model;
use tasklife::{InProcess, MemoryStore};

tasklife::conformance! {
    mod memory;
    store = |config| InProcess(MemoryStore::new(config));
    cases = 4_000;
}

tasklife::conformance! {
    mod model;
    store = |config| InProcess(Mutex::new(Model::new(config)));
}

fn block_on<F: Future>(future: F) -> F::Output {
    tasklife::testing::BlockOn::block_on(&tasklife::testing::Park, future)
}

tasklife::conformance! {
    mod with_every_parameter;
    store = |config| InProcess(MemoryStore::new(config));
    block_on = block_on;
    cases = 16;
    seed = 7;
    without = [S13 = "to see that it is left out", Methods = "likewise"];
}

/// As a failed test prints it.
#[test]
fn memory_keeps_s6() {
    use tasklife::testing::*;

    let history = History::new()
        .with_retention_nanos(10_000_000_000)
        .submit(0, 0, 1, Request::Plain)
        .list(0, 0, 2, Filter { status: Some(tasklife::TaskStatus::Received), ..Filter::default() })
        .thread(History::new().claim_of(0, 0).get(0, 0, 1))
        .thread(History::new().apply(0, 0, 1, Guard::Latest, Event::Start));
    memory::replay(&history);
}
