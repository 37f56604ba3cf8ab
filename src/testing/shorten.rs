//! Shrinks a history that shows a violation.

use alloc::string::String;

use proptest::strategy::ValueTree;

use super::history::History;

/// The most calls that each of the two functions makes. This is enough for a history of a hundred
/// calls. Without a bound, one of thousands would take hours.
const MAX_CALLS: usize = 200_000;

/// Shrinks a history with proptest. Returns the simplest history that still shows the violation.
///
/// `violation` describes the violation in a history, if there is one.
pub(super) fn simplified(
    tree: &mut dyn ValueTree<Value = History>,
    mut found: (History, String),
    violation: impl Fn(&History) -> Option<String>,
) -> (History, String) {
    let mut calls = 0;
    let mut has_changed = tree.simplify();
    while has_changed && calls < MAX_CALLS {
        let history = tree.current();
        calls += history.len();
        has_changed = match violation(&history) {
            Some(description) => {
                found = (history, description);
                tree.simplify()
            }
            None => tree.complicate(),
        };
    }
    found
}

/// Removes and simplifies calls and limits as long as the history still shows the violation.
///
/// This shrinks further than [`simplified`]. Proptest shrinks values one by one, and does not try
/// again to leave out a call after its neighbours have become simpler.
pub(super) fn shortened(
    mut found: (History, String),
    violation: impl Fn(&History) -> Option<String>,
) -> (History, String) {
    let mut calls = 0;
    loop {
        let simpler = found.0.simpler().take_while(|simpler| {
            calls += simpler.len();
            calls < MAX_CALLS
        });
        let mut violations = simpler.filter_map(|simpler| {
            let description = violation(&simpler)?;
            Some((simpler, description))
        });
        let Some(shorter) = violations.next() else { break };
        drop(violations);
        found = shorter;
    }
    found
}
