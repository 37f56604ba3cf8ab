//! Concurrent histories, each of which must be explicable one call after the other.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Barrier;
use std::thread;

use super::act::{Act, Reply, Wait};
use super::check::Checker;
use super::history::{History, Step, instant};
use super::run::Memory;
use crate::store::AsyncTaskStore;
use crate::time::Now;

/// A call that a thread made, with its place in real time.
struct Made {
    act: Act,
    now: Now,
    reply: Reply,
    begun: usize,
    ended: usize,
}

/// Runs the calls of a history in turn, and then those of its threads at the same time.
///
/// # Errors
/// Where no order of the calls explains the answers: the answers, a line each.
pub(super) fn explain(
    history: &History,
    store: &impl AsyncTaskStore,
    wait: &impl Wait,
) -> Result<(), String> {
    let (mut checker, mut memory) = (Checker::new(history.config()), Memory::default());
    for step in &history.steps {
        let Some(act) = memory.act(step.at, &step.call) else { continue };
        let reply = act.on(store, wait, instant(step.at));
        checker.check(&act, instant(step.at), &reply);
        memory.note(&reply);
    }
    if !checker.violations.is_empty() {
        // Not for want of an order: these calls were made one after the other.
        return Ok(());
    }

    let (start, clock) = (Barrier::new(history.threads.len()), AtomicUsize::new(0));
    let work = |steps: &[Step]| -> Vec<Made> {
        let mut memory = memory.clone();
        start.wait();
        let made = steps.iter().filter_map(|step| {
            let (act, now) = (memory.act(step.at, &step.call)?, instant(step.at));
            let begun = clock.fetch_add(1, Ordering::SeqCst);
            let reply = act.on(store, wait, now);
            let ended = clock.fetch_add(1, Ordering::SeqCst);
            memory.note(&reply);
            Some(Made { act, now, reply, begun, ended })
        });
        made.collect()
    };
    let made: Vec<Vec<Made>> = thread::scope(|scope| {
        let workers: Vec<_> =
            history.threads.iter().map(|steps| scope.spawn(|| work(steps))).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    if made.len() < history.threads.len() {
        return Err("a thread panicked".into());
    }
    let made: Vec<&[Made]> = made.iter().map(Vec::as_slice).collect();
    if in_some_order(&checker, &made) { Ok(()) } else { Err(in_words(&made)) }
}

/// Whether some order of the calls explains the answers: one that keeps each thread's order, and
/// has no call before one that had ended when it began.
fn in_some_order(checker: &Checker, rest: &[&[Made]]) -> bool {
    if rest.iter().all(|calls| calls.is_empty()) {
        return true;
    }
    let heads = || rest.iter().filter_map(|calls| calls.first());
    let first_end = heads().map(|made| made.ended).min().unwrap_or(usize::MAX);
    rest.iter().enumerate().any(|(thread, calls)| {
        let Some((made, later)) = calls.split_first() else { return false };
        if made.begun > first_end {
            return false;
        }
        let mut checker = checker.clone();
        checker.check(&made.act, made.now, &made.reply);
        let mut rest = rest.to_vec();
        rest[thread] = later;
        checker.violations.is_empty() && in_some_order(&checker, &rest)
    })
}

fn in_words(made: &[&[Made]]) -> String {
    let mut words = String::new();
    for (thread, calls) in made.iter().enumerate() {
        for made in *calls {
            let what = match &made.act {
                Act::Submit(_) => "submit",
                Act::Apply { event, .. } => event.kind().as_str(),
                Act::Claim(_) => "claim",
                Act::Get { .. } => "get",
                Act::List { .. } => "list",
                Act::Sweep { .. } => "sweep",
            };
            let revision = match &made.act {
                Act::Apply { exactly: Some(task), .. } => format!(" @{}", task.revision()),
                _ => String::new(),
            };
            let (begun, ended, reply) = (made.begun, made.ended, made.reply.brief());
            let _ = write!(
                words,
                "\n    thread {thread}, {begun}-{ended}: {what}{revision} -> {reply}"
            );
        }
    }
    words
}
