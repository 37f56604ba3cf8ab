//! Stores restored from a log of records: random histories with crashes, turns, and refused logs.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tasklife::{
    AccountId, ApplyError, Completion, ListQuery, LocalStore, MIN_TIME, MemoryStore, Retention,
    Revision, Scope, StoreConfig, SubmitError, Submitted, Target, Task, TaskEvent, TaskRecord,
    TaskStatus, TaskStore, Timestamp,
};

use crate::support::{Local, account, id, second, submission};

/// A call: its kind, one of two accounts, one of four tasks, and how many seconds later it is made.
type Call = (u8, u8, u8, i64);

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let later = prop_oneof![5 => Just(0), 3 => 1..3_i64, 1 => Just(10), 1 => Just(-4)];
    vec((0..8_u8, 0..2_u8, 0..4_u8, later), 0..20)
}

fn configs() -> impl Strategy<Value = StoreConfig> {
    let period = Duration::from_secs(10);
    let limited = StoreConfig::default()
        .with_retention(Retention::since_submission(period))
        .with_max_tasks(4)
        .with_max_in_progress(NonZeroU32::MIN)
        .with_takeover_after(Duration::from_secs(2))
        .with_max_attempts(NonZeroU32::MIN.saturating_add(1));
    let renewed = Retention::since_update(period);
    let open = StoreConfig::default().with_retention(renewed).with_max_open(3);
    prop_oneof![Just(limited), Just(open)]
}

fn name(of: u8) -> AccountId {
    account(["acme", "umbrella"][usize::from(of)])
}

/// An instant, in nanoseconds since a fixed one.
fn nanos(at: i64) -> Timestamp {
    second(0) + TimeDelta::nanoseconds(at)
}

const LIMITS: [usize; 4] = [0, usize::MAX, usize::MAX, usize::MAX];

/// What a process wrote to its log, and the pages that were read after each call.
#[derive(Clone, Debug, Default)]
struct Seen {
    log: Vec<String>,
    pages: Vec<(AccountId, Revision)>,
    changed: Vec<Task>,
    latest: i64,
}

/// Makes calls one after the other, no two at the same instant, and logs what they change. Returns
/// everything that is visible of each result except revisions. Without `in_turn`, claims over all
/// accounts are replaced by claims of one.
fn run(
    store: &dyn TaskStore,
    calls: &[Call],
    begin: i64,
    in_turn: bool,
    seen: &mut Seen,
) -> Vec<String> {
    let mut at = begin;
    let mut answers = Vec::new();
    for (what, of, number, later) in calls {
        at += later * 1_000_000_000 + 1;
        let (now, own, id) = (nanos(at), name(*of), id((*number).into()));
        let applied = |event| match store.apply(Target::latest(&own, id), event, now) {
            Ok(change) => (Some(change.into_task()), String::new()),
            Err(error) => (None, error.to_string()),
        };
        let (task, words) = match what {
            0 | 1 => {
                let new = submission(own.as_str(), (*number).into());
                let new = if *what == 0 { new } else { new.initialized() };
                match store.submit(new, now) {
                    Ok(Submitted::New(task)) => (Some(task), "new".into()),
                    Ok(Submitted::Existing(task)) => (None, facts(&task)),
                    Err(error) => (None, error.to_string()),
                }
            }
            2 => applied(TaskEvent::start()),
            3 => applied(if number % 2 == 0 { TaskEvent::report() } else { TaskEvent::receive() }),
            4 => applied(TaskEvent::complete(Completion::of(7))),
            5 | 6 => {
                let any = *what == 5 && in_turn;
                let scope = if any { Scope::Any } else { Scope::Account(&own) };
                let claimed = store.claim(scope, now).unwrap();
                let words = format!("{:?}", claimed.as_ref().map(tasklife::Claimed::is_work));
                (claimed.map(|claimed| claimed.change().task().clone()), words)
            }
            // Sweep nothing or everything: which tasks a limited sweep drops first is up to the
            // store.
            _ => (None, format!("{:?}", store.sweep(LIMITS[usize::from(*number)], now).unwrap())),
        };
        answers.push(format!("{words} {:?}", task.as_ref().map(facts)));
        if let Some(task) = task {
            seen.log.push(serde_json::to_string(&TaskRecord::from(&task)).unwrap());
            seen.changed.push(task);
        }
        for own in [0, 1].map(name) {
            let page = store.list(&own, &ListQuery::default(), now).unwrap();
            answers.push(page.tasks().iter().map(facts).collect::<Vec<_>>().join(", "));
            seen.pages.push((own, page.revision()));
        }
        seen.latest = seen.latest.max(at);
    }
    answers
}

/// Everything about a task except its revision.
fn facts(task: &Task) -> String {
    let (id, status, attempts) = (task.id(), task.status(), task.attempts());
    let (updated, expires) = (task.updated_at(), task.expires_at());
    format!("{id} {status} {attempts} {updated} {expires} {:?}", task.outcome())
}

fn records<'a>(log: impl IntoIterator<Item = &'a String>) -> Vec<TaskRecord> {
    log.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The results of all reads at an instant, including revisions.
fn reads(store: &dyn TaskStore, pages: &[(AccountId, Revision)], at: i64) -> Vec<Vec<Task>> {
    let queries = TaskStatus::ALL.map(|status| ListQuery::default().with_status(status));
    let mut answers = Vec::new();
    for own in [0, 1].map(name) {
        let since = pages.iter().filter(|(of, _)| *of == own);
        let since = since.map(|(_, revision)| ListQuery::default().changed_since(*revision));
        for query in queries.clone().into_iter().chain([ListQuery::default()]).chain(since) {
            answers.push(store.list(&own, &query, nanos(at)).unwrap().into_tasks());
        }
        let known = (0..4).filter_map(|number| store.get(&own, id(number), nanos(at)).unwrap());
        answers.push(known.collect());
    }
    answers
}

/// A store's content without its accounts' turns, which depend on the order of the log.
fn content(store: &LocalStore) -> Value {
    let mut saved = serde_json::to_value(store.snapshot()).unwrap();
    for account in saved["accounts"].as_array_mut().unwrap() {
        account["ticket"].take();
    }
    saved
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn s14_a_store_from_a_log_goes_on_like_the_crashed_store(
        config in configs(), before in calls(), after in calls(), down in 0..12_i64,
    ) {
        let (original, mut seen) = (Local::new(config), Seen::default());
        run(&original, &before, 0, true, &mut seen);
        let now = seen.latest + down * 1_000_000_000;
        original.sweep(usize::MAX, nanos(now)).unwrap();

        let local = LocalStore::from_records(config, records(&seen.log), nanos(now)).unwrap();
        let memory = MemoryStore::from_records(config, records(&seen.log), nanos(now)).unwrap();
        let held = original.lock().len();
        prop_assert_eq!((local.len(), memory.len()), (held, held));
        let local = Local::from(local);
        let expected = reads(&original, &seen.pages, now);
        prop_assert_eq!(&reads(&local, &seen.pages, now), &expected);
        prop_assert_eq!(&reads(&memory, &seen.pages, now), &expected);

        let expected = run(&original, &after, now, false, &mut seen.clone());
        prop_assert_eq!(&run(&local, &after, now, false, &mut seen.clone()), &expected);
        prop_assert_eq!(&run(&memory, &after, now, false, &mut seen.clone()), &expected);
    }

    #[test]
    fn a_log_in_any_order_and_with_repeats_makes_the_same_store(
        config in configs(), calls in calls(), order in vec(any::<prop::sample::Index>(), 30),
    ) {
        let (original, mut seen) = (Local::new(config), Seen::default());
        run(&original, &calls, 0, true, &mut seen);
        let now = nanos(seen.latest);
        let restore = |log: &[String]| LocalStore::from_records(config, records(log), now).unwrap();
        let mut log = seen.log.clone();
        for at in order.iter().filter(|_| !seen.log.is_empty()) {
            log.insert(at.index(log.len() + 1), at.get(&seen.log).clone());
            let (one, other) = (at.index(log.len()), order[0].index(log.len()));
            log.swap(one, other);
        }
        prop_assert_eq!(content(&restore(&log)), content(&restore(&seen.log)));

        // Removing the records that no longer count adds gaps, and changes nothing else.
        let is_latest = |at: usize| {
            let task = &seen.changed[at];
            let same = |t: &Task| (t.account(), t.id()) == (task.account(), task.id());
            !seen.changed[at + 1..].iter().any(same)
        };
        let compacted: Vec<_> = (0..log.len().min(seen.log.len()))
            .filter(|at| is_latest(*at)).map(|at| seen.log[at].clone()).collect();
        let [whole, short] = [&seen.log, &compacted].map(|log| Local::from(restore(log)));
        prop_assert_eq!(reads(&short, &[], seen.latest), reads(&whole, &[], seen.latest));
    }

    /// The log goes on after each crash, and each crash loses its end.
    #[test]
    fn s14_workers_and_clients_from_a_lost_history_notice(
        config in configs(), lives in vec((calls(), 0..4_usize), 2..5),
    ) {
        let (mut log, mut latest) = (Vec::new(), 0);
        let (mut given_out, mut lost) = (BTreeSet::new(), Vec::<Task>::new());
        let mut lost_pages = Vec::<(AccountId, Revision)>::new();
        for (calls, unwritten) in lives {
            latest += 1_000_000;
            let store = MemoryStore::from_records(config, records(&log), nanos(latest)).unwrap();
            for task in &lost {
                let told = store.apply(Target::exactly(task), TaskEvent::report(), nanos(latest));
                let told = matches!(told, Err(ApplyError::Stale { .. } | ApplyError::NotFound));
                prop_assert!(told, "{task:?}");
            }
            for (own, revision) in &lost_pages {
                let list = |query| store.list(own, &query, nanos(latest)).unwrap().into_tasks();
                let changed = list(ListQuery::default().changed_since(*revision));
                prop_assert_eq!(changed, list(ListQuery::default()), "since {}", revision);
            }
            let mut seen = Seen { latest, ..Seen::default() };
            run(&store, &calls, latest, true, &mut seen);
            latest = seen.latest;
            for task in &seen.changed {
                let new = given_out.insert((task.account().clone(), task.revision()));
                prop_assert!(new, "{task:?} for the second time");
            }
            let kept = seen.log.len().saturating_sub(unwritten);
            log.extend_from_slice(&seen.log[..kept]);
            for task in &seen.changed[kept..] {
                let shown = |(of, at): &&(_, Revision)| of == task.account() && *at >= task.revision();
                lost_pages.extend(seen.pages.iter().filter(shown).cloned());
                lost.push(task.clone());
            }
        }
    }
}

/// A log of two accounts with the records of three submissions and a start.
fn log() -> Vec<Value> {
    let store = MemoryStore::default();
    let first = store.submit(submission("b", 1), second(0)).unwrap().into_task();
    let other = store.submit(submission("a", 2), second(1)).unwrap().into_task();
    let third = store.submit(submission("b", 3), second(2)).unwrap().into_task();
    let started = store.claim(Scope::Account(&account("b")), second(3)).unwrap().unwrap();
    let tasks = [&first, &other, &third, started.change().task()];
    tasks.map(|task| serde_json::to_value(TaskRecord::from(task)).unwrap()).into()
}

fn restored(log: Vec<Value>, now: Timestamp) -> Result<MemoryStore, String> {
    let records =
        log.into_iter().map(|record| serde_json::from_value::<TaskRecord>(record).unwrap());
    let records: Vec<_> = records.collect();
    let local = LocalStore::from_records(StoreConfig::default(), records.clone(), now);
    let memory = MemoryStore::from_records(StoreConfig::default(), records, now);
    let (local, memory) = (local.map_err(|e| e.to_string()), memory.map_err(|e| e.to_string()));
    assert_eq!(local.err().as_ref(), memory.as_ref().err());
    memory
}

#[test]
fn accounts_take_turns_in_the_order_of_the_log() {
    for reversed in [false, true] {
        let mut log = log();
        if reversed {
            log.reverse();
            log.rotate_left(2); // the record of `a` comes first
        }
        let store = restored(log, second(4)).unwrap();
        let next = || store.claim(Scope::Any, second(4)).unwrap();
        let order: Vec<_> =
            std::iter::from_fn(next).map(|c| c.change().task().account().to_string()).collect();
        assert_eq!(order, if reversed { ["a", "b"] } else { ["b", "a"] });
    }
}

#[test]
fn expired_tasks_are_left_out_and_now_becomes_the_horizon() {
    let ten_days = 864_000;
    let store = restored(log(), second(ten_days)).unwrap(); // task 1 expires to the nanosecond
    assert_eq!(store.len(), 2);
    assert_eq!(
        store.get(&account("b"), id(1), second(0)).unwrap(),
        None,
        "a clock that is behind doesn't see it either"
    );
    let early = store.submit(submission("b", 9), second(0));
    assert!(matches!(early, Err(SubmitError::Expired)), "it would expire before the horizon");
    let store = restored(log(), second(ten_days + 2)).unwrap();
    assert!(store.is_empty());
    assert_eq!(store.get(&account("b"), id(3), second(0)).unwrap(), None);
    let again = store.submit(submission("b", 3), second(ten_days + 3)).unwrap().into_task();
    assert!(again.revision() > Revision::unreached_by(second(ten_days + 2)));
}

#[test]
fn with_a_clock_behind_the_log_revisions_still_differ_from_the_lost_ones() {
    let config =
        StoreConfig::default().with_retention(Retention::since_submission(Duration::from_secs(5)));
    let ahead = MemoryStore::from_records(config, [], second(1_000_000)).unwrap();
    let lost = ahead.submit(submission("acme", 1), second(1_000_000)).unwrap().into_task();
    // The clock has since gone back by more than the retention, and the task may have expired or
    // not.
    let mut record = serde_json::to_value(TaskRecord::from(&lost)).unwrap();
    for at in ["submitted_at", "updated_at"] {
        record[at] = json!(second(0));
    }
    record["expires_at"] = json!(second(5));
    for (now, held) in [(second(5), 0), (second(4), 1), (MIN_TIME, 1)] {
        let store = restored(vec![record.clone()], now).unwrap();
        assert_eq!(store.len(), held);
        let new = store.submit(submission("acme", 2), second(9)).unwrap().into_task();
        assert!(new.revision().get() > lost.revision().get() + 1_000, "at {now}");
    }
}

#[test]
fn a_log_that_no_store_wrote_is_refused() {
    let [one, two, three] = [1, 2, 3].map(id);
    let refused = |alter: fn(&mut Vec<Value>), words: &[&str]| {
        let mut altered = log();
        alter(&mut altered);
        for _ in 0..altered.len() {
            altered.rotate_left(1);
            let error = restored(altered.clone(), second(4)).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    };
    assert!(restored(log(), second(4)).is_ok());

    // Two writes with the same revision.
    let (one, three) = (one.to_string(), three.to_string());
    let twice = "two different ones of revision";
    refused(|log| log[2]["revision"] = json!(1), &["account b", twice, &one, &three]);
    refused(|log| log[3]["revision"] = json!(2), &["account b", twice, &one, &three]);
    refused(
        |log| {
            let mut other = log[0].clone();
            other["description"] = json!("Other words.");
            log.push(other);
        },
        &["account b", "two different ones of revision 1", &one],
    );

    // Times that go back, and revisions that no store reaches.
    let early = |log: &mut Vec<Value>| {
        log[3]["submitted_at"] = json!("2019-08-07T00:00:00Z");
        log[3]["updated_at"] = json!("2019-08-07T00:00:00Z");
    };
    refused(early, &["account b", "none updated before the last or later", &three]);
    refused(|log| log[1]["revision"] = json!(i64::MAX), &["of at most 4611686018427387904"]);

    // An invalid task.
    let attempts = "expected at least 1 attempt in processing-in-progress, got 0";
    refused(|log| log[3]["attempts"] = json!(0), &[attempts]);
    refused(|log| log[1]["revision"] = json!(0), &[&two.to_string(), "a revision of at least 1"]);
    let mut superseded = log();
    superseded[0]["attempts"] = json!(7);
    assert!(restored(superseded, second(4)).is_ok(), "the record no longer counts");
}
