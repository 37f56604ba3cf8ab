//! A task on its way: when it moves next, and to what.

use tasklife::{Now, Progress, Revision, TaskStatus};

use crate::accepted::Accepted;
use crate::pace::Pace;

/// A task on its way.
pub(crate) struct ActiveTask {
    pub(crate) operation: Accepted,
    pub(crate) number: u64,
    pub(crate) status: TaskStatus,
    pub(crate) revision: Revision,
    pub(crate) expires_at: Now,
    pub(crate) submitted_at: Now,
    /// When it came to its status.
    pub(crate) since: Now,
    /// The revision of its reception.
    pub(crate) received: Revision,
    pub(crate) reads: u32,
    /// How often it has reported its progress.
    pub(crate) reports: usize,
    pub(crate) due: Now,
}

impl ActiveTask {
    /// Sets when it moves by itself, or expires, as things stand at an instant.
    pub(crate) fn plan(&mut self, at: Now) {
        let step = self.met(self.operation.pace(self.status), at);
        let due = [step, self.report(at).map(|(due, _)| due)].into_iter().flatten();
        self.due = due.fold(self.expires_at, Ord::min);
    }

    /// When it has been as it is for so long; or this instant, where it was read so often.
    fn met(&self, pace: Pace, at: Now) -> Option<Now> {
        if pace.is_met_by(self.reads) { Some(at) } else { pace.due(self.since) }
    }

    /// When it reports its progress next, and which.
    fn report(&self, at: Now) -> Option<(Now, Progress)> {
        let (pace, progress) = self.operation.report(self.status, self.reports)?;
        Some((self.met(pace, at)?, progress))
    }

    /// The report that is due by an instant.
    pub(crate) fn report_by(&self, at: Now) -> Option<Progress> {
        self.report(at).filter(|(due, _)| *due <= at).map(|(_, progress)| progress)
    }
}
