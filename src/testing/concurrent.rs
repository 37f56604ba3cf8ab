//! Concurrent histories, each of which must be explicable one call after the other.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Barrier;
use std::thread;

use super::check::Checker;
use super::history::{History, Step, instant};
use super::operation::{BlockOn, Operation, Response};
use super::runner::Observations;
use crate::store::AsyncTaskStore;
use crate::time::Now;

/// A call that a thread made, with its place in real time.
struct TimedCall {
    operation: Operation,
    now: Now,
    response: Response,
    begun: usize,
    ended: usize,
}

/// Runs the calls of a history in turn, and then those of its threads at the same time.
///
/// # Errors
/// Where no order of the calls explains the answers: the answers, a line each.
pub(super) fn linearize(
    history: &History,
    store: &impl AsyncTaskStore,
    executor: &impl BlockOn,
) -> Result<(), String> {
    let (mut checker, mut observed) = (Checker::new(history.config()), Observations::default());
    for step in &history.steps {
        let Some(operation) = observed.operation(step.at, &step.call) else { continue };
        let response = operation.call(store, executor, instant(step.at));
        checker.check(&operation, instant(step.at), &response);
        observed.record(&response);
    }
    if !checker.breaches.is_empty() {
        // Not for want of an order: these calls were made one after the other.
        return Ok(());
    }

    let (start, clock) = (Barrier::new(history.threads.len()), AtomicUsize::new(0));
    let work = |steps: &[Step]| -> Vec<TimedCall> {
        let mut observed = observed.clone();
        start.wait();
        let calls = steps.iter().filter_map(|step| {
            let (operation, now) = (observed.operation(step.at, &step.call)?, instant(step.at));
            let begun = clock.fetch_add(1, Ordering::SeqCst);
            let response = operation.call(store, executor, now);
            let ended = clock.fetch_add(1, Ordering::SeqCst);
            observed.record(&response);
            Some(TimedCall { operation, now, response, begun, ended })
        });
        calls.collect()
    };
    let calls: Vec<Vec<TimedCall>> = thread::scope(|scope| {
        let workers: Vec<_> =
            history.threads.iter().map(|steps| scope.spawn(|| work(steps))).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    if calls.len() < history.threads.len() {
        return Err("a thread panicked".into());
    }
    let calls: Vec<&[TimedCall]> = calls.iter().map(Vec::as_slice).collect();
    if is_linearizable(&checker, &calls) { Ok(()) } else { Err(describe(&calls)) }
}

/// Whether some order of the calls explains the answers: one that keeps each thread's order, and
/// has no call before one that had ended when it began.
fn is_linearizable(checker: &Checker, rest: &[&[TimedCall]]) -> bool {
    if rest.iter().all(|calls| calls.is_empty()) {
        return true;
    }
    let heads = || rest.iter().filter_map(|calls| calls.first());
    let first_end = heads().map(|call| call.ended).min().unwrap_or(usize::MAX);
    rest.iter().enumerate().any(|(thread, calls)| {
        let Some((call, later)) = calls.split_first() else { return false };
        if call.begun > first_end {
            return false;
        }
        let mut checker = checker.clone();
        checker.check(&call.operation, call.now, &call.response);
        let mut rest = rest.to_vec();
        rest[thread] = later;
        checker.breaches.is_empty() && is_linearizable(&checker, &rest)
    })
}

fn describe(calls: &[&[TimedCall]]) -> String {
    let mut words = String::new();
    for (thread, calls) in calls.iter().enumerate() {
        for call in *calls {
            let what = match &call.operation {
                Operation::Submit(_) => "submit",
                Operation::Apply { event, .. } => event.kind().as_str(),
                Operation::Claim(_) => "claim",
                Operation::Get { .. } => "get",
                Operation::List { .. } => "list",
                Operation::Sweep { .. } => "sweep",
            };
            let revision = match &call.operation {
                Operation::Apply { exactly: Some(task), .. } => format!(" @{}", task.revision()),
                _ => String::new(),
            };
            let (begun, ended, response) = (call.begun, call.ended, call.response.summary());
            let _ = write!(
                words,
                "\n    thread {thread}, {begun}-{ended}: {what}{revision} -> {response}"
            );
        }
    }
    words
}
