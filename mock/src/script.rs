//! What becomes of a task, and of what it makes.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::error::Reason;
use crate::fault::Fault;
use crate::pace::Pace;
use tasklife::{AccountId, Completion, Progress, TaskError};

/// What becomes of a task, and of the resource that it makes, changes or deletes.
///
/// ```
/// use std::time::Duration;
/// use tasklife_mock::{Pace, Script};
/// use tasklife::{Completion, TaskError};
///
/// // Three reads of the task: received, in progress, completed. The resource: at once.
/// let quick = Script::new(Pace::Reads(3)).resource(Pace::Immediate);
///
/// // A minute in the queue, and then it never ends.
/// let stuck = Script::in_steps(Pace::After(Duration::from_secs(60)), Pace::Never);
///
/// let failing = Script::new(Pace::Immediate)
///     .failing(TaskError::new("DATABASE_NOT_ACTIVE", "The database is not active."));
///
/// let fixed = Script::new(Pace::Immediate).completing(|_body| Completion::of(51_000));
///
/// // Ten minutes, in which it tells how far it has come; and after its end was read once, it is gone.
/// let slow = Script::new(Pace::After(Duration::from_secs(600)))
///     .reporting([10, 50, 90])
///     .gone_after(Pace::Reads(1));
/// ```
///
/// What goes wrong with the answers about it, on demand, is a [`Fault`].
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
    /// With the resource that the operation is about.
    ByOperation,
    Completing(Arc<dyn Fn(&Value) -> Completion + Send + Sync>),
    Failing(Arc<TaskError>),
}

impl Script {
    /// As many as there are percentages.
    const MAX_REPORTS: usize = 101;

    /// A script in which the task ends at this pace: half of it `received`, half of it in progress.
    /// Its resource is `pending` at the same pace.
    ///
    /// With [`Pace::Never`] the task stays `received`, until somebody moves it in
    /// [the API's store](crate::MockApi::store); its resource is then not kept waiting.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        let [received, in_progress] = pace.halves();
        Self::in_steps(received, in_progress).resource(match pace {
            Pace::Never => Pace::Immediate,
            pace => pace,
        })
    }

    /// A script in which the task is `received` at one pace, and from then on in progress at
    /// another. Its resource is ready at once.
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

    /// Lets the task begin as `initialized`, at this pace, before it is received.
    #[must_use]
    pub fn initialized(mut self, pace: Pace) -> Self {
        self.initialized = Some(pace);
        self
    }

    /// Sets for whose requests it is, in place of all: one account's. It comes before all that are for every
    /// account, those of a command type included.
    #[must_use]
    pub fn for_account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// Lets the task report its progress while it is in progress, in percent of 0 to 100, in place of no
    /// report. The time in progress, or the number of reads, has as many equal parts as there are
    /// reports, and each begins with its report: the first comes with the start. Where there are fewer
    /// reads than reports, each read shows the last of its part. One that is lower than the
    /// one before is raised to it, as [always](tasklife::TaskEvent::report_of).
    /// [`MockApi::on`](crate::MockApi::on) refuses more than 100 percent, and more than 101 reports.
    #[must_use]
    pub fn reporting(mut self, percentages: impl IntoIterator<Item = u8>) -> Self {
        // One more than there may be, to know of it: they may have no end.
        self.reports = percentages.into_iter().take(Self::MAX_REPORTS + 1).collect();
        self
    }

    /// Lets something go wrong with the answers about the task, beside what does already.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Sets how long the task is there once it has ended; unless set, until it expires. Then it is gone:
    /// unknown where it is asked for, missing from lists, and a repeated `Idempotency-Key` makes
    /// another. What the task has made stays.
    ///
    /// With [`Pace::Reads`] its end is shown so many times, to `GET`s of the task that are not answered with a
    /// [status](Fault::status) in its place; with [`Pace::Immediate`] never.
    #[must_use]
    pub fn gone_after(mut self, pace: Pace) -> Self {
        self.gone = pace;
        self
    }

    /// Lets the task end in this error.
    #[must_use]
    pub fn failing(mut self, error: TaskError) -> Self {
        self.end = End::Failing(Arc::new(error));
        self
    }

    /// Lets the task end in a completion made from the request's body, in place of the usual one:
    /// the id of the resource, with the next free one for a resource that is made. Without a
    /// resource id in it, nothing is made. The body is `null` where there is none. It is looked at
    /// once, when the request comes, were it answered with an error in the end; a panic goes through
    /// [`handle`](crate::MockApi::handle).
    #[must_use]
    pub fn completing(
        mut self,
        end: impl Fn(&Value) -> Completion + Send + Sync + 'static,
    ) -> Self {
        self.end = End::Completing(Arc::new(end));
        self
    }

    /// Sets how long the resource is `pending`, or `deleting`, after the task has completed. A read
    /// is a `GET` of the resource that was answered with 200.
    #[must_use]
    pub fn resource(mut self, pace: Pace) -> Self {
        self.resource = pace;
        self
    }

    /// Lets the resource become `error` in place of `active`, or of gone.
    #[must_use]
    pub fn resource_failing(mut self) -> Self {
        self.resource_fails = true;
        self
    }
}

impl Script {
    /// Whether it can be.
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

    /// The report with this number, from 0.
    pub(crate) fn report(&self, number: usize) -> Option<Progress> {
        Progress::try_from(*self.reports.get(number)?).ok()
    }

    /// How much of the time in progress has passed when the report with this number is due.
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
