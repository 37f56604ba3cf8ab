//! Whether calls at the same time can be explained one after the other.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use super::TimedCall;
use crate::testing::check::Checker;
use crate::testing::operation::Operation;

/// Whether some order of the calls explains the answers: one that keeps each thread's order, and
/// has no call before one that had ended when it began.
pub(super) fn is_linearizable(checker: &Checker, rest: &[&[TimedCall]]) -> bool {
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

pub(super) fn describe(calls: &[&[TimedCall]]) -> String {
    let mut words = String::new();
    let last = calls.len().saturating_sub(1);
    for (thread, calls) in calls.iter().enumerate() {
        let who = if thread == last { "afterwards".into() } else { format!("thread {thread}") };
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
            let _ = write!(words, "\n    {who}, {begun}-{ended}: {what}{revision} -> {response}");
        }
    }
    words
}
