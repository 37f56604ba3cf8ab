//! Memory overhead and allocations.

use super::{Extent, Finding, Findings};
use crate::census;
use crate::label::{account_count, count, number};

pub fn measure(extent: Extent, findings: &mut Findings) {
    eprintln!("memory …");
    let censuses: Vec<_> = extent.sizes().map(census::take).collect();
    let mut alone = f64::NAN;
    for weight in censuses.iter().flat_map(|census| &census.weights) {
        let at = format!("{} tasks, {}", count(weight.tasks), account_count(weight.accounts));
        let tasks = weight.tasks as f64;
        if weight.accounts == 1 {
            alone = weight.overhead() / tasks;
            let what = "overhead per task";
            findings.budgets.push(Finding::at_most(what, at.clone(), 64.0, " B", alone));
        } else {
            // The allowance of the tasks comes on top.
            let each = (weight.overhead() - 64.0 * tasks) / weight.accounts as f64;
            let what = "overhead per account, beyond 64 B per task";
            findings.budgets.push(Finding::at_most(what, at.clone(), 256.0, " B", each));
        }
        let allowance = 64.0 * tasks / 10.0 + 256.0 * (weight.accounts as f64 / 10.0).max(1.0);
        let what = "overhead after 9 in 10 tasks have expired / allowance";
        let got = weight.overhead_of_tenth() / allowance;
        findings.budgets.push(Finding::at_most(what, at.clone(), 1.0, "×", got));
        let what = "memory after all tasks have expired / full store";
        let got = weight.empty as f64 / weight.full as f64;
        findings.budgets.push(Finding::at_most(what, at.clone(), 0.01, "×", got));
        findings.notes.push((
            format!("Memory, {at}"),
            vec![
                "| | bytes per task |".to_owned(),
                "|---|---|".to_owned(),
                format!("| task | {} |", number(weight.own as f64 / tasks)),
                format!("| overhead, full store | {} |", number(weight.overhead() / tasks)),
                format!(
                    "| overhead, a tenth left | {} |",
                    number(weight.overhead_of_tenth() / tasks * 10.0)
                ),
                format!("| total, no task left | {} |", number(weight.empty as f64 / tasks)),
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
