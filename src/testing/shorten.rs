//! Makes a history short and plain that a store fails.

use alloc::string::String;

use proptest::strategy::ValueTree;

use super::history::History;

/// How many calls are made to make a history simpler, and how many to make it shorter, at most: enough for
/// those of a hundred calls; those of thousands would take hours.
const CALLS_TO_SHORTEN: usize = 200_000;

/// The simplest history that the generator makes of it and that still is a breach.
pub(super) fn simplified(
    tree: &mut dyn ValueTree<Value = History>,
    mut found: (History, String),
    breach: impl Fn(&History) -> Option<String>,
) -> (History, String) {
    let mut calls = 0;
    let mut goes_on = tree.simplify();
    while goes_on && calls < CALLS_TO_SHORTEN {
        let history = tree.current();
        calls += history.len();
        goes_on = match breach(&history) {
            Some(what) => {
                found = (history, what);
                tree.simplify()
            }
            None => tree.complicate(),
        };
    }
    found
}

/// The history without whatever it does not need to be a breach.
///
/// Generators shrink values one by one, and a call that could not be left out at first often can be
/// once its neighbours are simpler.
pub(super) fn shortened(
    mut found: (History, String),
    breach: impl Fn(&History) -> Option<String>,
) -> (History, String) {
    let mut calls = 0;
    loop {
        let simpler = found.0.simpler().take_while(|simpler| {
            calls += simpler.len();
            calls < CALLS_TO_SHORTEN
        });
        let mut breaches = simpler.filter_map(|simpler| {
            let what = breach(&simpler)?;
            Some((simpler, what))
        });
        let Some(shorter) = breaches.next() else { break };
        drop(breaches);
        found = shorter;
    }
    found
}
