//! Histories with threads: runs their calls at the same time, on threads or interleaved on one.

mod interleaved;
mod linearize;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::check::Checker;
use super::history::{Call, Filter, History, Step, instant};
use super::operation::{BlockOn, Operation, Response};
use super::runner::Observations;
use super::yielding::beside_others;
use crate::store::AsyncTaskStore;
use crate::time::Now;

use interleaved::interleaved;
use linearize::{describe, is_linearizable};

/// A call that was made, with its place in real time.
struct TimedCall {
    operation: Operation,
    now: Now,
    response: Response,
    begun: usize,
    ended: usize,
}

/// Runs the calls of a history in turn, then those of its threads at the same time, and then reads all.
///
/// # Errors
/// Where no order of the calls explains the answers: the answers, a line each.
pub(super) fn check_order(
    history: &History,
    store: &impl AsyncTaskStore,
    executor: &impl BlockOn,
) -> Result<(), String> {
    let (mut checker, clock) = (Checker::new(history.config()), AtomicUsize::new(0));
    let caller = Caller { store, clock: &clock };
    let mut observed = Observations::default();
    for call in executor.block_on(caller.call_all(&history.steps, &mut observed)) {
        checker.check(&call.operation, call.now, &call.response);
    }
    if !checker.breaches.is_empty() {
        // Not for want of an order: these calls were made one after the other.
        return Ok(());
    }

    checker.due.is_swept_in_steps = true;
    let mut calls = match &history.schedule {
        Some(schedule) => executor.block_on(interleaved(history, schedule, &caller, &observed)),
        None => on_threads(history, &caller, executor, &observed),
    };
    if calls.len() < history.threads.len() {
        return Err("\n    a thread panicked".into());
    }
    calls.push(executor.block_on(caller.call_all(&afterwards(history), &mut observed)));
    let calls: Vec<&[TimedCall]> = calls.iter().map(Vec::as_slice).collect();
    if is_linearizable(&checker, &calls) { Ok(()) } else { Err(describe(&calls)) }
}

/// What is asked when all threads have ended, since what a race leaves behind often shows only then: each
/// task and list, and what there is to claim. The time is that of the call that is
/// furthest behind, which sees the most.
fn afterwards(history: &History) -> Vec<Step> {
    let steps = || history.steps.iter().chain(history.threads.iter().flatten());
    let at = history.threads.iter().flatten().map(|step| step.at).min().unwrap_or_default();
    let tasks: BTreeSet<(u16, u16)> = steps()
        .filter_map(|step| match step.call {
            Call::Submit { account, id, .. } => Some((account, id)),
            _ => None,
        })
        .collect();
    let accounts: BTreeSet<u16> = tasks.iter().map(|(account, _)| *account).collect();
    let gets = tasks.iter().map(|(account, id)| Call::Get { account: *account, id: *id });
    let lists = accounts.iter().map(|account| Call::List {
        account: *account,
        limit: tasks.len(),
        filter: Filter::default(),
        after: None,
    });
    // Of one account first in every other history: a claim over all would make good what it shows.
    let count = steps().count();
    let own = accounts.iter().filter(|_| count.is_multiple_of(2)).map(|of| Call::Claim(Some(*of)));
    let claims = own.chain((0..=tasks.len()).map(|_| Call::Claim(None)));
    gets.chain(lists).chain(claims).map(|call| Step { at, call }).collect()
}

/// Makes the calls of each thread on one of its own, all at the same time.
fn on_threads<S: AsyncTaskStore>(
    history: &History,
    caller: &Caller<'_, S>,
    executor: &impl BlockOn,
    observed: &Observations,
) -> Vec<Vec<TimedCall>> {
    let started = AtomicUsize::new(0);
    let work = |steps: &[Step]| {
        // Who sleeps at a barrier wakes after the others are done.
        started.fetch_add(1, Ordering::SeqCst);
        while started.load(Ordering::SeqCst) < history.threads.len() {
            spin_loop();
            thread::yield_now();
        }
        let calls = || executor.block_on(caller.call_all(steps, &mut observed.clone()));
        beside_others(calls)
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            history.threads.iter().map(|steps| scope.spawn(|| work(steps))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

/// Makes calls, and notes when each began and ended.
struct Caller<'a, S> {
    store: &'a S,
    clock: &'a AtomicUsize,
}

impl<S: AsyncTaskStore> Caller<'_, S> {
    /// Makes the calls one after the other.
    async fn call_all(&self, steps: &[Step], observed: &mut Observations) -> Vec<TimedCall> {
        let mut calls = Vec::new();
        for step in steps {
            let Some(operation) = observed.operation(step.at, &step.call) else { continue };
            let now = instant(step.at);
            let begun = self.clock.fetch_add(1, Ordering::SeqCst);
            let response = operation.call(self.store, now).await;
            let ended = self.clock.fetch_add(1, Ordering::SeqCst);
            observed.record(&operation, &response);
            calls.push(TimedCall { operation, now, response, begun, ended });
        }
        calls
    }
}
