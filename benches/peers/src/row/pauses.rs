//! The slowest calls, while a store grows and while its tasks expire.

use super::{Extent, Finding, Findings, count, time};
use crate::latency;

/// What the longest calls do.
const EXPLAINED: [&str; 9] = [
    "",
    "Every call is accepted. Each new task is started at once; a random one is read,",
    "another one reports, and the one that came 10,000 before it ends. `idle write` is a report while",
    "nothing grows or expires: the other writes' 99.9 % are held against its median.",
    "What a call may do beyond its own work: one of the index's small tables is split or made",
    "larger (at most some 2,000 slots are moved, in `submit`), two are joined (`sweep`), a run of at",
    "most 128 entries of a list is rewritten (all writes but `submit`), room for 128 tasks is",
    "taken from the allocator or given back. None of it grows with the store. What is longer in one",
    "run than in the least of three is the machine's: page faults, and other programs.",
];

/// Of how many accounts the tasks are.
const MANY: usize = 100_000;

pub fn measure(extent: Extent, findings: &mut Findings) {
    for accounts in [1, MANY] {
        of_accounts(accounts, extent, findings);
    }
}

fn of_accounts(accounts: usize, extent: Extent, findings: &mut Findings) {
    eprintln!("single calls, {} accounts …", count(accounts));
    let (first, least) = latency::take(extent.most, accounts, 3);
    let tasks = count(extent.most);
    let at = format!("0 to {tasks}, then as many expire, {} accounts", count(accounts));
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
        .push((format!("Single calls, {at}; call by call the least of three equal runs"), lines));
    for kind in ["submit", "claim", "report", "end"] {
        let tail = least.get(kind).map_or(f64::NAN, |calls| calls.quantile(0.999));
        let what = format!("{kind}: 99.9 % of calls / idle median");
        findings.budgets.push(Finding::at_most(&what, at.clone(), 20.0, "×", tail / idle));
    }
    let slowest = least.iter().max_by(|a, b| a.1.longest().total_cmp(&b.1.longest()));
    if let Some((kind, calls)) = slowest {
        let got = format!("{kind}: {}", time(calls.longest()));
        findings.budgets.push(Finding::stated(
            "the slowest call of any kind, least of three runs",
            at,
            got,
        ));
    }
}
