//! The instructions of each call, in small and large stores, with one account and many.

use super::{Extent, Finding, Findings};
use crate::count::{COUNTED, Counts, is_possible, take};
use crate::label::{account_count, count, number};

pub fn measure(extent: Extent, findings: &mut Findings) {
    if !is_possible() {
        let why = "valgrind is not installed";
        for what in ["list: instructions / 1k tasks", "many accounts: instructions / one account"] {
            let at = count(extent.most);
            findings.budgets.push(Finding::not_measured(what, at, "≤ 2×", why));
        }
        return;
    }
    let sizes = [(1_000, 1), (extent.most, 1), (extent.most, 1_000), (extent.most, extent.most)];
    let mut counts = Vec::new();
    for (tasks, accounts) in sizes {
        eprintln!("instructions, {} tasks, {} …", count(tasks), account_count(accounts));
        let Some(counted) = take(tasks, accounts) else {
            let at = count(tasks);
            let finding = Finding::not_measured("instructions", at, "≤ 2×", "valgrind failed");
            findings.budgets.push(finding);
            return;
        };
        counts.push(counted);
    }
    judge(&counts, findings);
    let heads = counts.iter().map(|c| format!(" {} / {} |", count(c.tasks), count(c.accounts)));
    let mut lines = vec![
        format!("| tasks / accounts |{}", heads.collect::<String>()),
        format!("|---|{}", "---|".repeat(counts.len())),
    ];
    for what in COUNTED {
        let cells = counts.iter().map(|counts| format!(" {} |", number(counts.of(what))));
        lines.push(format!("| {what} |{}", cells.collect::<String>()));
    }
    findings.notes.push(("Instructions per call".to_owned(), lines));
}

fn judge(counts: &[Counts], findings: &mut Findings) {
    let [small, large, some, many] = counts else { return };
    for what in COUNTED.iter().filter(|what| what.starts_with("list")) {
        let ratio = large.of(what) / small.of(what);
        let what = format!("{what}: instructions / 1k tasks");
        findings.budgets.push(Finding::at_most(&what, count(large.tasks), 2.0, "×", ratio));
    }
    let of_stores =
        COUNTED.iter().filter(|what| !what.starts_with("JSON") && !what.ends_with("floor"));
    for many in [some, many] {
        let ratio = |what: &&&str| many.of(what) / large.of(what);
        let worst = of_stores.clone().max_by(|a, b| ratio(a).total_cmp(&ratio(b)));
        if let Some(worst) = worst {
            let what =
                format!("many accounts, worst operation ({worst}): instructions / one account");
            let at = format!("{} tasks, {}", count(many.tasks), account_count(many.accounts));
            findings.budgets.push(Finding::at_most(&what, at, 2.0, "×", ratio(&worst)));
        }
    }
    for what in ["JSON, one task", "JSON, page of 100"] {
        let ratio = small.of(what) / small.of(&format!("{what}, floor"));
        let what = format!("{what}: instructions / floor");
        findings.budgets.push(Finding::at_most(&what, "–".to_owned(), 1.3, "×", ratio));
    }
}
