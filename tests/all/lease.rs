//! A worker's hold on its task: what each answer of a store means for it, case by case. `histories`
//! checks the laws under random interleavings.

mod flaky;
mod histories;
mod lost_history;

use core::time::Duration;

use tasklife::{
    AsyncLease, BackendError, Change, Claimed, Completion, EventKind, InProcess, Lease, LeaseError,
    MemoryStore, Progress, Scope, StoreConfig, Target, Task, TaskError, TaskEvent, TaskStatus,
    TaskStore, Timestamp,
};

use crate::support::{account, id, nanosecond, second, submission};
use flaky::{Fault, Flaky, Kind, Worker};

const BOTH: [Kind; 2] = [Kind::Blocking, Kind::Asynchronous];

fn config() -> StoreConfig {
    StoreConfig::default().with_takeover_after(Duration::from_secs(10))
}

/// A store with one task, received in the first second.
fn store() -> Flaky {
    let store = MemoryStore::new(config());
    store.submit(submission("acme", 1), second(0)).unwrap();
    store.into()
}

fn claimed(store: &MemoryStore, now: Timestamp) -> Claimed {
    store.claim(Scope::Any, now).unwrap().expect("a task to hand out")
}

fn hold(kind: Kind, store: &Flaky, now: Timestamp) -> Worker<'_> {
    Worker::of(kind, store, claimed(&store.memory, now)).expect("work")
}

fn read(store: &Flaky, now: Timestamp) -> Task {
    store.memory.get(&account("acme"), id(1), now).unwrap().unwrap()
}

fn end() -> TaskEvent {
    TaskEvent::complete(Completion::of(7))
}

fn failure() -> TaskEvent {
    TaskEvent::fail(TaskError::new("NO_ROOM", "There is no room."))
}

/// A write by someone who doesn't hold the task.
fn write(store: &MemoryStore, event: TaskEvent, now: Timestamp) -> Task {
    let acme = account("acme");
    store.apply(Target::latest(&acme, id(1)), event, now).unwrap().into_task()
}

#[track_caller]
fn assert_backend(answer: Result<Change, LeaseError>, is_unknown: bool) {
    match answer {
        Err(error @ LeaseError::Backend(_)) if !error.is_lost() => {
            let LeaseError::Backend(cause) = error else { unreachable!() };
            assert_eq!(cause.is_unknown(), is_unknown);
        }
        other => panic!("expected a failure of the backend, got {other:?}"),
    }
}

#[track_caller]
fn assert_taken_over(answer: Result<Change, LeaseError>, now: &Task) {
    match answer {
        Err(error @ LeaseError::TakenOver { .. }) if error.is_lost() => {
            assert_eq!(error.task(), Some(now));
        }
        other => panic!("expected a task that was taken over, got {other:?}"),
    }
}

#[track_caller]
fn assert_ended(answer: Result<Change, LeaseError>, now: &Task) {
    match answer {
        Err(error @ LeaseError::Ended { .. }) if error.is_lost() => {
            assert_eq!(error.task(), Some(now));
        }
        other => panic!("expected a task that has ended, got {other:?}"),
    }
}

#[test]
fn a_lease_follows_its_task_until_the_end() {
    for kind in BOTH {
        let store = store();
        let mut worker = hold(kind, &store, second(1));
        for step in 1..=4 {
            let report = TaskEvent::report_of(Progress::of(step, 4)).with_description("A step.");
            let change = worker.apply(report, second(2)).unwrap();
            assert_eq!(
                (change.from(), change.event()),
                (TaskStatus::ProcessingInProgress, EventKind::Report)
            );
            assert_eq!(worker.task(), &read(&store, second(2)));
            assert_eq!(change.task(), worker.task());
        }
        assert!(worker.is_held());
        let change = worker.apply(end().with_description("Done."), second(3)).unwrap();
        assert_eq!(
            (change.event(), change.task().description()),
            (EventKind::Complete, Some("Done."))
        );
        assert!(!worker.is_held());
        // After its end, the lease no longer calls the store.
        let asked = store.asked();
        for event in [TaskEvent::report(), end(), failure()] {
            assert_ended(worker.apply(event, second(4)), change.task());
        }
        assert_eq!((store.asked(), &read(&store, second(4))), (asked, change.task()));
    }
}

fn assert_send<T: Send>(future: T) -> T {
    future
}

#[test]
fn the_shorthands_apply_the_events_they_name() {
    fn as_text(change: Result<Change, LeaseError>) -> String {
        let task = change.unwrap().into_task();
        format!("{:?} {:?}", task.progress(), task.outcome())
    }
    let texts = ["Some(Progress(50)) None", "Some(Progress(50)) None"];
    let completed = format!("Some(Progress(50)) Some(Ok({:?}))", Completion::of(7));
    let error = || TaskError::new("NO_ROOM", "There is no room.");
    let failed = format!("None Some(Err({:?}))", error());
    let now = second(1);

    let store = store();
    let mut lease = Lease::of(&store.memory, claimed(&store.memory, now)).unwrap();
    assert_eq!(as_text(lease.report(Progress::of(1, 2), now)), texts[0]);
    assert_eq!(as_text(lease.heartbeat(now)), texts[1]);
    assert_eq!(as_text(lease.complete(Completion::of(7), now)), completed);
    store.memory.submit(submission("acme", 2), now).unwrap();
    let mut lease = Lease::of(&store.memory, claimed(&store.memory, now)).unwrap();
    assert_eq!(as_text(lease.fail(error(), now)), failed);

    let store = InProcess(self::store().memory);
    let run = async {
        let mut lease = AsyncLease::of(&store, claimed(&store.0, now)).unwrap();
        assert_eq!(as_text(lease.report(Progress::of(1, 2), now).await), texts[0]);
        assert_eq!(as_text(lease.heartbeat(now).await), texts[1]);
        assert_eq!(as_text(lease.complete(Completion::of(7), now).await), completed);
        store.0.submit(submission("acme", 2), now).unwrap();
        let mut lease = AsyncLease::of(&store, claimed(&store.0, now)).unwrap();
        assert_eq!(as_text(lease.fail(error(), now).await), failed);
    };
    assert_eq!(flaky::polled_once(assert_send(run)), Some(()));
}

#[test]
fn a_task_that_was_given_up_has_no_lease() {
    let store = MemoryStore::new(config().with_max_attempts(core::num::NonZeroU32::MIN));
    store.submit(submission("acme", 1), second(0)).unwrap();
    let store = Flaky::from(store);
    let mut late = hold(Kind::Blocking, &store, second(0));
    let given_up = claimed(&store.memory, second(11));
    assert!(Lease::of(&store.memory, given_up.clone()).is_none());
    // A task that isn't in progress has no lease either.
    let ended = Claimed::Work(given_up.change().clone());
    assert!(Worker::of(Kind::Asynchronous, &store, ended).is_none());
    // A late end of the task that was given up is not accepted.
    assert_ended(late.apply(end(), second(12)), given_up.change().task());
    assert_eq!(&read(&store, second(12)), given_up.change().task());
}

#[test]
fn a_worker_whose_task_is_taken_over_during_a_call_loses_its_lease() {
    for kind in BOTH {
        for event in
            [TaskEvent::report(), TaskEvent::report_of(Progress::of(1, 2)), end(), failure()]
        {
            let store = store();
            let mut worker = hold(kind, &store, second(0));
            // After the worker's last answer and before its event.
            store.fail_with([Fault::After(|store| {
                assert!(claimed(store, second(11)).is_work());
            })]);
            let answer = worker.apply(event.clone(), second(11));
            let now = read(&store, second(11));
            assert_eq!((now.attempts(), now.progress()), (2, None));
            assert_taken_over(answer, &now);
            assert_eq!(worker.task(), &now);
            // The lease stays lost after the other worker's end.
            let asked = store.asked();
            write(&store.memory, end(), second(12));
            assert_taken_over(worker.apply(event, second(13)), &now);
            assert_eq!(store.asked(), asked);
        }
    }
}

#[test]
fn the_same_end_by_the_worker_that_took_over_is_not_a_success() {
    for kind in BOTH {
        let store = store();
        let mut worker = hold(kind, &store, second(0));
        store.fail_with([Fault::LostBefore]);
        assert_backend(worker.apply(end(), second(1)), true);
        let mut other = hold(kind, &store, second(11));
        let ended = other.apply(end(), second(11)).unwrap().into_task();
        assert_ended(worker.apply(end(), second(12)), &ended);
    }
}

#[test]
fn a_call_whose_answer_was_lost_can_be_made_again() {
    let events =
        [TaskEvent::report_of(Progress::of(1, 2)).with_description("Half."), end(), failure()];
    for (kind, event) in BOTH.into_iter().flat_map(|kind| events.clone().map(|event| (kind, event)))
    {
        for fault in [Fault::NotApplied, Fault::LostBefore, Fault::LostAfter] {
            let store = store();
            let mut worker = hold(kind, &store, second(0));
            worker.apply(TaskEvent::report().with_description("Some words."), second(0)).unwrap();
            store.fail_with([fault, fault]);
            for _ in 0..2 {
                if read(&store, second(1)).outcome().is_none() {
                    assert_backend(
                        worker.apply(event.clone(), second(1)),
                        fault != Fault::NotApplied,
                    );
                    assert!(worker.is_held());
                }
            }
            store.fail_with([]);
            let change = worker.apply(event.clone(), second(2)).unwrap();
            assert_eq!(change.event(), event.kind());
            assert_eq!(change.task(), &read(&store, second(2)));
            assert_eq!(worker.task(), change.task());
            assert_eq!(change.task().outcome(), event.outcome());
        }
    }
}

#[test]
fn after_a_lost_answer_a_different_end_returns_ended() {
    let others = [
        failure(),
        TaskEvent::complete(Completion::of(8)),
        end().with_description("Done."),
        TaskEvent::report(),
    ];
    for (kind, other) in BOTH.into_iter().flat_map(|kind| others.clone().map(|event| (kind, event)))
    {
        let store = store();
        let mut worker = hold(kind, &store, second(0));
        store.fail_with([Fault::LostAfter]);
        assert_backend(worker.apply(end(), second(1)), true);
        assert_ended(worker.apply(other, second(2)), &read(&store, second(2)));
        assert_eq!(read(&store, second(2)).outcome(), end().outcome());
    }
}

#[test]
fn an_unknown_end_stays_unknown_until_the_task_shows_otherwise() {
    for kind in BOTH {
        // A different end that is known to have failed reveals nothing about the first.
        let doubted = store();
        let mut worker = hold(kind, &doubted, second(0));
        doubted.fail_with([Fault::LostAfter, Fault::NotApplied]);
        assert_backend(worker.apply(end(), second(1)), true);
        assert_backend(worker.apply(failure(), second(1)), false);
        worker.apply(end(), second(2)).unwrap();

        // An accepted report shows that the end was not applied. If another then makes the same
        // end, it isn't this worker's.
        let settled = store();
        let mut worker = hold(kind, &settled, second(0));
        settled.fail_with([Fault::LostBefore]);
        assert_backend(worker.apply(end(), second(1)), true);
        worker.apply(TaskEvent::report(), second(2)).unwrap();
        let ended = write(&settled.memory, end(), second(3));
        assert_ended(worker.apply(end(), second(4)), &ended);
    }
}

#[test]
fn the_same_end_by_an_administrator_is_not_a_success() {
    for kind in BOTH {
        let store = store();
        let mut worker = hold(kind, &store, second(0));
        store.fail_with([Fault::NotApplied]);
        assert_backend(worker.apply(end(), second(1)), false);
        let ended = write(&store.memory, end(), second(1));
        assert_ended(worker.apply(end(), second(2)), &ended);
    }
}

#[test]
fn an_administrators_description_does_not_affect_the_lease() {
    let events = [TaskEvent::report_of(Progress::of(1, 2)), end(), failure()];
    for (kind, event) in BOTH.into_iter().flat_map(|kind| events.clone().map(|event| (kind, event)))
    {
        for faults in [vec![], vec![Fault::LostAfter], vec![Fault::LostBefore, Fault::NotApplied]] {
            let store = store();
            let mut worker = hold(kind, &store, second(0));
            let words = TaskEvent::report().with_description("A disk is being replaced.");
            let adopted = write(&store.memory, words.clone(), second(1));
            store.fail_with(faults.clone());
            for _ in &faults {
                let _ = worker.apply(TaskEvent::report(), second(2));
                write(&store.memory, words.clone(), second(2));
            }
            let change = worker.apply(event.clone(), second(3)).unwrap();
            assert!(change.task().revision() > adopted.revision());
            assert_eq!(change.task(), &read(&store, second(3)));
            if event.kind() == EventKind::Report {
                assert_eq!(change.task().description(), Some("A disk is being replaced."));
            }
        }
    }
}

#[test]
fn a_call_fails_after_16_tries_if_others_keep_writing() {
    for kind in BOTH {
        let store = store();
        let mut worker = hold(kind, &store, second(0));
        let interrupt = Fault::After(|store| {
            write(store, TaskEvent::report(), second(1));
        });
        store.fail_with([interrupt; 100]);
        assert_backend(worker.apply(end(), second(1)), false);
        assert_eq!(store.asked(), 16);
        store.fail_with([interrupt; 15]);
        worker.apply(end(), second(1)).unwrap();
    }
}

#[test]
fn a_task_submitted_again_under_the_same_id_is_another_task() {
    for kind in BOTH {
        let store = store();
        let gone = second(10 * 24 * 60 * 60);
        let mut stalled = hold(kind, &store, second(0));
        let report = stalled.apply(TaskEvent::report(), gone - nanosecond()).unwrap();
        assert_eq!(report.task().expires_at(), gone);
        store.memory.submit(submission("acme", 1), gone).unwrap();
        let mut other = hold(kind, &store, gone);
        for event in [TaskEvent::report(), end()] {
            match stalled.apply(event, gone) {
                Err(error @ LeaseError::Gone { .. }) => assert!(error.is_lost()),
                other => panic!("expected a task that is gone, got {other:?}"),
            }
        }
        assert_eq!(stalled.task().submitted_at(), second(0));
        assert_eq!(&read(&store, gone), other.task());
        assert_eq!(other.task().attempts(), report.task().attempts());
        other.apply(end(), gone).unwrap();
    }
}

#[test]
fn a_task_that_has_expired_is_gone() {
    for kind in BOTH {
        let store = store();
        let mut worker = hold(kind, &store, second(0));
        let expired = worker.task().expires_at();
        match worker.apply(end(), expired) {
            Err(LeaseError::Gone { task }) => assert_eq!(&task, worker.task()),
            other => panic!("expected a task that is gone, got {other:?}"),
        }
        // The lease stays lost, though a clock that is behind still sees the task.
        assert!(matches!(worker.apply(end(), second(1)), Err(LeaseError::Gone { .. })));
        assert_eq!(read(&store, second(1)).outcome(), None);
    }
}

#[test]
fn a_refused_event_does_not_affect_the_lease() {
    for kind in BOTH {
        let store = store();
        let mut worker = hold(kind, &store, second(0));
        let before = worker.task().clone();
        for event in [TaskEvent::receive(), TaskEvent::start()] {
            match worker.apply(event, second(1)) {
                Err(error @ LeaseError::Refused(_)) => assert!(!error.is_lost()),
                other => panic!("expected a refusal, got {other:?}"),
            }
        }
        assert_eq!((worker.task(), worker.is_held()), (&before, true));
        worker.apply(end(), second(2)).unwrap();
    }
}

#[test]
fn a_heartbeat_is_due_after_a_third_of_the_silence() {
    let config = StoreConfig::default().with_takeover_after(Duration::from_secs(30));
    let store = MemoryStore::new(config);
    store.submit(submission("acme", 1), second(0)).unwrap();
    let received = store.get(&account("acme"), id(1), second(0)).unwrap().unwrap();
    let mut lease = Lease::of(&store, claimed(&store, second(0))).unwrap();
    assert!(!config.heartbeat_due(&received, second(10)));
    assert!(!config.heartbeat_due(lease.task(), second(10) - nanosecond()));
    assert!(config.heartbeat_due(lease.task(), second(10)));
    assert!(!config.without_takeover().heartbeat_due(lease.task(), second(10)));
    assert!(!config.with_takeover_after(Duration::MAX).heartbeat_due(lease.task(), second(10)));
    lease.heartbeat(second(10)).unwrap();
    assert!(!config.heartbeat_due(lease.task(), second(19)));
    assert!(config.heartbeat_due(lease.task(), Timestamp::MAX_UTC));
    lease.complete(Completion::default(), second(20)).unwrap();
    assert!(!config.heartbeat_due(lease.task(), second(60)));
    assert_eq!(StoreConfig::default().heartbeat_every(), Some(Duration::from_mins(10)));
}

#[test]
fn errors_name_the_task_and_its_state() {
    let store = store();
    let mut worker = hold(Kind::Blocking, &store, second(0));
    let refused = worker.apply(TaskEvent::start(), second(0)).unwrap_err().to_string();
    assert!(refused.ends_with("got start"), "{refused}");
    let other = hold(Kind::Blocking, &store, second(11));
    let lost = worker.apply(end(), second(11)).unwrap_err().to_string();
    assert_eq!(
        lost,
        format!(
            "expected task {} to be held by this worker, got it taken over by another, at revision {}",
            other.task().id(),
            other.task().revision()
        )
    );
    let backend = LeaseError::from(BackendError::unknown("a cable"));
    assert!(backend.to_string().contains("unknown") && backend.task().is_none());
    assert!(std::error::Error::source(&backend).is_some());
}
