//! What a run of the suite tries out: each method in each state that matters.

use tasklife::testing::{Coverage, Law, Suite};

/// Of all laws but that about threads, the least of each pair.
fn least(suite: Suite) -> (Law, Coverage) {
    let laws = Law::ALL.into_iter().filter(|law| !law.is_concurrent());
    let covered = laws.map(|law| (law, suite.coverage(law)));
    covered.min_by_key(|(_, coverage)| coverage.least().2).unwrap()
}

#[test]
fn every_method_is_called_in_every_state_at_least_fifty_times() {
    let (law, coverage) = least(Suite::new());
    let (state, method, count) = coverage.least();
    assert!(count >= 50, "{law}: {method} in {state}: {count}\n{coverage}");
}

#[test]
fn the_documented_table_is_that_of_a_default_run() {
    let table = Suite::new().coverage(Law::Methods).to_string();
    let documented = include_str!("../../src/testing/coverage.md");
    assert_eq!(documented, table, "src/testing/coverage.md is to be:\n{table}");
}

#[test]
fn a_short_run_leaves_no_state_out() {
    for seed in 0..8 {
        let (law, coverage) = least(Suite::new().with_cases(48).with_seed(seed));
        let (state, method, count) = coverage.least();
        assert!(count > 0, "{law}: {method} in {state}\n{coverage}");
    }
}
