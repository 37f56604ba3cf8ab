//! When an open task has its next step.

use tasklife::{Progress, Revision, TaskStatus, Timestamp};

use crate::accepted::Accepted;
use crate::pace::Pace;

/// A task that has not ended.
pub(crate) struct ActiveTask {
    pub(crate) operation: Accepted,
    pub(crate) number: u64,
    pub(crate) status: TaskStatus,
    pub(crate) revision: Revision,
    pub(crate) expires_at: Timestamp,
    pub(crate) submitted_at: Timestamp,
    /// When its status began.
    pub(crate) since: Timestamp,
    /// The revision at which it was received.
    pub(crate) received: Revision,
    pub(crate) reads: u32,
    /// How many progress reports it has made.
    pub(crate) reports: usize,
    pub(crate) due: Timestamp,
}

impl ActiveTask {
    /// Sets when the next step is due, or when the task expires.
    pub(crate) fn plan(&mut self, at: Timestamp) {
        let step = self.met(self.operation.pace(self.status), at);
        let due = [step, self.report(at).map(|(due, _)| due)].into_iter().flatten();
        self.due = due.fold(self.expires_at, Ord::min);
    }

    /// Returns when the pace of the current status is over. This is `at` if the task was read often
    /// enough.
    fn met(&self, pace: Pace, at: Timestamp) -> Option<Timestamp> {
        if pace.is_met_by(self.reads) { Some(at) } else { pace.due(self.since) }
    }

    /// Returns when the next report is due, and its progress.
    fn report(&self, at: Timestamp) -> Option<(Timestamp, Progress)> {
        let (pace, progress) = self.operation.report(self.status, self.reports)?;
        Some((self.met(pace, at)?, progress))
    }

    /// Returns the progress to report if a report is due.
    pub(crate) fn report_by(&self, at: Timestamp) -> Option<Progress> {
        self.report(at).filter(|(due, _)| *due <= at).map(|(_, progress)| progress)
    }
}
