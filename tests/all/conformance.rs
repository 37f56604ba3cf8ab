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

/// What waited has expired before what is next in line was submitted, and the account was forgotten in
/// between: it has no turn that is overdue.
#[test]
fn an_account_that_had_nothing_left_waits_anew() {
    use tasklife::testing::*;

    let history = History::new()
        .with_retention_nanos(10_000_000_000)
        .with_max_tasks(2)
        .submit(14_000_000_000, 0, 1, Request::Plain)
        .submit(14_000_000_000, 1, 3, Request::Plain)
        .claim(14_000_000_000)
        .submit(26_000_000_000, 1, 4, Request::Plain)
        .submit(31_000_000_000, 0, 5, Request::Plain)
        .submit(36_000_000_000, 1, 1, Request::Plain)
        .claim(36_000_000_000);
    memory::replay(&history);
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

/// The one claim finds the task expired and parks its account; to the other, whose clock is behind, it is there.
/// Both had looked whose turn it is before.
#[test]
fn a_claim_that_is_ahead_parks_nothing_for_one_that_is_behind() {
    use tasklife::testing::*;

    const SECOND: i64 = 1_000_000_000;
    let history = History::new()
        .with_retention_nanos(10 * SECOND)
        .submit(0, 0, 1, Request::Plain)
        .thread(History::new().claim(10 * SECOND - 1))
        .thread(History::new().claim(10 * SECOND));
    for _ in 0..500 {
        memory::replay(&history);
    }
}
