//! Stores with a limit of bytes: they hold no more than the limit, refuse only what there is no
//! room for, and drop only expired tasks.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tasklife::{
    AccountId, ApplyError, Claimed, Completion, LocalStore, MAX_TIME, MIN_TIME, MemoryStore,
    Retention, Scope, Snapshot, StoreConfig, Submission, SubmitError, Submitted, Target, Task,
    TaskError, TaskEvent, TaskId, TaskStatus, TaskStore, Timestamp,
};

use crate::support::{Local, account, id, second, submission};

/// What a task of [`submission`] counts without input and output.
const LEAST: usize = 512 + 256 + "acme".len() + "subscriptionCreateRequest".len();

fn limited(bytes: usize) -> StoreConfig {
    let retention = Retention::since_submission(Duration::from_secs(10));
    StoreConfig::default().with_retention(retention).with_max_bytes(bytes)
}

/// The methods of both stores in memory that these tests need.
trait Counting: TaskStore {
    fn held(&self) -> usize;
    fn count(&self) -> usize;
}

impl Counting for Local {
    fn held(&self) -> usize {
        self.lock().held_bytes().unwrap()
    }

    fn count(&self) -> usize {
        self.lock().len()
    }
}

impl Counting for MemoryStore {
    fn held(&self) -> usize {
        self.held_bytes().unwrap()
    }

    fn count(&self) -> usize {
        self.len()
    }
}

fn stores(config: StoreConfig) -> [Box<dyn Counting>; 2] {
    [Box::new(Local::new(config)), Box::new(MemoryStore::new(config))]
}

#[test]
fn a_task_counts_its_names_input_and_at_least_256_bytes_of_output() {
    for store in stores(limited(1_000_000)) {
        let input = submission("acme", 1).with_input([7; 100]);
        let task = store.submit(input, second(0)).unwrap().into_task();
        assert_eq!((task.held_bytes(), store.held()), (LEAST + 100, LEAST + 100));
        let apply = |event| {
            let target = Target::latest(task.account(), task.id());
            let changed = store.apply(target, event, second(0)).unwrap().into_task();
            assert_eq!(changed.held_bytes(), store.held());
            store.held() - LEAST
        };
        assert_eq!(apply(TaskEvent::start().with_description("é".repeat(128))), 100);
        assert_eq!(apply(TaskEvent::report().with_description("x".repeat(300))), 144);
        assert_eq!(apply(TaskEvent::report()), 144, "the words stay");
        let resource = BTreeMap::from([("a", "b".repeat(400))]); // {"a":"…"}
        let end = Completion::of("id").with_additional_resource_id(77_899);
        let end = TaskEvent::complete(end.with_resource(&resource).unwrap());
        assert_eq!(end.output_len(), 2 + 408);
        assert_eq!(apply(end.with_description("words")), 100 + 5 + 410 - 256);
    }
}

#[test]
fn an_error_counts_all_of_its_texts() {
    let error = TaskError::new("CODE", "Why.").with_status("4").with_additional_info("more");
    assert_eq!(TaskEvent::fail(error).with_description("words").output_len(), 4 + 4 + 1 + 4 + 5);
    for event in [TaskEvent::receive(), TaskEvent::start(), TaskEvent::report()] {
        assert_eq!(event.output_len(), 0);
    }
}

#[test]
fn an_output_over_the_limit_is_refused_in_every_status_that_permits_the_event() {
    for store in stores(limited(1_000_000).with_max_output(10)) {
        let task = store.submit(submission("acme", 1), second(0)).unwrap().into_task();
        let target = Target::latest(task.account(), task.id());
        let apply = |event| store.apply(target, event, second(0));
        let refused = |event: TaskEvent| {
            matches!(apply(event), Err(ApplyError::OutputTooLarge { limit: 10 }))
        };
        assert!(refused(TaskEvent::start().with_description("x".repeat(11))));
        let too_soon = TaskEvent::complete(Completion::of("x".repeat(11)));
        assert!(matches!(apply(too_soon.clone()), Err(ApplyError::Transition(_))));
        assert_eq!(store.get(task.account(), task.id(), second(0)).unwrap(), Some(task.clone()));
        apply(TaskEvent::start().with_description("x".repeat(10))).unwrap();
        assert!(refused(TaskEvent::report().with_description("x".repeat(11))));
        assert!(refused(too_soon));
        assert!(refused(TaskEvent::fail(TaskError::new("CODE", "words"))), "with its status");
        apply(TaskEvent::complete(Completion::of("x".repeat(10)))).unwrap();
    }
}

#[test]
fn a_full_store_accepts_small_outputs_and_refuses_large_ones() {
    let config = limited(2 * LEAST).with_takeover_after(Duration::from_secs(1));
    for store in stores(config.with_max_attempts(NonZeroU32::MIN)) {
        let submit = |number, now| store.submit(submission("acme", number), now);
        submit(1, second(0)).unwrap();
        submit(2, second(0)).unwrap();
        assert!(matches!(submit(3, second(9)), Err(SubmitError::StoreFull)));
        let work = |now| store.claim(Scope::Any, now).unwrap().unwrap();
        let task = work(second(0)).into_work().unwrap();
        let apply = |event| store.apply(Target::exactly(&task), event, second(0));
        let long = || TaskEvent::report().with_description("x".repeat(257));
        assert!(matches!(apply(long()), Err(ApplyError::StoreFull)));
        let large = TaskEvent::complete(Completion::of("x".repeat(257)));
        assert!(matches!(apply(large), Err(ApplyError::StoreFull)));
        assert_eq!(store.get(task.account(), task.id(), second(0)).unwrap(), Some(task.clone()));
        apply(TaskEvent::complete(Completion::of("x".repeat(256)))).unwrap();

        work(second(0)).into_work().unwrap();
        assert!(matches!(work(second(2)), Claimed::GivenUp(_)), "giving up always has room");
        assert_eq!(store.held(), 2 * LEAST);
        // One expired task would be enough, but both expired at the same instant, so both are
        // dropped.
        assert!(matches!(submit(3, second(10)), Ok(Submitted::New(_))));
        assert_eq!((store.count(), store.held()), (1, LEAST));
    }
}

#[test]
fn an_expired_task_makes_room_for_a_result() {
    for store in stores(limited(2 * LEAST)) {
        store.submit(submission("acme", 1), second(0)).unwrap();
        let task = store.submit(submission("acme", 2), second(5)).unwrap().into_task();
        let apply = |event, now| {
            store.apply(Target::latest(task.account(), task.id()), event, now).map(drop)
        };
        apply(TaskEvent::start(), second(6)).unwrap();
        let end = || TaskEvent::complete(Completion::of("x".repeat(256 + LEAST)));
        assert!(matches!(apply(end(), second(9)), Err(ApplyError::StoreFull)));
        assert_eq!(store.count(), 2, "a refused event drops nothing");
        apply(end(), second(10)).unwrap();
        assert_eq!((store.count(), store.held()), (1, 2 * LEAST));
    }
}

#[test]
fn a_full_store_is_reported_before_a_full_account() {
    for store in stores(limited(LEAST).with_max_open(1)) {
        store.submit(submission("acme", 1), second(0)).unwrap();
        let more = store.submit(submission("acme", 2), second(0));
        assert!(matches!(more, Err(SubmitError::StoreFull)), "{more:?}");
    }
}

#[test]
fn a_submission_larger_than_the_limit_drops_nothing() {
    for store in stores(limited(3 * LEAST)) {
        store.submit(submission("acme", 1), second(0)).unwrap();
        let large = submission("acme", 2).with_input([7; 3 * LEAST]);
        assert!(matches!(store.submit(large, second(20)), Err(SubmitError::StoreFull)));
        assert_eq!(store.count(), 1);
    }
}

/// While a submission makes room, a sweep by a clock that is far ahead can hide the new task.
#[test]
fn a_sweep_during_a_submission_loses_no_places() {
    const TASKS: u128 = 300;
    let config = limited(usize::MAX - 1).with_max_tasks(usize::try_from(TASKS).unwrap());
    for round in 0..50 {
        let store = &MemoryStore::new(config);
        for number in 0..TASKS {
            let name = format!("account-{}", number % 40);
            store.submit(submission(&name, number), second(0)).unwrap();
        }
        let submitted = std::thread::scope(|scope| {
            let submit =
                scope.spawn(move || store.submit(submission("acme", TASKS + round), second(20)));
            scope.spawn(move || store.sweep(0, second(1_000)).unwrap());
            submit.join().unwrap()
        });
        assert!(matches!(&submitted, Ok(_) | Err(SubmitError::Expired)), "{submitted:?}");
        store.sweep(usize::MAX, second(1_000)).unwrap();
        assert_eq!((store.len(), store.held_bytes()), (0, Some(0)));
    }
}

#[test]
fn dropping_the_input_frees_its_bytes() {
    let retention = Retention::since_end(Duration::from_secs(10)).without_input_after_end();
    for store in stores(limited(LEAST + 1_000).with_retention(retention)) {
        let request = || submission("acme", 1).with_input([7; 1_000]);
        let task = store.submit(request(), second(0)).unwrap().into_task();
        let apply = |event| {
            let target = Target::latest(task.account(), task.id());
            store.apply(target, event, second(0)).unwrap().into_task()
        };
        assert_eq!(apply(TaskEvent::start()).input(), [7; 1_000]);
        let ended = apply(TaskEvent::complete(Completion::of("x".repeat(256 + 900))));
        assert_eq!((ended.input(), ended.is_input_dropped()), (&[][..], true));
        assert_eq!(store.held(), LEAST + 900);
        let again = store.submit(request(), second(1)).unwrap();
        assert_eq!(again, Submitted::Existing(ended));
        let other = submission("acme", 1).with_input([7; 999]);
        assert!(matches!(store.submit(other, second(1)), Err(SubmitError::Conflict)));
    }
}

#[test]
fn with_retention_since_the_end_an_open_task_never_expires() {
    let config = limited(usize::MAX - 1);
    let config = config.with_retention(Retention::since_end(Duration::from_secs(10)));
    for store in stores(config) {
        let task = store.submit(submission("acme", 1), second(0)).unwrap().into_task();
        assert_eq!(task.expires_at(), MAX_TIME);
        let a_year_later = second(365 * 24 * 3_600);
        assert_eq!(store.sweep(9, a_year_later).unwrap().dropped, 0);
        let claimed = store.claim(Scope::Any, a_year_later).unwrap().unwrap();
        let end = TaskEvent::complete(Completion::default());
        let target = Target::exactly(claimed.change().task());
        store.apply(target, end, a_year_later).unwrap();
        let read = |now| store.get(task.account(), task.id(), now).unwrap().is_some();
        let end = a_year_later + chrono::TimeDelta::seconds(10);
        assert!(read(end - crate::support::nanosecond()) && !read(end));
        assert_eq!(store.sweep(9, end).unwrap().dropped, 1);
    }
}

#[test]
fn an_event_under_another_retention_gives_a_task_without_expiry_one() {
    let never = limited(1_000_000).with_retention(Retention::since_end(Duration::from_secs(10)));
    let mut store = LocalStore::new(never);
    let task = store.submit(submission("acme", 1), second(0)).unwrap().into_task();
    let saved = serde_json::to_string(&store.snapshot()).unwrap();
    let saved: Snapshot = serde_json::from_str(&saved).unwrap();
    let mut store = LocalStore::restore(limited(1_000_000), saved, second(1)).unwrap();
    let target = Target::latest(task.account(), task.id());
    let started = store.apply(target, TaskEvent::start(), second(2)).unwrap();
    assert_eq!(started.task().expires_at(), second(12));
    let late = store.apply(target, TaskEvent::report(), second(11)).unwrap();
    assert_eq!(late.task().expires_at(), second(12));
}

#[test]
fn a_restored_store_counts_its_bytes() {
    let mut store = LocalStore::new(limited(1_000_000));
    for number in 0..20 {
        let name = format!("account-{number}");
        store.submit(submission(&name, number).with_input([1; 50]), second(0)).unwrap();
    }
    let saved = || serde_json::from_value(serde_json::to_value(store.snapshot()).unwrap()).unwrap();
    let small = limited(100);
    let local = Local::from(LocalStore::restore(small, saved(), second(1)).unwrap());
    let memory = MemoryStore::restore(small, saved(), second(1)).unwrap();
    for restored in [&local as &dyn Counting, &memory] {
        assert_eq!(Some(restored.held()), store.held_bytes());
        let more = restored.submit(submission("acme", 1), second(2));
        assert!(matches!(more, Err(SubmitError::StoreFull)));
        assert!(restored.claim(Scope::Any, second(2)).unwrap().unwrap().is_work());
        assert_eq!(restored.sweep(100, second(10)).unwrap().dropped, 20);
        assert_eq!(restored.held(), 0);
    }
}

/// A call to a store with a few tasks.
#[derive(Clone, Debug)]
enum Call {
    Submit { of: u8, number: u128, input: usize },
    Apply { of: u8, number: u128, event: TaskEvent },
    Claim,
    Sweep { limit: usize },
}

fn call() -> impl Strategy<Value = Call> {
    let of = || 0..4_u8;
    let sizes = || prop_oneof![2 => 0..50_usize, 2 => 200..300_usize, 1 => 0..3_000_usize];
    let words = |size: usize| "x".repeat(size);
    let event = (0..5, sizes()).prop_map(move |(kind, size)| match kind {
        0 => TaskEvent::start(),
        1 => TaskEvent::report(),
        2 => TaskEvent::report().with_description(words(size)),
        3 => TaskEvent::complete(Completion::of(words(size))),
        _ => TaskEvent::fail(TaskError::new(words(size), "")),
    });
    prop_oneof![
        5 => (of(), 0..3_u128, sizes())
            .prop_map(|(of, number, input)| Call::Submit { of, number, input }),
        5 => (of(), 0..3_u128, event)
            .prop_map(|(of, number, event)| Call::Apply { of, number, event }),
        2 => Just(Call::Claim),
        1 => (0..3_usize).prop_map(|limit| Call::Sweep { limit }),
    ]
}

fn named(of: u8) -> AccountId {
    account(&format!("account-{of}"))
}

/// A simple model of what a store should hold.
struct Expected {
    limit: usize,
    horizon: Timestamp,
    tasks: BTreeMap<(AccountId, TaskId), Task>,
}

impl Expected {
    fn held(&self) -> usize {
        self.tasks.values().map(Task::held_bytes).sum()
    }

    /// Drops the tasks that must go to make room for `more` bytes in place of the task `of`.
    /// Returns whether there is enough room.
    fn make_room(&mut self, more: usize, of: &(AccountId, TaskId), now: Timestamp) -> bool {
        let instant = now.max(self.horizon);
        let before = self.tasks.get(of).map_or(0, Task::held_bytes);
        if more <= before {
            return true;
        }
        let expiries: Vec<Timestamp> = self.tasks.values().map(Task::expires_at).collect();
        let mut instants: Vec<Timestamp> =
            expiries.into_iter().filter(|at| *at <= instant).collect();
        instants.insert(0, MIN_TIME);
        instants.sort();
        let enough = instants.into_iter().find(|by| {
            let stays =
                |(id, task): &(&(AccountId, TaskId), &Task)| task.expires_at() > *by && *id != of;
            let kept: usize =
                self.tasks.iter().filter(stays).map(|(_, task)| task.held_bytes()).sum();
            kept + more <= self.limit
        });
        let Some(by) = enough else { return false };
        self.horizon = self.horizon.max(by);
        self.tasks.retain(|_, task| task.expires_at() > by);
        true
    }

    fn put(&mut self, task: &Task) {
        self.tasks.insert((task.account().clone(), task.id()), task.clone());
    }
}

/// Makes the calls on the store and the model, and compares results and contents.
fn follow(store: &dyn Counting, config: StoreConfig, calls: &[(Call, u8)]) {
    let mut expected =
        Expected { limit: config.max_bytes(), horizon: MIN_TIME, tasks: BTreeMap::new() };
    let mut at = 0;
    for (call, tick) in calls {
        at += i64::from(*tick);
        let now = second(at);
        let instant = now.max(expected.horizon);
        match call.clone() {
            Call::Submit { of, number, input } => {
                let new = Submission::new(named(of), id(number), crate::support::CREATE)
                    .with_input(vec![7; input]);
                let key = (named(of), id(number));
                let there = expected.tasks.get(&key).filter(|task| task.is_visible_at(instant));
                let (is_there, more) = (there.is_some(), bytes_of(&new));
                let got = store.submit(new, now);
                if is_there {
                    assert!(matches!(got, Ok(Submitted::Existing(_)) | Err(SubmitError::Conflict)));
                } else if expected.make_room(more, &key, now) {
                    expected.put(got.unwrap().task());
                } else {
                    assert!(matches!(got, Err(SubmitError::StoreFull)), "{got:?}");
                }
            }
            Call::Apply { of, number, event } => {
                let key = (named(of), id(number));
                let found = expected.tasks.get(&key).filter(|task| task.is_visible_at(instant));
                let permitted =
                    found.is_some_and(|task| task.status().after(event.kind()).is_some());
                let more = found.map_or(0, |task| bytes_after(task, &event));
                let got = store.apply(Target::latest(&key.0, key.1), event, now);
                if !permitted {
                    assert!(matches!(got, Err(ApplyError::NotFound | ApplyError::Transition(_))));
                } else if expected.make_room(more, &key, now) {
                    expected.put(got.unwrap().task());
                } else {
                    assert!(matches!(got, Err(ApplyError::StoreFull)), "{got:?}");
                }
            }
            Call::Claim => {
                if let Some(claimed) = store.claim(Scope::Any, now).unwrap() {
                    expected.put(claimed.change().task());
                }
            }
            Call::Sweep { limit } => {
                expected.horizon = expected.horizon.max(now);
                let mut due: Vec<_> = expected.tasks.values().cloned().collect();
                due.retain(|task| !task.is_visible_at(expected.horizon));
                // Of tasks that expired at the same instant, the store may drop others than the
                // model.
                if limit < due.len() {
                    continue;
                }
                assert_eq!(store.sweep(limit, now).unwrap().dropped, due.len());
                let horizon = expected.horizon;
                expected.tasks.retain(|_, task| task.is_visible_at(horizon));
            }
        }
        assert_eq!((store.held(), store.count()), (expected.held(), expected.tasks.len()));
        assert!(store.held() <= config.max_bytes());
    }
}

fn bytes_of(new: &Submission) -> usize {
    512 + 256 + new.account().as_str().len() + new.command_type().as_str().len() + new.input().len()
}

/// What a task counts after an event.
fn bytes_after(task: &Task, event: &TaskEvent) -> usize {
    let without = task.held_bytes() - output_of(task).max(256);
    let stays = event.kind() == tasklife::EventKind::Report && event.description().is_none();
    without + if stays { output_of(task) } else { event.output_len() }.max(256)
}

fn output_of(task: &Task) -> usize {
    let words = task.description().filter(|words| Some(*words) != task.status().description());
    let outcome = match task.outcome() {
        Some(Ok(completion)) => completion.resource_id().map_or(0, |id| id.to_string().len()),
        Some(Err(error)) => error.code().len() + error.status().len() + error.description().len(),
        None => 0,
    };
    words.map_or(0, str::len) + outcome
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// A store holds no more than its limit, refuses only what there is no room for, and drops no
    /// more expired tasks than it needs.
    #[test]
    fn the_limit_holds_to_the_byte(
        limit in 800..9_000_usize,
        calls in vec((call(), prop_oneof![2 => Just(0_u8), 2 => 0..4_u8, 1 => 0..20_u8]), 1..60),
        since_end in any::<bool>(),
    ) {
        let since = if since_end { Retention::since_end } else { Retention::since_submission };
        let retention = since(Duration::from_secs(10));
        let config = limited(limit).with_retention(retention);
        for store in stores(config) {
            follow(&*store, config, &calls);
        }
    }
}

#[test]
fn concurrent_threads_stay_within_the_limit() {
    const LIMIT: usize = 40_000;
    let retention = Retention::since_end(Duration::from_secs(10)).without_input_after_end();
    let store = MemoryStore::new(limited(LIMIT).with_retention(retention));
    let (store, is_over) = (&store, &AtomicBool::new(false));
    let work = |thread: u128| {
        let (mut refused, mut done) = (0, 0);
        for number in 0..3_000_u128 {
            let now = second(i64::try_from(number / 10).unwrap());
            let size = usize::try_from(number * 7_919 % 2_000).unwrap();
            let name = format!("account-{}", (thread * 5 + number) % 40);
            let new = submission(&name, thread << 64 | number).with_input(vec![7; size]);
            match store.submit(new, now) {
                Ok(submitted) => {
                    let task = submitted.into_task();
                    let target = Target::latest(task.account(), task.id());
                    let _ = store.apply(target, TaskEvent::start(), now);
                    let end = TaskEvent::complete(Completion::of("x".repeat(size)));
                    if let Err(error) = store.apply(target, end, now) {
                        assert!(matches!(error, ApplyError::StoreFull));
                        let short = TaskEvent::fail(TaskError::new("NO_ROOM", "There was none."));
                        store.apply(target, short, now).unwrap();
                        refused += 1;
                    }
                    done += 1;
                }
                Err(error) => {
                    assert!(matches!(error, SubmitError::StoreFull));
                    refused += 1;
                }
            }
            if number % 500 == 0 {
                store.sweep(10, now).unwrap();
            }
        }
        (done, refused)
    };
    let (done, refused) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !is_over.load(Ordering::Acquire) {
                most = most.max(store.held_bytes().unwrap());
            }
            most
        });
        let workers: Vec<_> = (0..4).map(|thread| scope.spawn(move || work(thread))).collect();
        let ended: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::Release);
        let totals = ended.into_iter().map(Result::unwrap);
        let totals = totals.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        let most = watch.join().unwrap();
        assert!((LIMIT / 2..=LIMIT).contains(&most), "{most}");
        totals
    });
    assert!(done > 100 && refused > 100, "{done} done, {refused} refused");
    let saved = store.snapshot();
    let recounted = LocalStore::restore(*store.config(), saved, second(301)).unwrap();
    assert_eq!(store.held_bytes(), recounted.held_bytes(), "nothing was counted twice or lost");
    let open = store.census(second(301)).visible(TaskStatus::Received);
    assert_eq!(open, 0);
}
