//! What each operation allocates: counted, so that it stays as it is told.
//!
//! A program of its own, with one test: the count is that of the whole program.

use std::alloc::System;

use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tasklife::{
    AccountClock, AccountId, CommandType, Completion, LinkShape, Links, ListQuery, MemoryStore,
    Progress, Retention, Scope, StoreConfig, Submission, Target, Task, TaskEvent, TaskId,
    TaskStore, Timestamp,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

/// How many allocations a call makes, growth of a buffer included.
fn counted<T>(call: impl FnOnce() -> T) -> usize {
    let region = Region::new(ALLOCATOR);
    let result = call();
    let change = region.change();
    drop(result);
    change.allocations + change.reallocations
}

/// The least of several calls: what a store allocates to grow, now and then, is not the call's own.
fn least(call: impl FnMut(u128) -> usize) -> usize {
    (0..20).map(call).min().unwrap_or_default()
}

fn id(number: u128) -> TaskId {
    TaskId::from(uuid::Uuid::from_u128(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

#[test]
fn operations_allocate_as_little_as_is_told() {
    let now: Timestamp = "2019-08-08T06:49:15.929Z".parse().unwrap();
    let account: AccountId = "acme".parse().unwrap();
    let submission = |number| Submission::new(account.clone(), id(number), CREATE);
    a_task_by_itself(submission(0), now);
    a_list_emptied_from_its_end(&account, now);
    a_store_whose_tasks_expire(&account, now);
    few_tasks_that_report(&account, now);
    a_task_that_comes_and_goes(&account, now);
    a_store_of_which_the_bytes_are_limited(now);

    let store = MemoryStore::default();
    for number in 0..1_000 {
        store.submit(submission(number), now).unwrap();
    }
    let submit = |number| {
        let submission = submission(1_000 + number);
        counted(|| store.submit(submission, now).unwrap())
    };
    assert_eq!(least(submit), 1, "what the submission becomes");
    let apply = |event: fn() -> TaskEvent| {
        let (store, account) = (&store, &account);
        least(move |number| {
            let event = event();
            counted(|| store.apply(Target::latest(account, id(number)), event, now))
        })
    };
    assert_eq!(apply(TaskEvent::start), 0);
    assert_eq!(apply(|| TaskEvent::report_of(Progress::of(1, 2))), 0);
    assert_eq!(apply(|| TaskEvent::complete(Completion::of(7))), 0);
    assert_eq!(least(|_| counted(|| store.claim(Scope::Any, now).unwrap())), 0);
    assert_eq!(least(|number| counted(|| store.get(&account, id(number), now).unwrap())), 0);
    let list = || store.list(&account, &ListQuery::default(), now).unwrap();
    assert_eq!(least(|_| counted(list)), 1, "the page");
    assert_eq!(least(|_| counted(|| store.sweep(1, now).unwrap())), 0, "nothing is due");

    let page = list();
    let mut out = Vec::with_capacity(1 << 20);
    for shape in LinkShape::ALL {
        let links = Links::new("https://api.example.com/v1").unwrap().with_shape(shape);
        let links = links.with_route(CREATE, "/subscriptions/{resourceId}", "get").unwrap();
        for document in [links.accepted(&page.tasks()[0]), links.list(&page)] {
            assert_eq!(least(|_| counted(|| document.write_to(&mut out))), 0);
        }
    }
    assert!(out.len() > 100_000, "something was written");
}

/// How many bytes are allocated.
fn held() -> isize {
    let stats = ALLOCATOR.stats();
    let signed = |bytes| isize::try_from(bytes).unwrap();
    signed(stats.bytes_allocated) - signed(stats.bytes_deallocated)
}

/// Tasks that leave one list of their account for another, the latest first: what they leave behind
/// is given back, though here and there one stays.
fn a_list_emptied_from_its_end(account: &AccountId, now: Timestamp) {
    const TASKS: u128 = 100 * 128;
    let store = MemoryStore::default();
    for number in 0..TASKS {
        store.submit(Submission::new(account.clone(), id(number), CREATE), now).unwrap();
    }
    let before = held();
    for number in (0..TASKS).rev().filter(|number| number % 128 != 0) {
        store.apply(Target::latest(account, id(number)), TaskEvent::start(), now).unwrap();
    }
    // An entry of a list takes 8 bytes: the new list has nearly as many as the old one had.
    let more = held() - before;
    assert!(more < 8 * 128 * 100 / 3, "{more} bytes more for as many entries");
}

/// Most of what a store keeps beside its tasks is given back as they expire, all of it with the last
/// one; and to give it back takes hardly any memory.
fn a_store_whose_tasks_expire(account: &AccountId, now: Timestamp) {
    const TASKS: u128 = 50_000;
    let (store, empty) = (MemoryStore::default(), held());
    let second = |number: u128| chrono::TimeDelta::seconds(i64::try_from(number).unwrap());
    for number in 0..TASKS {
        let submission = Submission::new(account.clone(), id(number), CREATE);
        store.submit(submission, now + second(number)).unwrap();
    }
    let each = |held: isize, tasks| (held - empty) / isize::try_from(tasks).unwrap();
    let full = each(held(), TASKS);
    let ten_days = chrono::TimeDelta::days(10);
    let sweep = |number| store.sweep(usize::MAX, now + second(number) + ten_days).unwrap();
    for tenth in 1..10 {
        let left = TASKS - TASKS * tenth / 10;
        let allocated = counted(|| sweep(TASKS * tenth / 10 - 1));
        assert_eq!(store.len() as u128, left);
        assert!(allocated < 125, "{allocated} allocations to drop a tenth");
        // The index may be as wide as four times what it holds.
        let now = each(held(), left);
        assert!(now < full + 32, "{now} bytes a task, beside {full} of the full store");
    }
    assert_eq!(sweep(TASKS).dropped as u128, TASKS / 10);
    let left = held() - empty;
    assert!(left < 2_048, "{left} bytes of an empty store");
}

/// A list of a few tasks, each of which moves to its end again and again, is not made anew each time.
fn few_tasks_that_report(account: &AccountId, now: Timestamp) {
    for tasks in [1, 2, 5, 40] {
        let store = MemoryStore::default();
        let report = |number| {
            store.apply(Target::latest(account, id(number)), TaskEvent::report(), now).unwrap();
        };
        for number in 0..tasks {
            store.submit(Submission::new(account.clone(), id(number), CREATE), now).unwrap();
            store.apply(Target::latest(account, id(number)), TaskEvent::start(), now).unwrap();
        }
        (0..1_000).for_each(|turn| report(turn % tasks));
        let allocated = counted(|| (0..1_000).for_each(|turn| report(turn % tasks)));
        assert!(allocated < 100, "{allocated} allocations for 1,000 reports of {tasks} tasks");
    }
}

/// Whatever the number of tasks, one more that comes and goes takes nothing but itself; that of another
/// account takes what the account takes; and where the account is alone in its shard, what the shard takes.
fn a_task_that_comes_and_goes(account: &AccountId, now: Timestamp) {
    let store = MemoryStore::default();
    let day = chrono::TimeDelta::days(1);
    let mut early = now;
    let mut come_and_go = |of: &AccountId, number| {
        let allocated = (0..3).map(|_| {
            early += chrono::TimeDelta::seconds(1);
            let submission = Submission::new(of.clone(), id(number), CREATE);
            counted(|| {
                store.submit(submission, early).unwrap();
                assert_eq!(store.sweep(1, early + day * 10).unwrap().dropped, 1);
            })
        });
        allocated.min().unwrap()
    };
    let stay = |number| {
        store
            .submit(Submission::new(account.clone(), id(number), CREATE), now + day * 100)
            .unwrap();
    };
    stay(0);
    let others: Vec<AccountId> = (0..500).map(|n| format!("other-{n}").parse().unwrap()).collect();
    let neighbour = others.iter().find(|other| come_and_go(other, 0) <= 5);
    let neighbour = neighbour.expect("of so many, some share a shard with the account");
    let stranger = others.iter().find(|other| come_and_go(other, 0) > 5);
    let stranger = stranger.expect("of so many, some are in another shard");
    for number in 1..2_000 {
        for (of, most) in [(account, 3), (neighbour, 5), (stranger, 13)] {
            let allocated = come_and_go(of, number);
            assert!(allocated <= most, "{allocated} allocations for {of} beside {number} tasks");
        }
        stay(number);
    }
}

/// With all of its indexes, a store takes no more than what its tasks count, and 128 KiB: with inputs, words and results of
/// any length, in one account and in many; and what it drops to make room, it gives back.
fn a_store_of_which_the_bytes_are_limited(now: Timestamp) {
    const LIMIT: usize = 16 << 20;
    let second = |number: u128| now + chrono::TimeDelta::seconds(i64::try_from(number).unwrap());
    for (accounts, size) in [(1, 0), (100_000, 0), (1, 300), (50, 5_000), (100_000, 40_000)] {
        let before = held();
        let store = MemoryStore::new(
            StoreConfig::default()
                .with_max_bytes(LIMIT)
                .with_retention(Retention::since_end(Duration::from_secs(1_000))),
        );
        let mut ended = 0_u128;
        for number in 0..40_000_u128 {
            let name = format!("account-{}", number % accounts);
            let submission = Submission::new(name.parse().unwrap(), id(number), CREATE)
                .with_input(vec![b'x'; size * usize::try_from(number % 3).unwrap()]);
            let Ok(submitted) = store.submit(submission, second(number)) else { continue };
            let task = submitted.into_task();
            let target = Target::latest(task.account(), task.id());
            if number % 5 > 0 {
                store.apply(target, TaskEvent::start(), second(number)).unwrap();
                let words = TaskEvent::report().with_description("w".repeat(size));
                let _ = store.apply(target, words, second(number));
                let text = "r".repeat(size * usize::try_from(number % 2).unwrap());
                let resource = std::collections::BTreeMap::from([("text", text)]);
                let end = Completion::of(7).with_resource(&resource).unwrap();
                ended += u128::from(
                    store.apply(target, TaskEvent::complete(end), second(number)).is_ok(),
                );
            }
            if number % 256 == 0 {
                let (taken, counted) = (held() - before, store.held_bytes().unwrap());
                assert!(counted <= LIMIT);
                let taken = usize::try_from(taken).unwrap();
                assert!(taken <= counted + (128 << 10), "{taken} bytes, of which {counted} count");
            }
        }
        assert!(ended > 1_000, "{ended} have ended");
        assert!(store.held_bytes().unwrap() > LIMIT / 2, "it was full");
    }
}

/// Without a store, the events that a worker made are moved into the task.
fn a_task_by_itself(submission: Submission, now: Timestamp) {
    let (retention, mut clock) = (Retention::default(), AccountClock::default());
    let mut task = Task::new(submission, retention, now, clock.next(now));
    let report = TaskEvent::report().with_description(String::from("Half."));
    for event in [TaskEvent::start(), report, TaskEvent::complete(Completion::of(7))] {
        clock.advance_to(&task);
        let stamp = clock.next(now);
        assert_eq!(counted(|| task.apply(event, retention, now, stamp).unwrap()), 0);
    }
    assert_eq!(counted(|| task.clone()), 0);
}
