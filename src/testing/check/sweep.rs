//! Checks the answers of `sweep`, and follows which tasks a store may have dropped.

use alloc::format;
use alloc::vec::Vec;

use super::Checker;
use crate::id::AccountId;
use crate::store::Swept;
use crate::testing::law::Law;
use crate::time::Timestamp;

/// What is known about the number of due tasks. Only the answers of sweeps depend on it.
#[derive(Clone, Debug, Default)]
pub(in crate::testing) struct Due {
    /// Whether a sweep dropped some due tasks and left others. The store chose which.
    pub(super) is_partly_swept: bool,
    /// Whether the number of due tasks is unknown. After a partial sweep, a submission may or may
    /// not have replaced a due task.
    pub(super) is_unknown: bool,
    /// Whether sweeps run concurrently with other calls. Then each sweep is a sequence of steps,
    /// and it is not specified which sweep drops which task.
    pub(in crate::testing) is_swept_in_steps: bool,
}

impl Checker {
    pub(super) fn check_sweep(&mut self, limit: usize, got: Swept, now: Timestamp) {
        let expected = self.model.sweep(limit, now).unwrap_or_default();
        if expected != got && !self.due.is_unknown && !self.due.is_swept_in_steps {
            self.report(Law::Methods, format!("sweep: expected {expected:?}; got {got:?}"));
        }
        if got.dropped > limit {
            let description =
                format!("sweep: expected at most {limit} dropped tasks; got {}", got.dropped);
            self.report(Law::Methods, description);
        }
        let has_more = expected.more || got.more;
        self.due.is_partly_swept = has_more && (self.due.is_partly_swept || got.dropped > 0);
        self.due.is_unknown &= has_more;
        self.update_clock_droppable(got.dropped > 0, now);
    }

    /// Notes that a full store dropped a task for a submission. If several tasks expired at the
    /// same instant, it may have been any of them.
    pub(super) fn task_dropped_for_room(&mut self, now: Timestamp) {
        self.due.is_unknown |= self.model.has_due();
        self.update_clock_droppable(true, now);
    }

    fn update_clock_droppable(&mut self, is_task_dropped: bool, now: Timestamp) {
        let accounts: Vec<AccountId> = self.model.accounts().cloned().collect();
        for account in accounts {
            let nothing_visible = self.model.visible_tasks(&account, now).next().is_none();
            let is_empty = self.model.account_mut(&account).is_empty();
            if is_empty || (is_task_dropped && nothing_visible) {
                self.records.entry(account).or_default().is_clock_droppable = true;
            }
        }
    }
}
