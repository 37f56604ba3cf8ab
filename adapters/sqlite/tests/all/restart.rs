//! What survives the end of all processes, and what holds for an older copy of the file.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;
use std::time::Duration;

use tasklife::{
    ApplyError, Claimed, Completion, ListQuery, Page, Progress, Revision, Scope, StoreConfig,
    Target, Task, TaskError, TaskEvent, TaskStatus, TaskStore, Timestamp,
};
use tasklife_sqlite::SqliteStore;

use crate::support::{Place, account, everything, id, second, submission};

const ACCOUNTS: [&str; 5] = ["acme", "umbrella", "initech", "hooli", "gone"];

fn config() -> StoreConfig {
    StoreConfig::default()
        .with_max_in_progress(NonZeroU32::MIN)
        .with_takeover_after(Duration::from_secs(100))
        .with_retention(tasklife::Retention::since_submission(Duration::from_secs(1_000)))
}

/// Leaves tasks in every status, and a horizon that is ahead of the callers.
///
/// One account has had its turn, two are parked (one until its lane has room, one until a
/// takeover), and one is forgotten.
fn fill(store: &dyn TaskStore) {
    let submit = |name: &str, number, at| {
        store.submit(submission(name, number), second(at)).unwrap().into_task()
    };
    let claim = |name: &str, at| {
        let account = account(name);
        store.claim(Scope::Account(&account), second(at)).unwrap().unwrap().into_work().unwrap()
    };
    let apply = |task: &Task, event, at| {
        store.apply(Target::exactly(task), event, second(at)).unwrap().into_task()
    };
    for number in 0..3 {
        submit("gone", number, 0);
    }
    for number in 0..6 {
        for name in &ACCOUNTS[..3] {
            submit(name, number, 500);
        }
    }
    let initialized = submission("acme", 6).initialized().with_input([0, 159, 146, 150]);
    store.submit(initialized, second(501)).unwrap();
    let done = apply(&claim("acme", 510), TaskEvent::complete(Completion::of(7)), 511);
    assert_eq!(done.status(), TaskStatus::ProcessingCompleted);
    let error = TaskError::new("SUBSCRIPTION_PI_NOT_FOUND", "no such payment method");
    apply(&claim("acme", 512), TaskEvent::fail(error), 513);
    apply(&claim("acme", 514), TaskEvent::report_of(Progress::of(1, 3)), 515);
    submit("hooli", 0, 520);
    claim("hooli", 521);
    // The accounts take turns; the lane of acme is full.
    let mut turns = Vec::new();
    while let Some(claimed) = store.claim(Scope::Any, second(530)).unwrap() {
        turns.push(claimed.change().task().account().clone());
    }
    assert_eq!(turns, ["gone", "umbrella", "initech"].map(account));
    assert_eq!(store.sweep(usize::MAX, second(1_100)).unwrap().dropped, 3);
}

/// Reads everything of a store at an instant, without changing it.
fn contents(store: &dyn TaskStore, now: Timestamp) -> Vec<(Page, Vec<Option<Task>>)> {
    let of = |name: &&str| {
        let account = account(name);
        let page = store.list(&account, &ListQuery::default(), now).unwrap();
        let tasks = (0..8).map(|number| store.get(&account, id(number), now).unwrap());
        (page, tasks.collect())
    };
    ACCOUNTS.iter().map(of).collect()
}

/// Claims tasks until there is nothing more to claim.
fn claim_all(store: &dyn TaskStore, now: Timestamp) -> Vec<Claimed> {
    std::iter::from_fn(|| store.claim(Scope::Any, now).unwrap()).collect()
}

/// The same calls go to a store that is reopened before each of them and to one that stays open.
#[test]
fn a_reopened_store_answers_like_one_that_stayed_open() {
    let place = Place::new();
    let same = SqliteStore::in_memory(config()).unwrap();
    fill(&place.open_with(config()));
    fill(&same);
    // Before the horizon, and after it.
    for at in [540, 1_050, 1_200, 1_501] {
        assert_eq!(
            contents(&place.open_with(config()), second(at)),
            contents(&same, second(at)),
            "{at}"
        );
    }
    // Nothing is ready; then takeovers are due; lanes are freed as tasks end; time goes back.
    let mut handed_out = 0;
    for at in [540, 616, 622, 631, 640, 500, 735, 1_490, 1_501] {
        let (kept, expected) =
            (claim_all(&place.open_with(config()), second(at)), claim_all(&same, second(at)));
        assert_eq!(kept, expected, "{at}");
        handed_out += kept.len();
        for claimed in kept {
            let task = claimed.into_work().unwrap();
            if at % 2 == 0 {
                let end = || TaskEvent::complete(Completion::default());
                let [one, other] = [&place.open_with(config()), &same]
                    .map(|store| store.apply(Target::exactly(&task), end(), second(at)).unwrap());
                assert_eq!(one, other);
            }
        }
    }
    assert!(handed_out > 8, "only {handed_out}");
    // A submission finds the floor of revisions that the forgotten account left.
    let [one, other] = [&place.open_with(config()), &same]
        .map(|store| store.submit(submission("gone", 1), second(600)).unwrap());
    assert_eq!(one, other);
    assert_eq!(contents(&place.open_with(config()), second(1_502)), contents(&same, second(1_502)));
    let [one, other] = [&place.open_with(config()), &same]
        .map(|store| store.sweep(usize::MAX, second(10_000)).unwrap());
    assert_eq!(one, other);
}

/// Submits, claims and reports at an instant, and returns each version of a task that the calls
/// returned.
fn make_history(store: &SqliteStore, now: i64) -> Vec<Task> {
    let store: &dyn TaskStore = store;
    let mut given = Vec::new();
    for number in [3, 4] {
        let new = submission("acme", number).with_input(now.to_string().into_bytes());
        given.push(store.submit(new, second(now)).unwrap().into_task());
    }
    while let Some(claimed) = store.claim(Scope::Any, second(now)).unwrap() {
        let started = claimed.into_work().unwrap();
        let target = Target::exactly(&started);
        let report = store.apply(target, TaskEvent::report(), second(now)).unwrap();
        given.extend([started, report.into_task()]);
    }
    given
}

fn revisions(tasks: &[Task]) -> BTreeSet<Revision> {
    tasks.iter().map(Task::revision).collect()
}

/// Asserts that no event on a lost version of a task is accepted.
fn assert_lost(store: &SqliteStore, lost: &[Task], now: i64) {
    for task in lost {
        match TaskStore::apply(store, Target::exactly(task), TaskEvent::report(), second(now)) {
            Err(ApplyError::Stale { .. } | ApplyError::NotFound) => {}
            other => panic!("{task:?} was matched again: {other:?}"),
        }
    }
}

#[test]
fn a_restored_copy_reuses_no_revision() {
    let place = Place::new();
    let store = place.open();
    for number in 0..3 {
        TaskStore::submit(&store, submission("acme", number), second(0)).unwrap();
    }
    let copy = place.copy();
    assert!(copy.log().exists());
    let lost = make_history(&store, 10);
    assert_eq!(lost.len(), 12);
    drop(store);

    place.replace_by(&copy);
    let store = place.open();
    assert_eq!(everything(&store, "acme", second(11)).len(), 3);
    assert_lost(&store, &lost, 11);
    let given = make_history(&store, 11);
    assert_eq!(given.len(), 12);
    assert!(revisions(&given).is_disjoint(&revisions(&lost)));
    // Not even after the same tasks had the same events.
    assert_lost(&store, &lost, 11);
    drop(store);

    // Restore it again: the three histories share no revision.
    place.replace_by(&copy);
    let store = place.open();
    let again = make_history(&store, 12);
    assert!(revisions(&again).is_disjoint(&revisions(&lost)));
    assert!(revisions(&again).is_disjoint(&revisions(&given)));
    assert_lost(&store, &[lost, given].concat(), 12);
}

/// An account is parked because its lane is full, and later because its tasks are in progress.
#[test]
fn a_new_configuration_makes_parked_accounts_ready() {
    let place = Place::new();
    let narrow = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let store = place.open_with(narrow);
    for number in 0..2 {
        store.submit(submission("acme", number), second(0)).unwrap();
    }
    let claim = |store: &SqliteStore, at| {
        let claimed = store.claim(Scope::Any, second(at)).unwrap()?;
        claimed.into_work().map(|task| (task.id(), task.attempts()))
    };
    assert_eq!(claim(&store, 1), Some((id(0), 1)));
    assert_eq!(claim(&store, 2), None);
    drop(store);
    // Under the same configuration, the account stays parked.
    let store = place.open_with(narrow);
    assert_eq!(claim(&store, 3), None);
    drop(store);
    let store = place.open_with(StoreConfig::default());
    assert_eq!(claim(&store, 4), Some((id(1), 1)));
    assert_eq!(claim(&store, 5), None);
    drop(store);
    let store = place.open_with(StoreConfig::default().with_takeover_after(Duration::from_secs(3)));
    assert_eq!(claim(&store, 6), Some((id(0), 2)));
}

/// After a kill, the log holds the latest writes.
#[test]
fn a_copy_after_a_kill_has_everything() {
    let place = Place::new();
    let store = place.open();
    let task = TaskStore::submit(&store, submission("acme", 1), second(0)).unwrap().into_task();
    let killed = place.copy();
    assert!(killed.log().exists());
    assert_eq!(everything(&killed.open(), "acme", second(0)), [task]);
}

/// This is what a disk that loses its latest writes leaves.
#[test]
fn a_file_without_its_log_is_as_of_the_last_checkpoint() {
    let place = Place::new();
    let store = place.open();
    let task = TaskStore::submit(&store, submission("acme", 1), second(0)).unwrap().into_task();
    place.connect().query_one("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).unwrap();
    let lost = make_history(&store, 10);
    let killed = place.copy();
    fs::remove_file(killed.log()).unwrap();

    let store = killed.open();
    assert_eq!(everything(&store, "acme", second(11)), [task]);
    assert_lost(&store, &lost, 11);
    let given = make_history(&store, 11);
    assert!(revisions(&given).is_disjoint(&revisions(&lost)));
    assert_lost(&store, &lost, 11);
}
