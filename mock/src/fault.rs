//! Faults: error statuses, broken bodies and delays that a script asks for.

mod faults;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tasklife::{AccountId, TaskId};

use crate::error::Reason;

pub(crate) use faults::{Faults, whole_seconds};

/// A fault in some of the answers about a task, for a [script](crate::Script::with_fault).
///
/// ```
/// use std::time::Duration;
/// use tasklife_mock::{Fault, Pace, Script};
///
/// // The second read of a task gets a 503 that asks the client to wait for 5 seconds.
/// let busy = Fault::status(503).with_retry_after(Duration::from_secs(5)).on_read(2);
/// // One read in ten is not JSON, the same ones in each run.
/// let proxy = Fault::not_json().on_share_of_reads(0.1, 42);
/// // The task exists, but the client that submitted it does not learn its id.
/// let lost = Fault::cut_short().on_submission(1);
/// let script = Script::new(Pace::Reads(5)).with_fault(busy).with_fault(proxy).with_fault(lost);
/// ```
///
/// A fault applies to reads or to submissions:
///
/// - A *read* is a `GET` of the task. Reads are counted from 1 for each task, starting when the
///   task can be read.
/// - A *submission* is a request that the script applies to, retries included. Submissions are
///   counted from 1 for each account, starting when the script was set.
///
/// By default, a fault applies to every read. Of several calls such as [`on_read`](Self::on_read),
/// the last one counts.
///
/// Several faults on the same request add up: the first status, the first change to the body, and
/// the sum of all delays. For example, the page of a gateway that is down is a
/// [status](Self::status) and [no JSON](Self::not_json) on the same reads.
///
/// A request that gets a [status](Self::status) has no effect: nothing is submitted, and a read
/// does not count for a [pace](crate::Pace::Reads). Every other fault only affects the answer. The
/// mock has done what the request asked for, but the client learns of it late or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub(crate) action: Action,
    retry_after: Option<Duration>,
    counted: Counted,
    on: Selection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Status(u16),
    CutShort,
    NotJson,
    Delay(Duration),
}

/// What a fault counts to decide whether it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Reads,
    Submissions,
}

#[derive(Clone, Debug, PartialEq)]
enum Selection {
    All,
    /// The reads or submissions with these numbers, from 1.
    Numbers(Vec<u32>),
    /// A share from 0 to 1, selected by a seed.
    Share(f64, u64),
}

/// The kind of a fault, as the [journal](crate::Exchange::faults) records it.
///
/// As JSON it is `"status"`, `"cutShort"`, `"notJson"` or `"delay"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum FaultKind {
    /// [`Fault::status`].
    Status,
    /// [`Fault::cut_short`].
    CutShort,
    /// [`Fault::not_json`].
    NotJson,
    /// [`Fault::delay`].
    Delay,
}

/// The part of a fault that needs the client's connection.
///
/// [`MockApi::handle`](crate::MockApi::handle) stores it in the
/// [extensions](http::Response::extensions) of a response that has such a fault. The program
/// `tasklife-mock` waits for [`delay`](Self::delay), and closes the connection before the end of a
/// body that is cut short. If you serve the mock on your own socket, do the same. In a test without
/// a socket, read this to decide what the client would see: for example, a timeout if the delay is
/// longer than the client waits.
///
/// ```
/// use std::time::Duration;
/// use tasklife_mock::{Authentication, Fault, MockApi, Pace, Script, TransportFault, http, tasklife};
///
/// let api = MockApi::redis_cloud("/v1")?.with_authentication(Authentication::None("acme".parse()?));
/// let delay = Fault::delay(Duration::from_secs(30)).on_submission(1);
/// api.on_any(Script::new(Pace::Immediate).with_fault(delay))?;
/// let request = http::Request::post("/v1/subscriptions").body("{}")?;
/// let response = api.handle(&request, tasklife::MIN_TIME);
/// let fault: &TransportFault = response.extensions().get().unwrap();
/// assert_eq!(fault.delay, Duration::from_secs(30));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportFault {
    /// How long to wait before sending the response. Zero by default. This is real time, whatever
    /// `now` the requests have, because it tests the client's own timeouts.
    pub delay: Duration,
    /// Whether to close the connection after the body, which is incomplete.
    pub is_cut_short: bool,
}

impl Fault {
    /// Answers with this status and an error that explains it. [`MockApi::on`](crate::MockApi::on)
    /// accepts only 400 to 599.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::new(Action::Status(status))
    }

    /// Cuts the body in the middle. Without a socket, the body is only shorter. The program also
    /// closes the connection there, so that even a client that does not parse JSON notices.
    #[must_use]
    pub const fn cut_short() -> Self {
        Self::new(Action::CutShort)
    }

    /// Replaces the body with a page of HTML, as a proxy would send it. The status stays the same.
    #[must_use]
    pub const fn not_json() -> Self {
        Self::new(Action::NotJson)
    }

    /// Delays the answer. See [`TransportFault`].
    #[must_use]
    pub const fn delay(time: Duration) -> Self {
        Self::new(Action::Delay(time))
    }

    const fn new(action: Action) -> Self {
        Self { action, retry_after: None, counted: Counted::Reads, on: Selection::All }
    }

    /// Sets the `Retry-After` of the answer, in whole seconds, rounded up. By default it stays as
    /// it is. If several faults have one, a status comes before the others, and then the first one
    /// counts.
    #[must_use]
    pub const fn with_retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }

    /// Applies to the read with this number, from 1.
    #[must_use]
    pub fn on_read(self, number: u32) -> Self {
        self.on_reads([number])
    }

    /// Applies to the reads with these numbers, from 1, such as `1..=3`. Only the first 10,000
    /// numbers are used.
    #[must_use]
    pub fn on_reads(self, numbers: impl IntoIterator<Item = u32>) -> Self {
        Self { counted: Counted::Reads, on: numbered(numbers), ..self }
    }

    /// Applies to a share of the reads, from 0 to 1. The seed, the task id and the number of the
    /// read decide which ones, so they are the same in each run.
    #[must_use]
    pub fn on_share_of_reads(self, share: f64, seed: u64) -> Self {
        Self { counted: Counted::Reads, on: Selection::Share(share, seed), ..self }
    }

    /// Applies to the submission with this number, from 1.
    #[must_use]
    pub fn on_submission(self, number: u32) -> Self {
        self.on_submissions([number])
    }

    /// Applies to the submissions with these numbers, from 1. Only the first 10,000 numbers are
    /// used.
    #[must_use]
    pub fn on_submissions(self, numbers: impl IntoIterator<Item = u32>) -> Self {
        Self { counted: Counted::Submissions, on: numbered(numbers), ..self }
    }

    /// Applies to a share of the submissions, from 0 to 1. The seed, the account, the command type
    /// and the number of the submission decide which ones.
    #[must_use]
    pub fn on_share_of_submissions(self, share: f64, seed: u64) -> Self {
        Self { counted: Counted::Submissions, on: Selection::Share(share, seed), ..self }
    }

    /// Returns the kind that the journal records.
    pub(crate) const fn kind(&self) -> FaultKind {
        match self.action {
            Action::Status(_) => FaultKind::Status,
            Action::CutShort => FaultKind::CutShort,
            Action::NotJson => FaultKind::NotJson,
            Action::Delay(_) => FaultKind::Delay,
        }
    }

    /// Checks the fault, which is at this index in its script.
    pub(crate) fn check(&self, at: usize) -> Result<(), Reason> {
        let place = format!("faults[{at}] of ");
        let expected = |expected, got: String| Err(Reason::Script { expected, place, got });
        match (self.action, &self.on) {
            (Action::Status(status), _) if !(400..=599).contains(&status) => {
                expected("a status of 400 to 599", status.to_string())
            }
            (_, Selection::Share(share, _)) if !(0.0..=1.0).contains(share) => {
                expected("a share of 0 to 1", share.to_string())
            }
            (_, Selection::Numbers(numbers)) if numbers.contains(&0) => {
                expected("numbers of reads or submissions from 1 on", "0".into())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn counts(&self, counted: Counted) -> bool {
        self.counted == counted
    }

    /// Returns whether the fault applies to the read or submission with this number. `subject` is
    /// the task id or the command type.
    fn applies_to(&self, account: &AccountId, subject: &str, number: u32) -> bool {
        match &self.on {
            Selection::All => true,
            Selection::Numbers(numbers) => numbers.contains(&number),
            Selection::Share(share, seed) => {
                let hash = TaskId::for_key(account, &format!("{seed}\n{subject}\n{number}"));
                // The first 32 bits of a hash are as good as random.
                let chance = hash.as_uuid().as_fields().0;
                f64::from(chance) < share * 2_f64.powi(32)
            }
        }
    }
}

fn numbered(numbers: impl IntoIterator<Item = u32>) -> Selection {
    /// An iterator may be endless.
    const MOST: usize = 10_000;
    Selection::Numbers(numbers.into_iter().take(MOST).collect())
}
