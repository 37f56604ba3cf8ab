//! The stores of this crate, and the macro `conformance!`.

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

/// Its waiting task expired before the next account's task was submitted, and the account was
/// forgotten in between. So it has no claim to an earlier turn.
#[test]
fn a_forgotten_account_gets_a_new_turn() {
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

/// In the form that a failed test prints.
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

/// One claim finds the task expired and parks its account. The other claim, whose clock is behind,
/// still sees the task. Both have read whose turn it is before.
#[test]
fn a_claim_that_is_ahead_does_not_hide_a_task_from_one_that_is_behind() {
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
