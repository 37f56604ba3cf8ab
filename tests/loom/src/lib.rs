//! The store in memory, model checked: each test runs once for every order in which its threads can
//! meet at a shared lock or atomic. In these tests the store has two shards.
//!
//! `.ci/run loom` runs them. Some of the accounts share a shard, and others don't.
#![cfg(all(test, loom))]

use std::collections::BTreeSet;

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use tasklife::{
    AccountId, CommandType, ListQuery, MemoryStore, Scope, StoreConfig, Submission, SubmitError,
    TaskId, TaskStore, Timestamp,
};

/// Pairs of accounts. Some share a shard, and others don't.
const PAIRS: [[&str; 2]; 3] = [["a", "b"], ["a", "c"], ["b", "c"]];

fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

fn submission(name: &str, number: u8) -> Submission {
    let account = account(name);
    let id = TaskId::for_key(&account, &number.to_string());
    Submission::new(account, id, CommandType::from_static("databaseCreateRequest"))
}

fn day(number: u32) -> Timestamp {
    format!("2026-01-{number:02}T00:00:00Z").parse().unwrap()
}

/// An instant at which a task submitted on the first of the month has expired.
fn later() -> Timestamp {
    day(11)
}

fn store(max_tasks: usize) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(StoreConfig::default().with_max_tasks(max_tasks)))
}

fn sees(store: &MemoryStore, name: &str, number: u8, now: Timestamp) -> bool {
    let new = submission(name, number);
    store.get(new.account(), new.id(), now).unwrap().is_some()
}

/// Claims a task, of which there are enough, and returns its account.
fn claim(store: &MemoryStore) -> String {
    let claimed = store.claim(Scope::Any, day(1)).unwrap().unwrap();
    claimed.change().task().account().to_string()
}

/// Uses the store on another thread.
fn meanwhile<T: 'static>(
    store: &Arc<MemoryStore>,
    work: impl FnOnce(&MemoryStore) -> T + 'static,
) -> JoinHandle<T> {
    let store = store.clone();
    thread::spawn(move || work(&store))
}

/// Runs a model for accounts that share a shard, and for accounts that don't.
fn for_each_pair(model: impl Fn(&'static str, &'static str) + Copy + Send + Sync + 'static) {
    for [one, other] in PAIRS {
        loom::model(move || model(one, other));
    }
}

#[test]
fn the_last_place_is_taken_once() {
    for_each_pair(|one, other| {
        let store = store(1);
        let submitter = meanwhile(&store, move |store| store.submit(submission(one, 1), day(1)));
        let answers = [store.submit(submission(other, 1), day(1)), submitter.join().unwrap()];
        let full = answers.iter().filter(|answer| matches!(answer, Err(SubmitError::StoreFull)));
        assert_eq!((full.count(), store.len()), (1, 1));
    });
}

#[test]
fn an_expired_task_makes_room_once() {
    for_each_pair(|one, other| {
        let store = store(1);
        store.submit(submission("a", 0), day(1)).unwrap();
        let submitter = meanwhile(&store, move |store| store.submit(submission(one, 1), later()));
        let answers = [store.submit(submission(other, 1), later()), submitter.join().unwrap()];
        let full = answers.iter().filter(|answer| matches!(answer, Err(SubmitError::StoreFull)));
        assert_eq!((full.count(), store.len()), (1, 1));
        // The horizon has moved for all accounts.
        for name in ["a", "b", "c"] {
            let behind = store.submit(submission(name, 2), day(1));
            assert!(matches!(behind, Err(SubmitError::Expired)));
        }
    });
}

#[test]
fn a_removed_task_makes_room_once() {
    for_each_pair(|one, other| {
        let store = store(1);
        store.submit(submission(one, 0), day(1)).unwrap();
        let remover = meanwhile(&store, move |store| store.remove_account(&account(one)));
        let submitted = store.submit(submission(other, 1), day(1));
        let removed = remover.join().unwrap();
        assert!(removed == 1 || (one == other && removed == 2), "{removed}");
        assert!(matches!(submitted, Ok(_) | Err(SubmitError::StoreFull)));
        let left = usize::from(submitted.is_ok());
        assert_eq!(store.len(), left);
        store.submit(submission("c", 2), day(1)).unwrap_or_else(|error| {
            assert!(left == 1 && matches!(error, SubmitError::StoreFull));
            store.submit(submission(other, 1), day(1)).unwrap()
        });
    });
}

/// A sweep or another submission drops the first task meanwhile. The second is left alone.
#[test]
fn the_task_that_expired_first_makes_room_during_other_calls() {
    for_each_pair(|one, other| {
        let store = store(2);
        store.submit(submission(one, 0), day(1)).unwrap();
        store.submit(submission(other, 0), day(2)).unwrap();
        let sweeper = meanwhile(&store, move |store| store.sweep(1, later()).unwrap().dropped);
        store.submit(submission("b", 1), day(20)).unwrap();
        let swept = sweeper.join().unwrap();
        assert!(!sees(&store, one, 0, day(1)));
        assert!(sees(&store, other, 0, day(2)), "it had not expired, or was not the first");
        assert_eq!((swept <= 1, store.len()), (true, 2));
    });
}

/// A task that is submitted meanwhile by a clock that is behind may expire first.
#[test]
fn a_task_is_announced_before_it_takes_its_place() {
    for_each_pair(|one, other| {
        let store = store(2);
        store.submit(submission(other, 0), day(2)).unwrap();
        let behind = meanwhile(&store, move |store| drop(store.submit(submission(one, 1), day(1))));
        store.submit(submission("b", 2), day(20)).unwrap();
        behind.join().unwrap();
        assert!(sees(&store, other, 0, day(2)), "there was room, or another had expired before");
    });
}

/// A task that makes room for itself meanwhile may then expire first.
#[test]
fn calls_make_room_one_after_the_other() {
    for_each_pair(|one, other| {
        let store = store(2);
        store.submit(submission(one, 0), day(1)).unwrap();
        store.submit(submission(one, 1), day(20)).unwrap();
        let earlier =
            meanwhile(&store, move |store| drop(store.submit(submission(other, 2), day(12))));
        store.submit(submission(one, 3), day(31)).unwrap();
        earlier.join().unwrap();
        assert!(sees(&store, one, 1, day(20)), "another had expired before");
    });
}

/// Meanwhile the place of one task is given back and taken by another.
#[test]
fn a_store_that_is_full_again_is_checked_again() {
    for_each_pair(|one, other| {
        let store = store(2);
        store.submit(submission(one, 0), day(1)).unwrap();
        store.submit(submission(one, 1), day(2)).unwrap();
        let others = meanwhile(&store, move |store| {
            store.sweep(1, later()).unwrap();
            let _ = store.submit(submission(other, 2), day(1) + chrono::TimeDelta::hours(1));
        });
        store.submit(submission(one, 3), day(20)).unwrap();
        others.join().unwrap();
        assert!(sees(&store, one, 1, day(2)), "there was room, or another had expired before");
    });
}

/// Meanwhile the first task to expire is replaced.
#[test]
fn a_task_that_no_longer_expires_first_is_not_dropped() {
    for_each_pair(|one, other| {
        let store = store(2);
        store.submit(submission(one, 0), day(1)).unwrap();
        store.submit(submission(other, 0), day(2)).unwrap();
        let again =
            meanwhile(&store, move |store| store.submit(submission(one, 0), day(13)).is_ok());
        assert!(store.submit(submission(one, 1), day(20)).is_ok(), "something had expired");
        assert!(again.join().unwrap());
        assert!(sees(&store, one, 0, day(20)) && !sees(&store, other, 0, day(2)));
    });
}

#[test]
fn a_submission_is_refused_only_while_the_store_is_full() {
    for_each_pair(|one, other| {
        let store = store(1);
        store.submit(submission(one, 0), day(1)).unwrap();
        let sweeper = meanwhile(&store, move |store| store.sweep(9, later()).unwrap().dropped);
        // Either there is room, or a task that makes room.
        store.submit(submission(other, 1), later()).unwrap();
        sweeper.join().unwrap();
        assert_eq!(store.len(), 1);
    });
}

#[test]
fn a_task_hidden_by_a_sweep_is_not_visible_again() {
    for_each_pair(|one, other| {
        let store = store(9);
        store.submit(submission(one, 0), day(1)).unwrap();
        store.submit(submission(other, 0), day(1)).unwrap();
        let sweeper = meanwhile(&store, move |store| store.sweep(1, later()).unwrap());
        let first = sees(&store, one, 0, day(1));
        let second = sees(&store, other, 0, day(1));
        let third = sees(&store, one, 0, day(1));
        assert!(first >= second && second >= third, "{first}, {second}, {third}");
        let swept = sweeper.join().unwrap();
        assert_eq!((swept.dropped, swept.more), (1, true));
    });
}

/// Even if the horizon is moved by a call for another account.
#[test]
fn a_list_shows_one_moment() {
    for_each_pair(|one, other| {
        let store = store(3);
        for new in [submission(other, 0), submission(one, 0), submission(one, 1)] {
            store.submit(new, day(1)).unwrap();
        }
        let writer = meanwhile(&store, move |store| {
            store.submit(submission(other, 1), later()).unwrap();
            store.submit(submission(one, 0), day(12)).unwrap();
        });
        let page = store.list(&account(one), &ListQuery::default(), day(1)).unwrap();
        let hidden = page.tasks().iter().filter(|task| task.updated_at() == day(1)).count();
        assert!(hidden == 0 || hidden == page.tasks().len(), "with one of later, {hidden}");
        writer.join().unwrap();
    });
}

#[test]
fn accounts_take_turns() {
    for_each_pair(|one, other| {
        let store = store(9);
        for number in 0..2 {
            store.submit(submission(one, number), day(1)).unwrap();
            store.submit(submission(other, number), day(1)).unwrap();
        }
        let worker = meanwhile(&store, claim);
        let served = BTreeSet::from([claim(&store), worker.join().unwrap()]);
        assert_eq!(served.len(), 2, "{served:?}");
    });
}

/// An account waits from the return of its submission. An account that was served before then is
/// not served again before it.
#[test]
fn a_waiting_account_is_not_passed_over() {
    for_each_pair(|one, other| {
        let store = store(9);
        for number in 0..3 {
            store.submit(submission(one, number), day(1)).unwrap();
        }
        let worker = meanwhile(&store, claim);
        store.submit(submission(other, 9), day(1)).unwrap();
        let served = [claim(&store), claim(&store), worker.join().unwrap()];
        assert!(served.iter().any(|name| name == other), "{other} waits behind {served:?}");
    });
}

#[test]
fn a_claim_finds_a_task_submitted_before_it() {
    for_each_pair(|one, other| {
        let store = store(9);
        let submitter =
            meanwhile(&store, move |store| store.submit(submission(one, 0), day(1)).unwrap());
        store.submit(submission(other, 0), day(1)).unwrap();
        assert!(store.claim(Scope::Any, day(1)).unwrap().is_some());
        submitter.join().unwrap();
        assert!(store.claim(Scope::Any, day(1)).unwrap().is_some());
    });
}

#[test]
fn a_snapshot_shows_one_moment() {
    for_each_pair(|one, other| {
        let store = store(9);
        let writer = meanwhile(&store, move |store| {
            store.submit(submission(one, 0), day(1)).unwrap();
            store.submit(submission(other, 0), day(1)).unwrap();
        });
        let config = *store.config();
        let restored = MemoryStore::restore(config, store.snapshot(), day(2)).unwrap();
        assert!(sees(&restored, one, 0, day(2)) >= sees(&restored, other, 0, day(2)));
        writer.join().unwrap();
    });
}

/// Each call needs locks that another holds.
#[test]
fn calls_do_not_deadlock() {
    for_each_pair(|one, other| {
        let store = store(2);
        store.submit(submission(one, 0), day(1)).unwrap();
        store.submit(submission(other, 0), day(1)).unwrap();
        let submitter =
            meanwhile(&store, move |store| store.submit(submission(one, 1), later()).is_ok());
        let taker = meanwhile(&store, move |store| drop(store.snapshot()));
        assert!(store.submit(submission(other, 1), later()).is_ok());
        assert!(submitter.join().unwrap());
        taker.join().unwrap();
        assert_eq!(store.len(), 2);
    });
}

/// A sweep that is ahead of a submission hides the new task while the submission makes room in
/// bytes.
#[test]
fn a_sweep_during_a_submission_that_makes_room_loses_nothing() {
    for [first, second] in PAIRS {
        loom::model(move || {
            let config = StoreConfig::default().with_max_tasks(1).with_max_bytes(900);
            let store = Arc::new(MemoryStore::new(config));
            store.submit(submission(first, 0), day(1)).unwrap();
            let sweep = meanwhile(&store, |store| store.sweep(0, day(31)).unwrap());
            let submitted = store.submit(submission(second, 1), day(12));
            assert!(matches!(submitted, Ok(_) | Err(SubmitError::Expired)));
            sweep.join().unwrap();
            store.sweep(9, day(31)).unwrap();
            assert_eq!((store.len(), store.held_bytes()), (0, Some(0)));
        });
    }
}

/// Two submissions compete for the bytes of one.
#[test]
fn the_last_bytes_are_taken_once() {
    for [first, second] in PAIRS {
        loom::model(move || {
            let store = Arc::new(MemoryStore::new(StoreConfig::default().with_max_bytes(900)));
            let other =
                meanwhile(&store, move |store| store.submit(submission(first, 0), day(1)).is_ok());
            let own = store.submit(submission(second, 1), day(1)).is_ok();
            assert_ne!(own, other.join().unwrap());
            assert!(store.held_bytes().is_some_and(|held| held <= 900));
        });
    }
}
