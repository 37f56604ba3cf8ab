//! The conformance suite on the stores of this crate, and the macro that generates it.

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
    tasklife::testing::BlockOn::block_on(&tasklife::testing::CurrentThread, future)
}

tasklife::conformance! {
    mod with_every_parameter;
    store = |config| InProcess(MemoryStore::new(config));
    block_on = block_on;
    cases = 16;
    seed = 7;
    without = [S13 = "tests the parameter", Methods = "tests the parameter"];
}

/// The task that waited for a turn expired before the account's next task was submitted, and all
/// tasks of the account were dropped in between. So no turn of the account is overdue.
#[test]
fn an_account_without_tasks_loses_its_place_in_the_turns() {
    use tasklife::testing::*;

    let history = History::new()
        .with_retention_nanos(10_000_000_000)
        .with_max_tasks(2)
        .submit(14_000_000_000, 0, 1, Request::NoInput)
        .submit(14_000_000_000, 1, 3, Request::NoInput)
        .claim(14_000_000_000)
        .submit(26_000_000_000, 1, 4, Request::NoInput)
        .submit(31_000_000_000, 0, 5, Request::NoInput)
        .submit(36_000_000_000, 1, 1, Request::NoInput)
        .claim(36_000_000_000);
    memory::replay(&history);
}

/// The history as a failing test prints it.
#[test]
fn a_printed_history_can_be_replayed() {
    use tasklife::testing::*;

    let history = History::new()
        .with_retention_nanos(10_000_000_000)
        .submit(0, 0, 1, Request::NoInput)
        .list(0, 0, 2, Filter { status: Some(tasklife::TaskStatus::Received), ..Filter::default() })
        .thread(History::new().claim_account(0, 0).get(0, 0, 1))
        .thread(History::new().apply(0, 0, 1, ExpectedRevision::Any, Event::Start));
    memory::replay(&history);
}

/// One claim finds the task expired and parks its account. For the other claim, whose `now` is a
/// nanosecond earlier, the task is visible. Both chose the account before either changed anything.
#[test]
fn a_claim_does_not_park_an_account_for_a_claim_whose_clock_is_behind() {
    use tasklife::testing::*;

    const SECOND: i64 = 1_000_000_000;
    let history = History::new()
        .with_retention_nanos(10 * SECOND)
        .submit(0, 0, 1, Request::NoInput)
        .thread(History::new().claim(10 * SECOND - 1))
        .thread(History::new().claim(10 * SECOND));
    for _ in 0..500 {
        memory::replay(&history);
    }
}
