//! The slowest calls, while a store grows and while its tasks expire.

use super::{Extent, Finding, Findings};
use crate::label::{account_count, count, time};
use crate::latency;

/// The explanation below the table.
const EXPLAINED: [&str; 12] = [
    "",
    "Each call succeeds. Each new task is started at once, a random task is read, another one is",
    "reported, and the task that was submitted 10,000 earlier ends. `idle write` is a report while",
    "nothing grows or expires. Its median is the reference for the other writes' 99.9th percentile.",
    "Beyond its own work, a call may do the following. None of it grows with the store.",
    "- `submit` splits or enlarges a small table of the index, which moves at most about 2,000 slots.",
    "- `sweep` merges two of these tables.",
    "- Any write but `submit` rewrites a run of at most 128 entries of a list.",
    "- Room for 128 tasks is allocated or released.",
    "",
    "A longest call that is longer in one run than in the minimum of three is due to the machine:",
    "page faults and other programs.",
];

/// The larger number of accounts.
const MANY: usize = 100_000;

pub fn measure(extent: Extent, findings: &mut Findings) {
    for accounts in [1, MANY] {
        measure_with(accounts, extent, findings);
    }
}

fn measure_with(accounts: usize, extent: Extent, findings: &mut Findings) {
    eprintln!("single calls, {} …", account_count(accounts));
    let (first, least) = latency::take(extent.most, accounts, 3);
    let tasks = count(extent.most);
    let at =
        format!("growth to {tasks} tasks, then expiry of {tasks}, {}", account_count(accounts));
    let idle = least.get("idle write").map_or(f64::NAN, |calls| calls.quantile(0.5));
    let mut lines = vec![
        "| call | median | 99 % | 99.9 % | longest | longest, one run |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for (kind, calls) in &least {
        lines.push(format!(
            "| {kind} | {} | {} | {} | {} | {} |",
            time(calls.quantile(0.5)),
            time(calls.quantile(0.99)),
            time(calls.quantile(0.999)),
            time(calls.longest()),
            first.get(kind).map_or_else(String::new, |calls| time(calls.longest())),
        ));
    }
    lines.extend(EXPLAINED.map(str::to_owned));
    findings
        .notes
        .push((format!("Single calls, {at}; minimum of three equal runs for each call"), lines));
    for kind in ["submit", "claim", "report", "end"] {
        let tail = least.get(kind).map_or(f64::NAN, |calls| calls.quantile(0.999));
        let what = format!("{kind}: 99.9th percentile / idle median");
        findings.budgets.push(Finding::at_most(&what, at.clone(), 20.0, "×", tail / idle));
    }
    let slowest = least.iter().max_by(|a, b| a.1.longest().total_cmp(&b.1.longest()));
    if let Some((kind, calls)) = slowest {
        let got = format!("{kind}: {}", time(calls.longest()));
        findings.budgets.push(Finding::stated(
            "slowest call of any kind, minimum of three runs",
            at,
            got,
        ));
    }
}
