//! Measures the memory of stores, and counts the allocations of calls. Prints JSON for the program
//! `peers`.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tasklife::{
    AccountClock, Completion, ListQuery, Retention, Scope, Target, Task, TaskEvent, TaskStore,
};
use tasklife_peers::census::{Allocations, Census, Weight};
use tasklife_peers::subject::{Event, Subject, Tasklife};
use tasklife_peers::workload::{Stage, Workload, links};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let tasks = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let census = Census {
        weights: [1, tasks].map(|accounts| weigh(tasks, accounts)).to_vec(),
        allocations: allocations(),
    };
    println!("{}", serde_json::to_string(&census).expect("plain values"));
}

/// Returns the number of allocated bytes.
fn held() -> usize {
    let stats = ALLOCATOR.stats();
    // Both counters include reallocations.
    stats.bytes_allocated - stats.bytes_deallocated
}

fn weigh(tasks: usize, accounts: usize) -> Weight {
    let load = Workload::new(accounts);
    let before = held();
    let alone: Vec<Task> = (0..tasks).map(|task| finished(&load, task)).collect();
    let own = held() - before;
    drop(alone);

    let mut subject = Tasklife::default();
    let before = held();
    for task in 0..tasks {
        subject.submit(load.submission(task), load.submitted_at(task));
    }
    for task in Workload::order(tasks) {
        subject.apply_event(&load, task, Event::Start);
    }
    for task in Workload::order(tasks) {
        if load.stage(task) != Stage::Running {
            subject.apply_event(&load, task, Event::End);
        }
    }
    let full = held() - before;
    let retention = Retention::default();
    let tenth = retention.after_submission(load.submitted_at(tasks * 9 / 10 - 1));
    let swept = subject.store.sweep(usize::MAX, tenth).expect("memory doesn't fail");
    assert_eq!(swept.dropped, tasks * 9 / 10);
    let tenth = held() - before;
    subject.store.sweep(usize::MAX, load.all_expired_at()).expect("memory doesn't fail");
    assert!(subject.store.is_empty());
    Weight { tasks, accounts, own, full, tenth, empty: held() - before }
}

/// Returns a task in its final state, outside a store.
fn finished(load: &Workload, number: usize) -> Task {
    let (retention, mut clock) = (Retention::default(), AccountClock::default());
    let at = load.submitted_at(number);
    let mut task = Task::new(load.submission(number), retention, at, clock.next(at));
    for event in std::iter::once(TaskEvent::start()).chain(load.end(number)) {
        clock.advance_to(&task);
        task.apply(event, retention, at, clock.next(at)).expect("a permitted event");
    }
    task
}

/// Counts the allocations of calls in a store of 10,000 tasks. Takes the minimum of several calls,
/// because the growth of the store is not caused by a single call.
fn allocations() -> Vec<Allocations> {
    const CALLS: usize = 20;
    let load = Workload::new(1);
    let mut subject = Tasklife::default();
    for task in 0..10_000 {
        subject.submit(load.submission(task), load.submitted_at(task));
    }
    let store = subject.store;
    let mut found = Vec::new();
    let mut least = |call: &str, counts: &mut dyn FnMut(usize) -> usize| {
        let allocations = (0..CALLS).map(counts).min().unwrap_or(0);
        found.push(Allocations { call: call.to_owned(), allocations });
    };
    let (today, account) = (load.today(), load.account(0));
    least("`submit`", &mut |n| {
        let submission = load.submission(10_000 + n);
        counted(|| store.submit(submission, today))
    });
    least("`apply`, event without description", &mut |n| {
        counted(|| store.apply(Target::latest(account, load.id(n)), TaskEvent::start(), today))
    });
    least("`apply`, completion (created by the caller)", &mut |n| {
        let end = TaskEvent::complete(Completion::of(7));
        counted(|| store.apply(Target::latest(account, load.id(n)), end, today))
    });
    least("`claim`", &mut |_| counted(|| store.claim(Scope::Any, today)));
    least("`get`", &mut |n| counted(|| store.get(account, load.id(n), today)));
    least("`list` of 100", &mut |_| counted(|| store.list(account, &ListQuery::default(), today)));
    least("`sweep`, nothing due", &mut |_| counted(|| store.sweep(1, today)));
    let links = links();
    let page = store.list(account, &ListQuery::default(), today).expect("a page");
    let mut out = Vec::with_capacity(1 << 20);
    least("JSON of one task, into a large enough buffer", &mut |n| {
        out.clear();
        counted(|| links.polled(&page.tasks()[n]).write_to(&mut out))
    });
    least("JSON of a page of 100, into a large enough buffer", &mut |_| {
        out.clear();
        counted(|| links.list(&page).write_to(&mut out))
    });
    found
}

fn counted<T>(call: impl FnOnce() -> T) -> usize {
    let region = Region::new(ALLOCATOR);
    let result = call();
    let stats = region.change();
    drop(result);
    stats.allocations + stats.reallocations
}
