//! Runs the threads of a history concurrently, on OS threads or interleaved on one.

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
use super::observations::Observations;
use super::operation::{BlockOn, Operation, Response};
use super::yielding::with_concurrent_threads;
use crate::store::AsyncTaskStore;
use crate::time::Timestamp;

use interleaved::interleaved;
use linearize::{describe, is_linearizable};

/// A finished call. `begun` and `ended` are readings of a logical clock.
struct TimedCall {
    operation: Operation,
    now: Timestamp,
    response: Response,
    begun: usize,
    ended: usize,
}

/// Runs the steps of a history, then its threads concurrently, and then reads everything.
///
/// # Errors
///
/// Returns the calls and answers, one line each, if no sequential order of the calls explains the
/// answers.
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
    if !checker.violations.is_empty() {
        // The fault is not in concurrent calls. Other laws find it.
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
    calls.push(executor.block_on(caller.call_all(&final_steps(history), &mut observed)));
    let calls: Vec<&[TimedCall]> = calls.iter().map(Vec::as_slice).collect();
    if is_linearizable(&checker, &calls) { Ok(()) } else { Err(describe(&calls)) }
}

/// Returns calls to make after all threads have ended, because the effect of a race often shows
/// only then. They read each task and list, and claim what is left. Their `now` is the earliest of
/// any thread's call, at which the most tasks are visible.
fn final_steps(history: &History) -> Vec<Step> {
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
    // Half of the histories claim of single accounts first. A claim over all accounts would repair
    // the faults that these show.
    let claims_accounts = steps().count().is_multiple_of(2);
    let claims_of_accounts =
        accounts.iter().filter(|_| claims_accounts).map(|account| Call::Claim(Some(*account)));
    let claims = claims_of_accounts.chain((0..=tasks.len()).map(|_| Call::Claim(None)));
    gets.chain(lists).chain(claims).map(|call| Step { at, call }).collect()
}

/// Runs each thread of the history on an OS thread, all at the same time.
fn on_threads<S: AsyncTaskStore>(
    history: &History,
    caller: &Caller<'_, S>,
    executor: &impl BlockOn,
    observed: &Observations,
) -> Vec<Vec<TimedCall>> {
    let started = AtomicUsize::new(0);
    let work = |steps: &[Step]| {
        // Spin instead of using a `Barrier`: a thread that sleeps there could wake after the others
        // have finished.
        started.fetch_add(1, Ordering::SeqCst);
        while started.load(Ordering::SeqCst) < history.threads.len() {
            spin_loop();
            thread::yield_now();
        }
        with_concurrent_threads(|| executor.block_on(caller.call_all(steps, &mut observed.clone())))
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            history.threads.iter().map(|steps| scope.spawn(|| work(steps))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

/// Makes calls, and records when each began and ended.
struct Caller<'a, S> {
    store: &'a S,
    clock: &'a AtomicUsize,
}

impl<S: AsyncTaskStore> Caller<'_, S> {
    /// Makes calls one after the other.
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
