//! Checks the answers of `submit`.

use alloc::format;

use super::{Before, Checker};
use crate::store::{SubmitError, Submitted};
use crate::submission::Submission;
use crate::testing::law::Law;
use crate::testing::operation::summary_of_submit;
use crate::testing::rules::TaskFacts;
use crate::time::Timestamp;

impl Checker {
    pub(super) fn check_submit(
        &mut self,
        before: &Before,
        submission: &Submission,
        expected: Result<Submitted, SubmitError>,
        got: &Result<Submitted, SubmitError>,
        now: Timestamp,
    ) {
        use SubmitError as E;
        match (expected, got) {
            (Ok(Submitted::New(_)), Ok(Submitted::New(got))) => {
                let facts = TaskFacts::submitted(submission, self.model.config(), now);
                self.accept(before, &facts, got, now);
                self.due.is_unknown |= self.due.is_partly_swept;
                let count_grew = self.model.all_tasks().count() > before.count;
                if !count_grew && before.stored.is_none() {
                    self.task_dropped_for_room(now);
                }
            }
            (Ok(Submitted::Existing(expected)), Ok(Submitted::Existing(got))) => {
                self.check_version(got);
                self.check_same(&expected, got);
            }
            (Err(E::Conflict), Err(E::Conflict))
            | (Err(E::Expired), Err(E::Expired))
            | (Err(E::StoreFull), Err(E::StoreFull))
            | (Err(E::AccountFull), Err(E::AccountFull)) => {}
            (Err(E::InputTooLarge { limit: expected }), Err(E::InputTooLarge { limit: got }))
                if expected == *got => {}
            (expected, got) => {
                let law = law_of_mismatch(before, &expected, got);
                let (expected, got) = (summary_of_submit(&expected), summary_of_submit(got));
                self.diverge(law, format!("submit: expected {expected}; got {got}"));
            }
        }
    }
}

/// Returns the law that explains best why two answers differ.
fn law_of_mismatch(
    before: &Before,
    expected: &Result<Submitted, SubmitError>,
    got: &Result<Submitted, SubmitError>,
) -> Law {
    use SubmitError as E;
    let finds_task =
        |answer: &Result<_, _>| matches!(answer, Ok(Submitted::Existing(_)) | Err(E::Conflict));
    let is_visible = before.visible.is_some();
    match (expected, got) {
        (_, got) if finds_task(got) && !is_visible && before.is_id_of_others => Law::S11,
        (_, Err(E::StoreFull | E::AccountFull)) if is_visible => Law::Methods,
        (expected, got) if finds_task(expected) != finds_task(got) => Law::S6,
        (Err(E::StoreFull), _) | (_, Err(E::StoreFull)) => Law::S7,
        (Ok(_), Err(E::Conflict)) if before.is_id_of_others => Law::S11,
        (Ok(_), Err(E::AccountFull)) if before.is_full_only_with_others => Law::S11,
        _ => Law::Methods,
    }
}
