//! Files of each earlier version are read correctly.

use std::fs;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use tasklife::{
    Completion, ListQuery, Progress, Retention, Revision, Scope, StoreConfig, SubmitError, Task,
    TaskError, TaskStatus, TaskStore, Timestamp,
};

use crate::support::{CREATE, Place, account, at, id, submission};

/// A file of version 1, with tasks of three accounts in every status.
///
/// The lane of acme is full, acme and umbrella are parked until a takeover, initech is ready, and
/// one account is forgotten. The horizon is at 06:49:30.
const VERSION_1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/version-1.db");

/// Copies the file, so that the test may write to it.
fn copy() -> Place {
    let place = Place::new();
    fs::copy(VERSION_1, place.path()).unwrap();
    place
}

/// Returns the configuration that the file was written with.
fn config() -> StoreConfig {
    StoreConfig::default()
        .with_max_in_progress(NonZeroU32::MIN)
        .with_takeover_after(Duration::from_mins(1))
}

/// Returns the instant at these seconds of the minute in which the file was written.
fn on(seconds: &str) -> Timestamp {
    at(&format!("2019-08-08T06:49:{seconds}Z"))
}

fn tasks(store: &dyn TaskStore, name: &str) -> Vec<Task> {
    let all = ListQuery::new(NonZeroUsize::MAX);
    store.list(&account(name), &all, on("33")).unwrap().into_tasks()
}

#[test]
fn every_field_of_version_1_is_read() {
    let place = copy();
    let store = place.open_with(config());
    let lists = ["acme", "umbrella", "initech", "gone"].map(|name| tasks(&store, name));
    for task in lists.iter().flatten() {
        let found = TaskStore::get(&store, task.account(), task.id(), on("33")).unwrap();
        assert_eq!(found.as_ref(), Some(task));
        assert_eq!(task.expires_at(), Retention::default().after_submission(task.submitted_at()));
    }
    let [acme, umbrella, initech, gone] = &lists;
    let ids = |tasks: &[Task]| tasks.iter().map(Task::id).collect::<Vec<_>>();
    assert_eq!(ids(acme), [3, 2, 1, 5, 4].map(id));
    assert_eq!(ids(umbrella), [1, 2].map(id));
    assert_eq!((ids(initech), ids(gone)), (vec![id(1)], vec![]));

    let [third, failed, done, initialized, received] = &acme[..] else { panic!("{acme:?}") };
    let fields = |task: &Task| {
        let command = task.command_type().as_str().to_owned();
        let input = task.input().to_vec();
        (command, input, task.submitted_at(), task.updated_at(), task.revision().get())
    };
    let expected = |command: &str, input: &[u8], submitted_at, updated_at, revision: u64| {
        (command.to_owned(), input.to_vec(), on(submitted_at), on(updated_at), revision)
    };
    assert_eq!(
        fields(done),
        expected(CREATE.as_str(), br#"{"name":"one"}"#, "15.929", "22.5", 509_859_729_300_000_001)
    );
    assert_eq!(
        fields(failed),
        expected("databaseCreateRequest", b"", "16", "24", 509_859_729_312_000_001)
    );
    assert_eq!(
        fields(third),
        expected(
            "databaseUpdateRequest",
            &[0, 159, 146, 150],
            "17.000001",
            "26",
            509_859_729_328_000_001
        )
    );
    let instant = "18.123456789";
    assert_eq!(
        fields(received),
        expected("databaseDeleteRequest", b"", instant, instant, 509_859_729_264_987_655)
    );
    assert_eq!(
        fields(initialized),
        expected(CREATE.as_str(), b"", "19", "19", 509_859_729_272_000_001)
    );
    assert_eq!(umbrella[0].input(), "ünïcode".as_bytes());

    let state =
        |task: &Task| (task.status(), task.attempts(), task.progress().map(Progress::percent));
    assert_eq!(state(third), (TaskStatus::ProcessingInProgress, 1, Some(33)));
    assert_eq!(third.description(), Some("a third"));
    assert_eq!(state(failed), (TaskStatus::ProcessingError, 1, None));
    let error = TaskError::new("SUBSCRIPTION_PI_NOT_FOUND", "no such payment method")
        .with_status("404 NOT_FOUND")
        .with_additional_info("id 7");
    assert_eq!(failed.outcome(), Some(Err(&error)));
    assert_eq!(state(done), (TaskStatus::ProcessingCompleted, 1, None));
    let completion = Completion::of(1206)
        .with_additional_resource_id("eu-1")
        .with_resource(&std::collections::BTreeMap::from([("plan", "small")]))
        .unwrap();
    assert_eq!(done.outcome(), Some(Ok(&completion)));
    assert_eq!(state(received), (TaskStatus::Received, 0, None));
    assert_eq!(state(initialized), (TaskStatus::Initialized, 0, None));
}

#[test]
fn the_queue_of_version_1_is_kept() {
    let place = copy();
    let store = place.open_with(config());
    let claim = |now| {
        let claimed = TaskStore::claim(&store, Scope::Any, now).unwrap()?;
        let task = claimed.into_work().unwrap();
        Some((task.account().to_string(), task.id(), task.attempts()))
    };
    assert_eq!(claim(on("40")), Some(("initech".into(), id(1), 1)));
    assert_eq!(claim(on("40")), None);
    // A takeover is due once the worker was silent for more than a minute.
    let [minute, later] = ["2019-08-08T06:50:26Z", "2019-08-08T06:50:26.000000001Z"].map(at);
    assert_eq!(claim(minute), None);
    assert_eq!(claim(later), Some(("acme".into(), id(3), 2)));
    assert_eq!(claim(later), None);
    let [minute, later] = ["2019-08-08T06:50:27Z", "2019-08-08T06:50:27.000000001Z"].map(at);
    assert_eq!(claim(minute), None);
    assert_eq!(claim(later), Some(("umbrella".into(), id(1), 2)));
}

#[test]
fn the_horizon_task_count_and_floor_of_version_1_are_kept() {
    let place = copy();
    // The horizon: a submission that would expire at or before it is refused.
    let store = place.open_with(config());
    let past = |seconds| at(&format!("2019-07-29T06:49:{seconds}Z"));
    let early = TaskStore::submit(&store, submission("hooli", 1), past("30"));
    assert!(matches!(early, Err(SubmitError::Expired)), "{early:?}");
    TaskStore::submit(&store, submission("hooli", 1), past("30.000000001")).unwrap();
    drop(store);
    // The number of tasks.
    let store = place.open_with(config().with_max_tasks(9));
    let full = TaskStore::submit(&store, submission("hooli", 2), on("30"));
    assert!(matches!(full, Err(SubmitError::StoreFull)), "{full:?}");
    drop(store);
    // The floor: revisions continue above the forgotten account's, even for an early instant.
    let year = Retention::since_submission(Duration::from_hours(365 * 24));
    let store = place.open_with(config().with_retention(year));
    let again = TaskStore::submit(&store, submission("gone", 1), at("2019-01-01T00:00:00Z"));
    let revision = Revision::try_from(509_852_275_200_000_002).unwrap();
    assert_eq!(again.unwrap().task().revision(), revision);
    let swept = TaskStore::sweep(&store, usize::MAX, at("2020-01-01T00:00:00Z")).unwrap();
    assert_eq!(swept.dropped, 10);
}

#[test]
fn opening_version_1_changes_nothing() {
    let place = copy();
    drop(place.open_with(config()));
    assert_eq!(place.contents()["tasks.db"], fs::read(VERSION_1).unwrap());
}
