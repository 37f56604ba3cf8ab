//! A census agrees with the store's lists after any history.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::*;
use tasklife::{
    AccountId, Census, Completion, ListQuery, LocalStore, MAX_TIME, MIN_TIME, MemoryStore,
    Retention, Scope, Snapshot, StoreConfig, Target, Task, TaskError, TaskEvent, TaskStatus,
    TaskStore, Timestamp,
};

use crate::support::{Local, account, id, second, submission, task};

/// Sorting these by name gives another order.
const ACCOUNTS: [&str; 6] = ["b", "B", "a-10", "a-9", "ä", "a"];

/// A call: its kind, the account, one of three tasks, and how many seconds later it is made.
type Call = (u8, usize, u8, i64);

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let later = prop_oneof![5 => Just(0), 3 => 1..3_i64, 1 => Just(10), 1 => Just(-4)];
    vec((0..9_u8, 0..ACCOUNTS.len(), 0..3_u8, later), 0..40)
}

fn config() -> StoreConfig {
    let period = Duration::from_secs(10);
    StoreConfig::default().with_retention(Retention::since_submission(period)).with_max_tasks(9)
}

/// A store with a census.
trait Counted: TaskStore {
    fn census(&self, now: Timestamp) -> Census;
    fn accounts(&self, after: Option<&AccountId>, limit: NonZeroUsize) -> Vec<AccountId>;
    fn held(&self) -> usize;
    fn saved(&self) -> Snapshot;
}

impl Counted for Local {
    fn census(&self, now: Timestamp) -> Census {
        self.lock().census(now)
    }

    fn accounts(&self, after: Option<&AccountId>, limit: NonZeroUsize) -> Vec<AccountId> {
        self.lock().accounts(after, limit)
    }

    fn held(&self) -> usize {
        self.lock().len()
    }

    fn saved(&self) -> Snapshot {
        self.lock().snapshot()
    }
}

impl Counted for MemoryStore {
    fn census(&self, now: Timestamp) -> Census {
        self.census(now)
    }

    fn accounts(&self, after: Option<&AccountId>, limit: NonZeroUsize) -> Vec<AccountId> {
        self.accounts(after, limit)
    }

    fn held(&self) -> usize {
        self.len()
    }

    fn saved(&self) -> Snapshot {
        self.snapshot()
    }
}

fn make((what, of, number, _): Call, store: &dyn Counted, now: Timestamp) {
    let (own, id) = (account(ACCOUNTS[of]), id(number.into()));
    let apply = |event| drop(store.apply(Target::latest(&own, id), event, now));
    let new = submission(ACCOUNTS[of], number.into());
    match what {
        0..=2 => drop(store.submit(new, now)),
        3 => drop(store.submit(new.initialized(), now)),
        4 => apply(TaskEvent::receive()),
        5 => drop(store.claim(Scope::Any, now)),
        6 => apply(TaskEvent::complete(Completion::of(7))),
        7 => apply(TaskEvent::fail(TaskError::new("CODE", "Words."))),
        _ => drop(store.sweep(usize::from(number), now)),
    }
}

/// The accounts in a snapshot, sorted by name.
fn accounts(store: &dyn Counted) -> Vec<AccountId> {
    let saved = serde_json::to_value(store.saved()).unwrap();
    let accounts = saved["accounts"].as_array().unwrap();
    let names = accounts.iter().map(|saved| account(saved["account"].as_str().unwrap()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn agrees(store: &dyn Counted, now: Timestamp) -> Result<(), TestCaseError> {
    let census = store.census(now);
    let list = |name| store.list(&account(name), &ListQuery::default(), now).unwrap().into_tasks();
    let visible: Vec<Task> = ACCOUNTS.into_iter().flat_map(list).collect();
    for status in TaskStatus::ALL {
        let expected = visible.iter().filter(|task| task.status() == status).count();
        prop_assert_eq!(census.visible(status), expected, "{}", status);
    }
    let open = visible.iter().filter(|task| !task.status().is_terminal()).count();
    let waiting = || visible.iter().filter(|task| task.status() == TaskStatus::Received);
    prop_assert_eq!((census.queued(), census.open()), (waiting().count(), open));
    let held = store.held();
    prop_assert_eq!((census.held(), census.expired()), (held, held - visible.len()));

    let oldest = waiting().min_by_key(|task| {
        (task.updated_at(), task.account().as_str().to_owned(), task.revision())
    });
    prop_assert_eq!(census.oldest_waiting(), oldest);
    let wait = oldest.map(|task| (now - task.updated_at()).to_std().unwrap_or_default());
    prop_assert_eq!(census.longest_wait(now), wait);

    let names = accounts(store);
    prop_assert_eq!(census.accounts(), names.len());
    for limit in [1, 2, 5, usize::MAX].map(|limit| NonZeroUsize::new(limit).unwrap()) {
        let (mut paged, mut reached) = (Vec::new(), None);
        loop {
            let page = store.accounts(reached.as_ref(), limit);
            paged.extend_from_slice(&page);
            let is_full = page.len() == limit.get();
            prop_assert!(page.len() <= limit.get() && paged.len() <= names.len());
            reached = page.into_iter().next_back();
            if !is_full {
                break;
            }
        }
        prop_assert_eq!(&paged, &names);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_census_counts_what_the_lists_show(calls in calls(), skew in -12..12_i64) {
        let stores: [&dyn Counted; 2] = [&Local::new(config()), &MemoryStore::new(config())];
        for store in stores {
            let mut at = 0;
            for call in &calls {
                at += call.3;
                make(*call, store, second(at));
                agrees(store, second(at))?;
            }
            agrees(store, second(at + skew))?;
        }
    }
}

#[test]
fn the_oldest_waiting_task_is_first_by_time_account_and_revision() {
    let nanos = |nanos| second(0) + TimeDelta::nanoseconds(nanos);
    let stores: [&dyn Counted; 2] = [&Local::from(LocalStore::default()), &MemoryStore::default()];
    for store in stores {
        for (name, number, at) in [("b", 1, 7), ("c", 2, 5), ("b", 3, 5), ("b", 4, 5), ("d", 5, 9)]
        {
            // One account each, as time doesn't go back within an account.
            store.submit(submission(&format!("{name}{number}"), number), nanos(at)).unwrap();
        }
        let oldest = || store.census(nanos(9)).oldest_waiting().map(Task::id);
        for (expected, name) in [(3, "b3"), (4, "b4"), (2, "c2"), (1, "b1"), (5, "d5")] {
            assert_eq!(oldest(), Some(id(expected)));
            store
                .apply(Target::latest(&account(name), id(expected)), TaskEvent::start(), nanos(9))
                .unwrap();
        }
        assert_eq!(oldest(), None);

        // Two tasks of one account at one instant: the first one received comes first.
        for number in [8, 7] {
            store.submit(submission("a", number), nanos(20)).unwrap();
        }
        assert_eq!(oldest(), Some(id(8)));
        assert_eq!(store.census(nanos(19)).longest_wait(nanos(19)), Some(Duration::ZERO));
        assert_eq!(store.census(nanos(23)).longest_wait(nanos(23)), Some(Duration::from_nanos(3)));
    }
}

#[test]
fn parts_add_up_and_numbers_are_taken_unchanged() {
    let waiting = |name, at| task(submission(name, 1), second(at));
    let mut first = Census::new().with_accounts(2);
    first.record(&waiting("b", 5), second(9));
    first.record(&waiting("c", 4), Timestamp::MAX_UTC); // it expired before the last instant
    let mut other = Census::new().with_visible(TaskStatus::ProcessingError, 3).with_expired(2);
    other.record(&waiting("a", 7), second(9));
    let mut sum = first.clone();
    sum.add(other.clone());
    other.add(first);
    assert_eq!(sum, other, "in either order");
    assert_eq!(sum.oldest_waiting(), Some(&waiting("b", 5)));
    assert_eq!((sum.queued(), sum.visible(TaskStatus::ProcessingError)), (2, 3));
    assert_eq!((sum.open(), sum.expired(), sum.held(), sum.accounts()), (2, 3, 8, 2));
    let counted = Census::new()
        .with_visible(TaskStatus::Received, 2)
        .with_visible(TaskStatus::ProcessingError, 3)
        .with_expired(3)
        .with_accounts(2)
        .with_oldest_waiting(Some(waiting("b", 5)));
    assert_eq!(counted, sum);
    let most =
        Census::new().with_expired(usize::MAX).with_visible(TaskStatus::Received, usize::MAX);
    sum.add(most);
    assert_eq!((sum.held(), sum.open()), (usize::MAX, usize::MAX), "no number overflows");
    assert_eq!(counted.longest_wait(MIN_TIME), Some(Duration::ZERO));
    assert!(counted.longest_wait(MAX_TIME) > Some(Duration::from_secs(1)));
}

/// A task that moves from one status to another is counted in exactly one of them.
#[test]
fn an_account_is_counted_at_one_moment() {
    let store = MemoryStore::default();
    let acme = account("acme");
    store.submit(submission("acme", 0).initialized(), second(0)).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 1..2_000 {
                let before = id(number - 1);
                store
                    .apply(Target::latest(&acme, before), TaskEvent::receive(), second(0))
                    .unwrap();
                store.apply(Target::latest(&acme, before), TaskEvent::start(), second(0)).unwrap();
                store.submit(submission("acme", number).initialized(), second(0)).unwrap();
            }
        });
        while !writer.is_finished() {
            let census = store.census(second(0));
            let waiting = census.visible(TaskStatus::Initialized) + census.queued();
            assert!(waiting <= 1 && census.accounts() == 1, "{census:?}");
            assert_eq!(census.oldest_waiting().is_some(), census.queued() == 1);
            assert_eq!(census.open(), census.held());
        }
    });
}
