//! Bytes beyond the tasks' own, and allocations.

use super::{Extent, Finding, Findings, count, number};
use crate::census;

pub fn measure(extent: Extent, findings: &mut Findings) {
    eprintln!("bytes …");
    let censuses: Vec<_> = extent.sizes().map(census::take).collect();
    let mut alone = f64::NAN;
    for weight in censuses.iter().flat_map(|census| &census.weights) {
        let at = format!("{} tasks, {} accounts", count(weight.tasks), count(weight.accounts));
        let tasks = weight.tasks as f64;
        if weight.accounts == 1 {
            alone = weight.overhead() / tasks;
            let what = "memory of a task beyond its own bytes";
            findings.budgets.push(Finding::at_most(what, at.clone(), 64.0, " B", alone));
        } else {
            // What a task takes is allowed for on top.
            let each = (weight.overhead() - 64.0 * tasks) / weight.accounts as f64;
            let what = "memory of an account, beyond 64 B a task";
            findings.budgets.push(Finding::at_most(what, at.clone(), 256.0, " B", each));
        }
        let left = 64.0 * tasks / 10.0 + 256.0 * (weight.accounts as f64 / 10.0).max(1.0);
        let what = "memory after 9 in 10 have expired, of what as many tasks and accounts may take";
        let got = weight.overhead_of_tenth() / left;
        findings.budgets.push(Finding::at_most(what, at.clone(), 1.0, "×", got));
        let what = "memory after all have expired, of that of the full store";
        let got = weight.empty as f64 / weight.full as f64;
        findings.budgets.push(Finding::at_most(what, at.clone(), 0.01, "×", got));
        findings.notes.push((
            format!("Bytes, {at}"),
            vec![
                "| | bytes a task |".to_owned(),
                "|---|---|".to_owned(),
                format!("| the task's own | {} |", number(weight.own as f64 / tasks)),
                format!("| beyond, full store | {} |", number(weight.overhead() / tasks)),
                format!(
                    "| beyond, a tenth left | {} |",
                    number(weight.overhead_of_tenth() / tasks * 10.0)
                ),
                format!("| in all, none left | {} |", number(weight.empty as f64 / tasks)),
            ],
        ));
    }
    assert!(!alone.is_nan(), "a store of one account is weighed");
    let Some(census) = censuses.last() else { return };
    let header = ["| call | allocations |".to_owned(), "|---|---|".to_owned()];
    let lines = census.allocations.iter().map(|a| format!("| {} | {} |", a.call, a.allocations));
    findings.notes.push(("Allocations".to_owned(), header.into_iter().chain(lines).collect()));
    for counted in census.allocations.iter().filter(|a| a.call.starts_with("JSON")) {
        let what = format!("{}: allocations", counted.call);
        let got = counted.allocations as f64;
        findings.budgets.push(Finding::at_most(&what, "–".to_owned(), 0.0, "", got));
    }
}
