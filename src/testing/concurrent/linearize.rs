//! Checks whether concurrent calls are linearizable.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use super::TimedCall;
use crate::testing::check::Checker;
use crate::testing::operation::Operation;

/// Returns whether some sequential order of the calls explains the answers.
///
/// The order has to keep the order of each thread. A call that began after another had ended has to
/// come after it. `remaining` holds the remaining calls of each thread.
pub(super) fn is_linearizable(checker: &Checker, remaining: &[&[TimedCall]]) -> bool {
    if remaining.iter().all(|calls| calls.is_empty()) {
        return true;
    }
    let next_calls = remaining.iter().filter_map(|calls| calls.first());
    let first_end = next_calls.map(|call| call.ended).min().unwrap_or(usize::MAX);
    remaining.iter().enumerate().any(|(thread, calls)| {
        let Some((call, later_calls)) = calls.split_first() else { return false };
        if call.begun > first_end {
            return false;
        }
        let mut checker = checker.clone();
        checker.check(&call.operation, call.now, &call.response);
        let mut remaining = remaining.to_vec();
        remaining[thread] = later_calls;
        checker.violations.is_empty() && is_linearizable(&checker, &remaining)
    })
}

/// Describes each call and its answer in a line.
pub(super) fn describe(calls: &[&[TimedCall]]) -> String {
    let mut lines = String::new();
    let last = calls.len().saturating_sub(1);
    for (thread, calls) in calls.iter().enumerate() {
        let caller = if thread == last { "at the end".into() } else { format!("thread {thread}") };
        for call in *calls {
            let method = match &call.operation {
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
            let _ =
                write!(lines, "\n    {caller}, {begun}-{ended}: {method}{revision} -> {response}");
        }
    }
    lines
}
