//! Leases on a store that has lost acknowledged writes, and goes on from an earlier state.

use tasklife::{
    AccountClock, Change, Claimed, EventKind, MemoryStore, Progress, Snapshot, TaskEvent,
};

use super::flaky::{Fault, Flaky, Worker};
use super::{
    BOTH, assert_backend, assert_ended, assert_taken_over, claimed, config, end, hold, read, store,
    write,
};
use crate::support::second;

/// The store restored from a snapshot some time later.
fn restored(snapshot: Snapshot) -> Flaky {
    MemoryStore::restore(config(), snapshot, second(5)).unwrap().into()
}

#[test]
fn a_worker_from_a_lost_history_loses_its_lease() {
    for kind in BOTH {
        // The claim was lost, so the second attempt has the number of the first.
        let before = store();
        let snapshot = before.memory.snapshot();
        let lost = claimed(&before.memory, second(1));
        let after = restored(snapshot);
        let mut lost = Worker::of(kind, &after, lost).unwrap();
        let mut other = hold(kind, &after, second(6));
        assert_eq!(other.task().attempts(), lost.task().attempts());
        assert_taken_over(lost.apply(TaskEvent::report(), second(7)), other.task());
        other.apply(end(), second(8)).unwrap();

        // The task has not been claimed again yet, and this worker no longer has it.
        let before = store();
        let snapshot = before.memory.snapshot();
        let lost = claimed(&before.memory, second(1));
        let after = restored(snapshot);
        let mut lost = Worker::of(kind, &after, lost).unwrap();
        assert_taken_over(lost.apply(end(), second(7)), &read(&after, second(7)));

        // An end was lost, and another worker makes the same end.
        let before = store();
        let snapshot = before.memory.snapshot();
        let lost = claimed(&before.memory, second(1));
        let after = restored(snapshot);
        let mut lost = Worker::of(kind, &after, lost).unwrap();
        after.fail_with([Fault::LostBefore]);
        assert_backend(lost.apply(end(), second(2)), true);
        let ended = hold(kind, &after, second(6)).apply(end(), second(7)).unwrap().into_task();
        assert_ended(lost.apply(end(), second(8)), &ended);
    }
}

#[test]
fn a_task_that_lost_something_shows_that_the_store_has_lost_writes() {
    let later = second(100);
    let beat = TaskEvent::report;
    // What the worker learned, and how often someone has written since the claim.
    let lost = [
        (TaskEvent::report_of(Progress::of(1, 2)), second(1), 2),
        (beat().with_description("Half."), second(1), 2),
        (beat(), later, 2),
        (beat(), second(1), 0),
    ];
    for (kind, (event, told_at, writes)) in
        BOTH.into_iter().flat_map(|kind| lost.clone().map(|lost| (kind, lost)))
    {
        let store = store();
        let change = claimed(&store.memory, second(1)).change().clone();
        let (from, mut told) = (change.task().status(), change.into_task());
        let clock = AccountClock::new(told.revision(), told.updated_at());
        told.apply(event, config().retention(), told_at, clock.next(told_at)).unwrap();
        let told = Claimed::Work(Change::new(from, EventKind::Report, told));
        let mut worker = Worker::of(kind, &store, told).unwrap();
        for _ in 0..writes {
            write(&store.memory, TaskEvent::report(), second(2));
        }
        assert_taken_over(worker.apply(end(), second(3)), &read(&store, second(3)));
    }
}

#[test]
fn a_restored_store_keeps_the_leases_of_saved_tasks() {
    for kind in BOTH {
        let before = store();
        let claimed = claimed(&before.memory, second(1));
        let after = restored(before.memory.snapshot());
        let mut worker = Worker::of(kind, &after, claimed).unwrap();
        worker.apply(TaskEvent::report(), second(6)).unwrap();
        write(&after.memory, TaskEvent::report(), second(7));
        worker.apply(end(), second(8)).unwrap();
    }
}
