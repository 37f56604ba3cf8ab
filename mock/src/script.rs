//! How a task goes and how it ends.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::error::Reason;
use crate::fault::Fault;
use crate::pace::Pace;
use tasklife::{AccountId, Completion, Progress, TaskError};

/// A script for a task: how long it stays in each status, how it ends, and how the resource that it
/// makes, changes or deletes goes on.
///
/// ```
/// use std::time::Duration;
/// use tasklife_mock::{Pace, Script};
/// use tasklife::{Completion, TaskError};
///
/// // The third read shows that the task has completed. The resource is ready at once.
/// let quick = Script::new(Pace::Reads(3)).resource(Pace::Immediate);
///
/// // Received for a minute, and then in progress forever
/// let stuck = Script::in_steps(Pace::After(Duration::from_secs(60)), Pace::Never);
///
/// let failing = Script::new(Pace::Immediate)
///     .failing(TaskError::new("DATABASE_NOT_ACTIVE", "The database is not active."));
///
/// let fixed = Script::new(Pace::Immediate).completing(|_body| Completion::of(51_000));
///
/// // In ten minutes, with progress reports. The first read of its end is the last one.
/// let slow = Script::new(Pace::After(Duration::from_secs(600)))
///     .reporting([10, 50, 90])
///     .gone_after(Pace::Reads(1));
/// ```
///
/// To make answers about the task go wrong, add a [`Fault`].
#[derive(Clone)]
pub struct Script {
    pub(crate) account: Option<AccountId>,
    pub(crate) initialized: Option<Pace>,
    pub(crate) received: Pace,
    pub(crate) in_progress: Pace,
    pub(crate) reports: Vec<u8>,
    pub(crate) end: End,
    pub(crate) gone: Pace,
    pub(crate) faults: Vec<Fault>,
    pub(crate) resource: Pace,
    pub(crate) resource_fails: bool,
}

/// How a task ends.
#[derive(Clone)]
pub(crate) enum End {
    /// As the operation does.
    ByOperation,
    Completing(Arc<dyn Fn(&Value) -> Completion + Send + Sync>),
    Failing(Arc<TaskError>),
}

impl Script {
    /// One for each percentage from 0 to 100.
    const MAX_REPORTS: usize = 101;

    /// Creates a script in which the task ends at this pace: it is `received` for one half and in
    /// progress for the other. Its resource is `pending` for the same time.
    ///
    /// With [`Pace::Never`], the task stays `received` until you move it in [the API's
    /// store](crate::MockApi::store). Its resource is then ready at once.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        let [received, in_progress] = pace.halves();
        Self::in_steps(received, in_progress).resource(match pace {
            Pace::Never => Pace::Immediate,
            pace => pace,
        })
    }

    /// Creates a script with a pace for each of the statuses `received` and in progress. Its
    /// resource is ready at once.
    #[must_use]
    pub fn in_steps(received: Pace, in_progress: Pace) -> Self {
        Self {
            account: None,
            initialized: None,
            received,
            in_progress,
            reports: Vec::new(),
            end: End::ByOperation,
            gone: Pace::Never,
            faults: Vec::new(),
            resource: Pace::Immediate,
            resource_fails: false,
        }
    }

    /// Lets the task begin as `initialized`, and receives it at this pace.
    #[must_use]
    pub fn initialized(mut self, pace: Pace) -> Self {
        self.initialized = Some(pace);
        self
    }

    /// Restricts the script to the requests of one account. By default it is for every account.
    /// Scripts for the request's account come before all scripts for every account, even before
    /// those for its command type.
    #[must_use]
    pub fn for_account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// Lets the task report its progress while it is in progress, as percentages from 0 to 100. By
    /// default it reports nothing.
    ///
    /// The time in progress, or the number of reads, is divided into as many equal parts as there
    /// are reports. Each part begins with its report, so the first report comes when the task
    /// starts. For example, over 30 seconds, `[10, 50, 90]` are reported after 0, 10 and 20
    /// seconds. If there are fewer reads than reports, each read shows the last report of its part.
    /// As [always](tasklife::TaskEvent::report_of), a percentage below the previous one is raised
    /// to it.
    ///
    /// [`MockApi::on`](crate::MockApi::on) refuses percentages over 100, and more than 101 reports.
    #[must_use]
    pub fn reporting(mut self, percentages: impl IntoIterator<Item = u8>) -> Self {
        // One more than the limit, so that `check` can refuse it. The iterator may be endless.
        self.reports = percentages.into_iter().take(Self::MAX_REPORTS + 1).collect();
        self
    }

    /// Adds a fault in the answers about the task.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Removes the task this long after its end. By default it stays until it expires. A removed
    /// task gets a 404 and is missing from lists, and its `Idempotency-Key` creates a new task.
    /// What the task has made stays.
    ///
    /// With [`Pace::Reads(n)`](Pace::Reads), the end is shown to `n` `GET`s of the task, not
    /// counting those that get a [status](Fault::status) instead. With [`Pace::Immediate`], it is
    /// never shown.
    #[must_use]
    pub fn gone_after(mut self, pace: Pace) -> Self {
        self.gone = pace;
        self
    }

    /// Lets the task fail with this error.
    #[must_use]
    pub fn failing(mut self, error: TaskError) -> Self {
        self.end = End::Failing(Arc::new(error));
        self
    }

    /// Lets the task complete with what `end` makes of the request's body. By default, the
    /// completion names the resource of the operation; a new resource gets the next free id.
    ///
    /// If the completion has no resource id, nothing is made. The body is `null` if there is none.
    /// `end` runs once, when the request arrives, even if the request is then refused. If it
    /// panics, the panic propagates through [`handle`](crate::MockApi::handle).
    #[must_use]
    pub fn completing(
        mut self,
        end: impl Fn(&Value) -> Completion + Send + Sync + 'static,
    ) -> Self {
        self.end = End::Completing(Arc::new(end));
        self
    }

    /// Sets how long the resource is `pending` or `deleting` after the task has completed. A
    /// [read](Pace::Reads) is a `GET` of the resource that gets a 200.
    #[must_use]
    pub fn resource(mut self, pace: Pace) -> Self {
        self.resource = pace;
        self
    }

    /// Lets the resource become `error`, instead of `active` or gone.
    #[must_use]
    pub fn resource_failing(mut self) -> Self {
        self.resource_fails = true;
        self
    }
}

impl Script {
    /// Checks the percentages and the faults.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        let expected =
            |expected, got: String| Err(Reason::Script { expected, place: String::new(), got });
        if self.reports.len() > Self::MAX_REPORTS {
            let most = "at most 101 reports";
            return expected(most, "more".into());
        }
        match self.reports.iter().find(|percent| Progress::try_from(**percent).is_err()) {
            Some(percent) => expected("a report of 0 to 100 percent", percent.to_string()),
            None => self.faults.iter().enumerate().try_for_each(|(at, fault)| fault.check(at)),
        }
    }

    /// Returns the percentage of a report, by its number from 0.
    pub(crate) fn report(&self, number: usize) -> Option<Progress> {
        Progress::try_from(*self.reports.get(number)?).ok()
    }

    /// Returns when the report with this number is due, counted from the start.
    pub(crate) fn pace_of_report(&self, number: usize) -> Pace {
        let parts = u32::try_from(self.reports.len()).unwrap_or(u32::MAX).max(1);
        let passed = u32::try_from(number).unwrap_or(u32::MAX);
        match self.in_progress {
            _ if passed == 0 => Pace::Immediate,
            Pace::After(time) => Pace::After(time.saturating_mul(passed) / parts),
            Pace::Reads(reads) => {
                let reads = u64::from(reads) * u64::from(passed) / u64::from(parts);
                Pace::Reads(u32::try_from(reads).unwrap_or(u32::MAX))
            }
            pace => pace,
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("account", &self.account)
            .field("initialized", &self.initialized)
            .field("received", &self.received)
            .field("in_progress", &self.in_progress)
            .field("reports", &self.reports)
            .field("end", &self.end)
            .field("gone", &self.gone)
            .field("faults", &self.faults)
            .field("resource", &self.resource)
            .field("resource_fails", &self.resource_fails)
            .finish()
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByOperation => f.write_str("by the operation"),
            Self::Completing(_) => f.write_str("completing, by a function"),
            Self::Failing(error) => write!(f, "failing with {error}"),
        }
    }
}
