//! Checks the answers of `apply`.

use alloc::format;

use super::{Before, Checker};
use crate::event::TaskEvent;
use crate::store::{ApplyError, Change};
use crate::testing::law::Law;
use crate::testing::operation::summary_of_apply;
use crate::testing::rules::{TaskFacts, has_ended};
use crate::time::Timestamp;

impl Checker {
    pub(super) fn check_apply(
        &mut self,
        before: &Before,
        event: &TaskEvent,
        expected: Result<Change, ApplyError>,
        got: &Result<Change, ApplyError>,
        now: Timestamp,
    ) {
        use ApplyError as E;
        match (expected, got) {
            (Ok(expected), Ok(got)) => {
                self.check_transition("apply", &expected, got);
                if let Some(visible) = &before.visible {
                    let from = self.model.counted_from(now);
                    let facts = TaskFacts::changed(visible, event, self.model.config(), from);
                    self.accept(before, &facts, got.task(), now);
                }
            }
            (Err(E::NotFound), Err(E::NotFound)) | (Err(E::LaneFull), Err(E::LaneFull)) => {}
            (Err(E::Transition(expected)), Err(E::Transition(got))) if expected == *got => {}
            (Err(E::OutputTooLarge { limit: expected }), Err(E::OutputTooLarge { limit: got }))
                if expected == *got => {}
            (Err(E::Stale { current: expected }), Err(E::Stale { current: got })) => {
                self.check_version(got);
                self.check_same(&expected, got);
            }
            (expected, got) => {
                let law = law_of_mismatch(before, &expected, got);
                let (expected, got) = (summary_of_apply(&expected), summary_of_apply(got));
                self.diverge(law, format!("apply: expected {expected}; got {got}"));
            }
        }
    }

    /// Checks that a change reports the right status before it and the right event.
    pub(super) fn check_transition(&mut self, method: &str, expected: &Change, got: &Change) {
        if (expected.from(), expected.event()) != (got.from(), got.event()) {
            let description = format!(
                "{method}: expected a change from {} by {}; got one from {} by {}",
                expected.from(),
                expected.event(),
                got.from(),
                got.event()
            );
            self.report(Law::Methods, description);
        }
    }
}

/// Returns the law that explains best why two answers differ.
fn law_of_mismatch(
    before: &Before,
    expected: &Result<Change, ApplyError>,
    got: &Result<Change, ApplyError>,
) -> Law {
    use ApplyError as E;
    let has_ended = before.stored.as_ref().is_some_and(has_ended);
    match (expected, got) {
        (Err(E::NotFound), _) if before.stored.is_none() && before.is_id_of_others => Law::S11,
        (Err(E::NotFound), _) if before.stored.is_none() => Law::Methods,
        (Err(E::NotFound), _) | (_, Err(E::NotFound)) => Law::S6,
        (_, Ok(_)) if has_ended => Law::S9,
        (Err(E::Stale { .. }), Ok(_)) | (Ok(_), Err(E::Stale { .. })) => Law::S10,
        (Err(E::LaneFull), _) | (_, Err(E::LaneFull)) => Law::S12,
        _ => Law::Methods,
    }
}
