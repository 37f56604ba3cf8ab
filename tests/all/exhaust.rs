//! Every history of a few calls, on the store in memory.

use tasklife::testing::{CurrentThread, Suite};
use tasklife::{InProcess, MemoryStore};

fn count_histories(length: usize) -> u64 {
    match Suite::exhaust(length, |config| InProcess(MemoryStore::new(config)), &CurrentThread) {
        Ok(histories) => histories,
        Err(violation) => panic!("{violation}"),
    }
}

#[test]
fn every_history_of_three_calls_keeps_the_laws() {
    assert_eq!([0, 1, 2, 3].map(count_histories), [0, 100, 9_350, 827_490]);
}

#[test]
#[ignore = "takes many minutes: `.ci/deep worlds` runs it"]
fn every_history_of_four_calls_is_as_the_laws_say() {
    assert_eq!(count_histories(4), 71_943_340);
}
