//! Random histories of a store that is saved, goes on, is lost, and is restored: law S14.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::*;
use tasklife::{
    AccountId, ApplyError, Claimed, Completion, ListQuery, LocalStore, Retention, Revision, Scope,
    Snapshot, StoreConfig, Submitted, Target, Task, TaskEvent, Timestamp,
};

use crate::support::{account, id, second, submission};

/// A call: its kind, one of two accounts, one of four tasks, and how many seconds later it is made.
type Call = (u8, u8, u8, i64);

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let later = prop_oneof![5 => Just(0), 3 => 1..3_i64, 1 => Just(10), 1 => Just(-4)];
    vec((0..8_u8, 0..2_u8, 0..4_u8, later), 0..14)
}

fn config() -> StoreConfig {
    StoreConfig::default()
        .with_retention(Retention::since_submission(Duration::from_secs(10)))
        .with_max_tasks(4)
        .with_max_in_progress(NonZeroU32::MIN)
        .with_takeover_after(Duration::from_secs(2))
        .with_max_attempts(NonZeroU32::MIN.saturating_add(1))
}

fn name(of: u8) -> AccountId {
    account(["acme", "umbrella"][usize::from(of)])
}

/// An instant, in nanoseconds since a fixed one.
fn nanos(at: i64) -> Timestamp {
    second(0) + TimeDelta::nanoseconds(at)
}

/// Makes a call. Returns the task that it changed, and everything that is visible of the result
/// except revisions.
fn make((what, of, number, _): Call, store: &mut LocalStore, at: i64) -> (Option<Task>, String) {
    let (now, own, id) = (nanos(at), name(of), id(number.into()));
    let applied =
        |store: &mut LocalStore, event| match store.apply(Target::latest(&own, id), event, now) {
            Ok(change) => (Some(change.into_task()), String::new()),
            Err(error) => (None, error.to_string()),
        };
    let (task, words) = match what {
        0 | 1 => match store.submit(submission(own.as_str(), number.into()), now) {
            Ok(Submitted::New(task)) => (Some(task), "new".into()),
            Ok(Submitted::Existing(task)) => (None, facts(&task)),
            Err(error) => (None, error.to_string()),
        },
        2 => applied(store, TaskEvent::start()),
        3 => applied(store, TaskEvent::report()),
        4 => applied(store, TaskEvent::complete(Completion::of(7))),
        5 | 6 => {
            let scope = if what == 5 { Scope::Any } else { Scope::Account(&own) };
            let claimed = store.claim(scope, now).unwrap();
            let words = claimed.as_ref().map(Claimed::is_work);
            (claimed.map(|claimed| claimed.change().task().clone()), format!("{words:?}"))
        }
        _ => (None, format!("{:?}", store.sweep(usize::from(number), now).unwrap())),
    };
    let listed = listed(store, at);
    let words = format!("{words} {:?} {listed}", task.as_ref().map(facts));
    (task, words)
}

/// Everything about a task except its revision.
fn facts(task: &Task) -> String {
    let (id, status, attempts) = (task.id(), task.status(), task.attempts());
    format!(
        "{id} {status} {attempts} {} {} {:?}",
        task.updated_at(),
        task.expires_at(),
        task.outcome()
    )
}

fn listed(store: &LocalStore, at: i64) -> String {
    let list = |of| store.list(&name(of), &ListQuery::default(), nanos(at)).unwrap();
    [0, 1].map(|of| list(of).tasks().iter().map(facts).collect::<Vec<_>>().join(", ")).join("; ")
}

/// Makes calls one after the other, and returns what each changed and what was visible of it. No
/// two calls are at the same instant: a snapshot doesn't save which of the tasks that expire at
/// once is dropped first.
fn run(store: &mut LocalStore, calls: &[Call], at: &mut i64) -> Vec<(Option<Task>, String)> {
    let made = calls.iter().map(|call| {
        *at += call.3 * 1_000_000_000 + 1;
        make(*call, store, *at)
    });
    made.collect()
}

/// Each snapshot is taken soon after a restoration, and restored twice.
#[test]
fn s14_restorations_in_quick_succession_have_different_revisions() {
    let mut snapshot = LocalStore::default().snapshot();
    let mut seen = BTreeSet::new();
    for round in 0..20 {
        let restored = |at: i64| {
            LocalStore::restore(StoreConfig::default(), snapshot.clone(), nanos(at)).unwrap()
        };
        let mut stores = [restored(10_000 * round), restored(10_000 * round + 5_000)];
        for store in &mut stores {
            let number = u128::try_from(round).unwrap();
            let new = store.submit(submission("acme", number), second(1)).unwrap().into_task();
            assert!(seen.insert(new.revision()), "{:?} for the second time", new.revision());
        }
        snapshot = stores[usize::try_from(round % 2).unwrap()].snapshot();
    }
}

/// The snapshot is of a store whose clock was ahead, so that it is beyond the clocks of its
/// restorations. Each goes on in revisions of its own.
#[test]
fn s14_restorations_by_clocks_that_are_behind_have_different_revisions() {
    let restored = |snapshot: &Snapshot, at| {
        LocalStore::restore(StoreConfig::default(), snapshot.clone(), at).unwrap()
    };
    let mut ahead = restored(&Snapshot::default(), second(3_600));
    ahead.submit(submission("acme", 1), second(3_600)).unwrap();
    let saved = ahead.snapshot();
    let acme = account("acme");
    let mut seen = Vec::new();
    // Until the clock has caught up, right before and after that, and up to a year later.
    let instants = [0, 1, 3_599, 3_600, 3_601, 137_438, 137_439, 274_877, 20_000_000, 30_000_000];
    for at in instants.map(second) {
        let mut store = restored(&saved, at);
        for (_, page) in &seen {
            let query = ListQuery::default().changed_since(*page);
            let changed = store.list(&acme, &query, second(0)).unwrap();
            assert_eq!(changed.tasks().len(), 1, "since {page}, which was lost, at {at}");
        }
        let new = store.submit(submission("acme", 2), at).unwrap().into_task();
        let page = store.list(&acme, &ListQuery::default(), second(0)).unwrap().revision();
        assert!(seen.iter().all(|(known, _)| *known != new.revision()), "{new:?}");
        seen.push((new.revision(), page));
    }
}

/// Restoring an idle account often doesn't make its state grow.
#[test]
fn s14_repeated_restorations_of_an_idle_account_leave_one_gap() {
    let mut store = LocalStore::default();
    for name in ["acme", "umbrella"] {
        store.submit(submission(name, 1), second(0)).unwrap();
    }
    let acme = account("acme");
    let page = |store: &LocalStore, since: Option<Revision>| {
        let query = since.map_or(ListQuery::default(), |r| ListQuery::default().changed_since(r));
        let page = store.list(&acme, &query, second(0)).unwrap();
        (page.revision(), page.tasks().len())
    };
    let mut pages = vec![page(&store, None).0];
    for round in 1..100 {
        let snapshot = store.snapshot();
        store = LocalStore::restore(StoreConfig::default(), snapshot, second(round)).unwrap();
        pages.push(page(&store, None).0);
    }
    let saved = serde_json::to_value(store.snapshot()).unwrap();
    assert_eq!(saved["accounts"][0]["gaps"].as_array().unwrap().len(), 1);
    // Since a page read between two restorations, nothing has changed.
    for since in pages {
        assert_eq!(page(&store, Some(since)).1, 0, "since {since}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn s14_a_restored_store_goes_on_as_the_saved_one_after_any_history(
        before in calls(), after in calls(),
    ) {
        let (mut saved, mut at) = (LocalStore::new(config()), 0);
        run(&mut saved, &before, &mut at);
        let mut restored = LocalStore::restore(config(), saved.snapshot(), nanos(at)).unwrap();
        let (mut one, mut other) = (at, at);
        let expected = run(&mut saved, &after, &mut one);
        let got = run(&mut restored, &after, &mut other);
        for ((_, expected), (_, got)) in expected.iter().zip(&got) {
            prop_assert_eq!(got, expected);
        }
        prop_assert_eq!(restored.len(), saved.len());
    }

    #[test]
    fn s14_no_restoration_gives_out_a_revision_of_another_history(
        before in calls(), histories in vec((calls(), 0..3_usize), 2..5),
    ) {
        let (mut store, mut at) = (LocalStore::new(config()), 0);
        run(&mut store, &before, &mut at);
        let mut snapshots = vec![store.snapshot()];
        let mut seen: BTreeSet<(AccountId, Revision)> = BTreeSet::new();
        let mut lost: Vec<Task> = Vec::new();
        let mut latest = at;
        for (calls, from) in histories {
            let snapshot = snapshots[from % snapshots.len()].clone();
            // A restoration is later than all calls before it.
            latest += 1_000_000;
            let mut store = LocalStore::restore(config(), snapshot, nanos(latest)).unwrap();
            for task in &lost {
                let known = store.get(task.account(), task.id(), nanos(latest)).unwrap();
                if known.as_ref() == Some(task) {
                    continue; // it was in the snapshot
                }
                let event = store.clone().apply(Target::exactly(task), TaskEvent::report(), nanos(latest));
                let told = matches!(event, Err(ApplyError::Stale { .. } | ApplyError::NotFound));
                prop_assert!(told, "{:?}", event);
            }
            let mut at = latest;
            for (task, _) in run(&mut store, &calls, &mut at) {
                latest = latest.max(at);
                if let Some(task) = task {
                    let new = seen.insert((task.account().clone(), task.revision()));
                    prop_assert!(new, "{:?} for the second time", task);
                    lost.push(task);
                }
            }
            latest = latest.max(at) + calls.iter().map(|call| call.3.max(0)).sum::<i64>() * 1_000_000_000;
            snapshots.push(store.snapshot());
        }
    }
}
