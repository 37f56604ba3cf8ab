//! What survives the end of all processes, and what an older copy of the file leaves certain.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;
use std::time::Duration;

use tasklife::{
    ApplyError, Claimed, Completion, ListQuery, Now, Page, Progress, Revision, Scope, StoreConfig,
    Target, Task, TaskError, TaskEvent, TaskStatus, TaskStore,
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

/// Leaves tasks in every status, an account that took its turn, two that are parked (one until its lane is
/// free, one until a takeover), one that is forgotten, and a horizon that is ahead of the callers.
fn live(store: &dyn TaskStore) {
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
    // The turn goes round; the lane of acme is full.
    let mut turns = Vec::new();
    while let Some(claimed) = store.claim(Scope::Any, second(530)).unwrap() {
        turns.push(claimed.change().task().account().clone());
    }
    assert_eq!(turns, ["gone", "umbrella", "initech"].map(account));
    assert_eq!(store.sweep(usize::MAX, second(1_100)).unwrap().dropped, 3);
}

/// All that can be asked of a store at an instant, without changing it.
fn seen(store: &dyn TaskStore, now: Now) -> Vec<(Page, Vec<Option<Task>>)> {
    let of = |name: &&str| {
        let account = account(name);
        let page = store.list(&account, &ListQuery::default(), now).unwrap();
        let tasks = (0..8).map(|number| store.get(&account, id(number), now).unwrap());
        (page, tasks.collect())
    };
    ACCOUNTS.iter().map(of).collect()
}

/// What is handed out, until there is nothing more.
fn claims(store: &dyn TaskStore, now: Now) -> Vec<Claimed> {
    std::iter::from_fn(|| store.claim(Scope::Any, now).unwrap()).collect()
}

/// The same calls are made to a store that is closed and opened again, and to one that never is.
#[test]
fn a_store_that_was_closed_answers_as_if_it_had_not_been() {
    let place = Place::new();
    let same = SqliteStore::in_memory(config()).unwrap();
    live(&place.open_with(config()));
    live(&same);
    // Before the horizon, and after it.
    for at in [540, 1_050, 1_200, 1_501] {
        assert_eq!(seen(&place.open_with(config()), second(at)), seen(&same, second(at)), "{at}");
    }
    // Nothing is ready; then there is work for a takeover; lanes are freed as tasks end; time goes back.
    let mut handed_out = 0;
    for at in [540, 616, 622, 631, 640, 500, 735, 1_490, 1_501] {
        let (kept, expected) =
            (claims(&place.open_with(config()), second(at)), claims(&same, second(at)));
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
    assert_eq!(seen(&place.open_with(config()), second(1_502)), seen(&same, second(1_502)));
    let [one, other] = [&place.open_with(config()), &same]
        .map(|store| store.sweep(usize::MAX, second(10_000)).unwrap());
    assert_eq!(one, other);
}

/// Goes on with whatever there is, at an instant and shortly after; each task that it gave out.
fn go_on(store: &SqliteStore, now: i64) -> Vec<Task> {
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

/// Those who saw what is lost are told so.
fn assert_lost(store: &SqliteStore, lost: &[Task], now: i64) {
    for task in lost {
        match TaskStore::apply(store, Target::exactly(task), TaskEvent::report(), second(now)) {
            Err(ApplyError::Stale { .. } | ApplyError::NotFound) => {}
            other => panic!("{task:?} is found again: {other:?}"),
        }
    }
}

#[test]
fn an_older_copy_gives_out_no_revision_again() {
    let place = Place::new();
    let store = place.open();
    for number in 0..3 {
        TaskStore::submit(&store, submission("acme", number), second(0)).unwrap();
    }
    let copy = place.copy();
    assert!(copy.log().exists());
    let lost = go_on(&store, 10);
    assert_eq!(lost.len(), 12);
    drop(store);

    place.replace_by(&copy);
    let store = place.open();
    assert_eq!(everything(&store, "acme", second(11)).len(), 3);
    assert_lost(&store, &lost, 11);
    let given = go_on(&store, 11);
    assert_eq!(given.len(), 12);
    assert!(revisions(&given).is_disjoint(&revisions(&lost)));
    // Not even where the same tasks went the same way.
    assert_lost(&store, &lost, 11);
    drop(store);

    // And again: each of the three futures is its own.
    place.replace_by(&copy);
    let store = place.open();
    let again = go_on(&store, 12);
    assert!(revisions(&again).is_disjoint(&revisions(&lost)));
    assert!(revisions(&again).is_disjoint(&revisions(&given)));
    assert_lost(&store, &[lost, given].concat(), 12);
}

/// An account was parked as its lane was full, and another until its worker falls silent. Under a configuration that
/// parks otherwise, they are looked at again.
#[test]
fn a_changed_configuration_wakes_what_was_parked_under_the_old_one() {
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
    // The same again: what is parked stays so.
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

/// After a kill, the log has what was written last.
#[test]
fn what_a_kill_leaves_is_whole() {
    let place = Place::new();
    let store = place.open();
    let task = TaskStore::submit(&store, submission("acme", 1), second(0)).unwrap().into_task();
    let killed = place.copy();
    assert!(killed.log().exists());
    assert_eq!(everything(&killed.open(), "acme", second(0)), [task]);
}

/// Then it is lost, as with a disk that forgot it.
#[test]
fn without_its_log_a_file_is_as_of_the_last_checkpoint() {
    let place = Place::new();
    let store = place.open();
    let task = TaskStore::submit(&store, submission("acme", 1), second(0)).unwrap().into_task();
    place.connect().query_one("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).unwrap();
    let lost = go_on(&store, 10);
    let killed = place.copy();
    fs::remove_file(killed.log()).unwrap();

    let store = killed.open();
    assert_eq!(everything(&store, "acme", second(11)), [task]);
    assert_lost(&store, &lost, 11);
    let given = go_on(&store, 11);
    assert!(revisions(&given).is_disjoint(&revisions(&lost)));
    assert_lost(&store, &lost, 11);
}
