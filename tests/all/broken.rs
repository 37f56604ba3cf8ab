//! Stores with one fault each. The conformance suite catches every one by the law that it violates,
//! with a short history.

mod fault;
mod store;

use std::fmt::Write as _;
use std::thread;

use tasklife::InProcess;
use tasklife::testing::{CurrentThread, Law, Suite, Violation};

use Fault as F;
use fault::{FAULTS, Fault};
use store::Broken;

fn check(fault: Fault, law: Law) -> Result<(), Box<Violation>> {
    Suite::new().check(law, |config| InProcess(Broken::new(fault, config)), &CurrentThread)
}

#[test]
fn the_store_without_a_fault_keeps_every_law() {
    for law in Law::ALL {
        if let Err(violation) = check(Fault::None, law) {
            panic!("{violation}");
        }
    }
}

#[test]
fn every_fault_is_caught_by_its_law_with_a_short_history() {
    let halves = FAULTS.chunks(FAULTS.len().div_ceil(2));
    let found = thread::scope(|scope| {
        let half = |faults: &'static [(Fault, &str, Law)]| {
            faults.iter().map(|(fault, _, law)| check(*fault, *law).err()).collect::<Vec<_>>()
        };
        let halves: Vec<_> = halves.map(|faults| scope.spawn(move || half(faults))).collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect::<Vec<_>>()
    });
    let mut table = String::from("| fault | law | calls |\n|---|---|---|\n");
    let mut missed = Vec::new();
    for ((fault, what, law), violation) in FAULTS.iter().zip(found) {
        let Some(violation) = violation else {
            missed.push(format!("{law} does not catch {fault:?}"));
            continue;
        };
        if violation.law() != *law {
            missed.push(format!("{law} does not catch {fault:?}, but reports: {violation}"));
            continue;
        }
        let calls = violation.history().len();
        let max_calls = match fault {
            F::RevisionsSortedAsText => 12, // shows from revision 10 on
            F::PagesEndAtForty => 42,       // shows with 41 tasks
            F::ListsEndAtFifty => 52,
            F::ListsEndAtThousand => 1_006,
            F::RevisionsWrapAt255 => 256,
            _ if law.is_concurrent() => 15, // differs from run to run
            _ => 8,
        };
        if calls > max_calls {
            missed.push(format!(
                "{fault:?}: expected at most {max_calls} calls, got {calls}:\n{violation}"
            ));
        }
        let calls = if law.is_concurrent() { "differs".into() } else { calls.to_string() };
        writeln!(table, "| {what} | {law} | {calls} |").unwrap();
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    let documented = include_str!("../../src/testing/broken.md");
    assert_eq!(documented, table, "expected src/testing/broken.md to be:\n{table}");
}

#[test]
fn exhaustive_checks_catch_faults_that_show_in_two_calls() {
    for fault in [
        F::ConflictIgnored,
        F::ExpiredIdNotReusable,
        F::ExpiresTooLate,
        F::FullStoreDropsVisible,
        F::FullStoreKeepsExpired,
        F::OpenTasksCountedOverAllAccounts,
        F::ForeignTaskVisible,
        F::SweepDropsVisible,
    ] {
        let found =
            Suite::exhaust(2, |config| InProcess(Broken::new(fault, config)), &CurrentThread);
        let violation = found.expect_err(&format!("{fault:?}"));
        assert!(violation.history().len() <= 3, "{fault:?}: {violation}");
    }
}

/// Histories for one law also find violations of others.
#[test]
fn a_violation_of_another_law_is_reported_unless_that_law_is_left_out() {
    let make = |config| InProcess(Broken::new(F::ExpiresTooLate, config));
    let violation = Suite::new().check(Law::S1, make, &CurrentThread).unwrap_err();
    assert_ne!(violation.law(), Law::S1, "{violation}");
    let law = violation.law();
    assert!(violation.to_string().starts_with(&format!("law {law} is violated")), "{violation}");

    let others: Vec<Law> = Law::ALL.into_iter().filter(|law| *law != Law::S1).collect();
    Suite::new().without(others.clone()).check(Law::S1, make, &CurrentThread).unwrap();
    // The law that is checked is never ignored.
    let violation = Suite::new().without(others).check(Law::S6, make, &CurrentThread).unwrap_err();
    assert_eq!(violation.law(), Law::S6);
}
