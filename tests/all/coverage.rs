//! What the suite covers: each method in each state.

use tasklife::testing::{Coverage, Law, Suite};

/// Returns the law, other than S13, whose coverage has the lowest count.
fn least_covered(suite: Suite) -> (Law, Coverage) {
    let laws = Law::ALL.into_iter().filter(|law| !law.is_concurrent());
    let covered = laws.map(|law| (law, suite.coverage(law)));
    covered.min_by_key(|(_, coverage)| coverage.least_covered().2).unwrap()
}

#[test]
fn a_default_run_calls_every_method_in_every_state_at_least_50_times() {
    let (law, coverage) = least_covered(Suite::new());
    let (state, method, count) = coverage.least_covered();
    assert!(count >= 50, "{law}: {method} in {state}: {count}\n{coverage}");
}

#[test]
fn the_documented_table_shows_a_default_run() {
    let table = Suite::new().coverage(Law::Methods).to_string();
    let documented = include_str!("../../src/testing/coverage.md");
    assert_eq!(documented, table, "expected src/testing/coverage.md to be:\n{table}");
}

#[test]
fn a_run_of_48_cases_calls_every_method_in_every_state() {
    for seed in 0..8 {
        let (law, coverage) = least_covered(Suite::new().with_cases(48).with_seed(seed));
        let (state, method, count) = coverage.least_covered();
        assert!(count > 0, "{law}: {method} in {state}\n{coverage}");
    }
}
