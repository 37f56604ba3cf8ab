//! Removal of tasks from the stores in memory.

use std::fmt;
use std::num::NonZeroU32;

use proptest::prelude::*;
use tasklife::{
    Completion, ListQuery, LocalStore, MemoryStore, Scope, StoreConfig, SubmitError, Target, Task,
    TaskEvent, TaskStore,
};

use crate::support::{account, id, second, submission};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// One step of a history.
#[derive(Clone, Copy, Debug)]
enum Step {
    Submit(usize, u128),
    Claim,
    Complete(usize, u128),
    Remove(usize, u128),
    RemoveAll(usize),
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<(Step, i64)>> {
    let task = || (0..NAMES.len(), 0..60_u128);
    let step = prop_oneof![
        20 => task().prop_map(|(name, number)| Step::Submit(name, number)),
        8 => Just(Step::Claim),
        6 => task().prop_map(|(name, number)| Step::Complete(name, number)),
        3 => task().prop_map(|(name, number)| Step::Remove(name, number)),
        1 => (0..NAMES.len()).prop_map(Step::RemoveAll),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec((step, 0..40_000_i64), 1..300)
}

fn list(store: &MemoryStore, name: &str, now: i64) -> Vec<Task> {
    store.list(&account(name), &ListQuery::default(), second(now)).unwrap().into_tasks()
}

/// Compares results except revisions: with which revision a forgotten account begins again depends
/// on its shard.
fn same<T: fmt::Debug>(one: &T, other: &T) -> Result<(), TestCaseError> {
    let [one, other] = [one, other].map(|answer| {
        let text = format!("{answer:?}");
        let parts: Vec<_> = text.split("Revision(").collect();
        parts.iter().map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit())).collect()
    });
    let [one, other]: [String; 2] = [one, other];
    prop_assert_eq!(one, other);
    Ok(())
}

proptest! {
    /// A removed task is as if it had never been there, all other tasks stay as they were, and
    /// limits and turns still hold, as in a [`LocalStore`] with the same history.
    #[test]
    fn a_removed_task_leaves_no_trace_and_the_others_stay(steps in steps()) {
        let config = StoreConfig::default()
            .with_max_tasks(100)
            .with_max_open(25)
            .with_max_in_progress(NonZeroU32::new(2).unwrap());
        let (store, mut local) = (MemoryStore::new(config), LocalStore::new(config));
        let mut time = 0;
        for (step, wait) in steps {
            time += wait;
            let now = second(time);
            match step {
                Step::Submit(name, number) => {
                    let submit = || submission(NAMES[name], number);
                    same(&store.submit(submit(), now), &local.submit(submit(), now))?;
                }
                Step::Claim => {
                    same(&store.claim(Scope::Any, now), &local.claim(Scope::Any, now))?;
                }
                Step::Complete(name, number) => {
                    let name = account(NAMES[name]);
                    let end = || TaskEvent::complete(Completion::of(1));
                    let target = Target::latest(&name, id(number));
                    same(&store.apply(target, end(), now), &local.apply(target, end(), now))?;
                }
                Step::Remove(name, number) => {
                    let before = NAMES.map(|name| list(&store, name, time));
                    let (removed, key) = (NAMES[name], account(NAMES[name]));
                    let seen = store.get(&key, id(number), now).unwrap();
                    let (held, gone) = (store.len(), store.remove(&key, id(number)));
                    prop_assert!(gone == seen || seen.is_none());
                    prop_assert_eq!(store.len() + usize::from(gone.is_some()), held);
                    same(&local.remove(&key, id(number)), &gone)?;
                    prop_assert_eq!(store.remove(&key, id(number)), None);
                    for (at, mut left) in before.into_iter().enumerate() {
                        left.retain(|task| NAMES[at] != removed || task.id() != id(number));
                        prop_assert_eq!(list(&store, NAMES[at], time), left);
                    }
                }
                Step::RemoveAll(name) => {
                    let mut left = NAMES.map(|name| list(&store, name, time));
                    let (held, shown) = (store.len(), left[name].len());
                    let gone = store.remove_account(&account(NAMES[name]));
                    prop_assert!(shown <= gone);
                    prop_assert_eq!(store.len() + gone, held);
                    prop_assert_eq!(local.remove_account(&account(NAMES[name])), gone);
                    left[name].clear();
                    prop_assert_eq!(NAMES.map(|name| list(&store, name, time)), left);
                }
                Step::Sweep => {
                    same(&store.sweep(999, now), &local.sweep(999, now))?;
                }
            }
            prop_assert_eq!(store.len(), local.len());
            // Limits apply to the remaining tasks.
            for name in NAMES {
                let open = list(&store, name, time);
                let open = open.iter().filter(|task| !task.status().is_terminal()).count();
                prop_assert!(open <= 25);
            }
        }
    }
}

#[test]
fn a_removed_account_makes_room_and_loses_its_turn() {
    let config = StoreConfig::default().with_max_tasks(70);
    let store = MemoryStore::new(config);
    for number in 0..69 {
        store.submit(submission("a", number), second(0)).unwrap();
    }
    let kept = store.submit(submission("b", 1), second(0)).unwrap().into_task();
    let full = store.submit(submission("c", 1), second(1));
    assert!(matches!(full, Err(SubmitError::StoreFull)));
    let seen = store.list(&account("a"), &ListQuery::default(), second(1)).unwrap().revision();
    assert_eq!(store.remove_account(&account("a")), 69);
    assert_eq!(store.len(), 1);
    let claimed = store.claim(Scope::Any, second(1)).unwrap().unwrap();
    assert_eq!(claimed.change().task().id(), kept.id());
    assert!(store.claim(Scope::Any, second(1)).unwrap().is_none());
    // A list of changes has the new task.
    let again = store.submit(submission("a", 1), second(1)).unwrap().into_task();
    assert!(again.revision() > seen);
    let changed = ListQuery::default().changed_since(seen);
    assert_eq!(store.list(&account("a"), &changed, second(1)).unwrap().tasks().len(), 1);
}

#[test]
fn a_removed_task_counts_for_no_limit() {
    let config =
        StoreConfig::default().with_max_open(2).with_max_in_progress(NonZeroU32::new(1).unwrap());
    let store = MemoryStore::new(config);
    for round in 0..5 {
        for number in 0..2 {
            store.submit(submission("a", number), second(round)).unwrap();
        }
        let full = store.submit(submission("a", 9), second(round));
        assert!(matches!(full, Err(SubmitError::AccountFull)), "{round}");
        let started = store.claim(Scope::Any, second(round)).unwrap().unwrap();
        assert!(store.claim(Scope::Any, second(round)).unwrap().is_none(), "{round}");
        // Its place in the lane goes to the next task.
        store.remove(&account("a"), started.change().task().id()).unwrap();
        store.submit(submission("a", 9), second(round)).unwrap();
        assert!(store.claim(Scope::Any, second(round)).unwrap().is_some(), "{round}");
        assert_eq!(store.remove_account(&account("a")), 2);
    }
}
