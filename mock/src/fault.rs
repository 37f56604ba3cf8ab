//! What goes wrong with answers, on demand.

use std::time::Duration;

use http::header::{CONTENT_TYPE, ETAG, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tasklife::{AccountId, TaskId};

use crate::error::Reason;

/// What goes wrong with some of the answers about a task, for a [script](crate::Script::with_fault).
///
/// ```
/// use std::time::Duration;
/// use tasklife_mock::{Fault, Pace, Script};
///
/// // The second read of a task is answered with 503, and the client is asked to wait for 5 seconds.
/// let busy = Fault::status(503).with_retry_after(Duration::from_secs(5)).on_read(2);
/// // One read in ten has no JSON, the same ones in each run.
/// let proxy = Fault::not_json().on_share_of_reads(0.1, 42);
/// // The task is there, but whoever submitted it first isn't told.
/// let lost = Fault::cut_short().on_submission(1);
/// let script = Script::new(Pace::Reads(5)).with_fault(busy).with_fault(proxy).with_fault(lost);
/// ```
///
/// A *read* is a `GET` of the task, counted from 1 for each task, from when the task can be read. A *submission*
/// is a request that the script is for, repeated ones included, counted from 1 for each account since the script
/// was set. Unless it is said on which of them, a fault is on all reads; what is said last, counts. Where several
/// are on the same one, they add up: the first status, the first of what becomes of the body, and all silences. So
/// the page of a gateway that is down is a [status](Self::status) and [no JSON](Self::not_json), on the same reads.
///
/// A request that is answered with a [status](Self::status) has no effect: nothing is submitted, and a read doesn't
/// move the task on, as the [reads of a pace](crate::Pace::Reads) do. All other faults are of the answer alone: the
/// mock has done what it was asked to, and the client isn't told, or late.
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

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Reads,
    Submissions,
}

#[derive(Clone, Debug, PartialEq)]
enum Selection {
    All,
    /// Those with these numbers.
    Numbers(Vec<u32>),
    /// A share of them, chosen from a seed.
    Share(f64, u64),
}

/// What went wrong with an answer, as the [journal](crate::Exchange::faults) tells it.
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

/// What of the faults of an answer only those can do who have its socket. It is in the
/// [extensions](http::Response::extensions) of the response that
/// [`MockApi::handle`](crate::MockApi::handle) returns, where there is any.
///
/// The program `tasklife-mock` waits, and then ends the connection before the end of the body. Who serves the
/// mock on a socket of their own can do the same; without one, a test looks at this and decides what its
/// client sees: a time-out where its patience is shorter than the silence.
///
/// ```
/// use std::time::Duration;
/// use tasklife_mock::{TransportFault, Fault, Authentication, MockApi, Pace, Script, http, tasklife};
///
/// let api = MockApi::redis_cloud("/v1")?.with_authentication(Authentication::None("acme".parse()?));
/// let delay = Fault::delay(Duration::from_secs(30)).on_submission(1);
/// api.on_any(Script::new(Pace::Immediate).with_fault(delay))?;
/// let request = http::Request::post("/v1/subscriptions").body("{}")?;
/// let response = api.handle(&request, tasklife::MIN_TIME);
/// let transport_fault: &TransportFault = response.extensions().get().unwrap();
/// assert_eq!(transport_fault.delay, Duration::from_secs(30));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportFault {
    /// How long to wait before the answer is sent: none unless said. It is a time of the world, whatever `now`
    /// comes with the requests: what it tries are a client's own time-outs.
    pub delay: Duration,
    /// Whether the connection ends with the body, which is not whole.
    pub is_cut_short: bool,
}

impl Fault {
    /// The request is answered with this status, 400 to 599, and an error that says so.
    /// [`MockApi::on`](crate::MockApi::on) refuses any other.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::new(Action::Status(status))
    }

    /// The body ends in its middle. Without a socket it is just shorter;
    /// the program also ends the connection there, so that a client notices even
    /// if it doesn't read JSON.
    #[must_use]
    pub const fn cut_short() -> Self {
        Self::new(Action::CutShort)
    }

    /// The body is a page of HTML, as a proxy would send it, with the status of the answer.
    #[must_use]
    pub const fn not_json() -> Self {
        Self::new(Action::NotJson)
    }

    /// The answer comes after so long a silence. See [`TransportFault`].
    #[must_use]
    pub const fn delay(time: Duration) -> Self {
        Self::new(Action::Delay(time))
    }

    const fn new(action: Action) -> Self {
        Self { action, retry_after: None, counted: Counted::Reads, on: Selection::All }
    }

    /// Sets the `Retry-After` of the answer, in whole seconds, rounded up. Without it the answer has the one that it
    /// has anyway; of several faults with one, the first counts, and a status before all others.
    #[must_use]
    pub const fn with_retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }

    /// On the read with this number, from 1.
    #[must_use]
    pub fn on_read(self, number: u32) -> Self {
        self.on_reads([number])
    }

    /// On the reads with these numbers, from 1, such as `1..=3`. Of a range, the first 10,000 count.
    #[must_use]
    pub fn on_reads(self, numbers: impl IntoIterator<Item = u32>) -> Self {
        Self { counted: Counted::Reads, on: numbered(numbers), ..self }
    }

    /// On a share of the reads, 0 to 1. Selection ones depends on the seed, the task, and the number of the read,
    /// and on nothing else: they are the same in each run.
    #[must_use]
    pub fn on_share_of_reads(self, share: f64, seed: u64) -> Self {
        Self { counted: Counted::Reads, on: Selection::Share(share, seed), ..self }
    }

    /// On the submission with this number, from 1.
    #[must_use]
    pub fn on_submission(self, number: u32) -> Self {
        self.on_submissions([number])
    }

    /// On the submissions with these numbers, from 1. Of a range, the first 10,000 count.
    #[must_use]
    pub fn on_submissions(self, numbers: impl IntoIterator<Item = u32>) -> Self {
        Self { counted: Counted::Submissions, on: numbered(numbers), ..self }
    }

    /// On a share of the submissions, 0 to 1. Selection ones depends on the seed, the account, the command type and
    /// the number of the submission.
    #[must_use]
    pub fn on_share_of_submissions(self, share: f64, seed: u64) -> Self {
        Self { counted: Counted::Submissions, on: Selection::Share(share, seed), ..self }
    }

    /// What the journal calls it.
    pub(crate) const fn kind(&self) -> FaultKind {
        match self.action {
            Action::Status(_) => FaultKind::Status,
            Action::CutShort => FaultKind::CutShort,
            Action::NotJson => FaultKind::NotJson,
            Action::Delay(_) => FaultKind::Delay,
        }
    }

    /// Whether it can be, where it stands in a script.
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

    /// Whether it is on the read or submission with this number. `what` is what is counted.
    fn is_on(&self, account: &AccountId, what: &str, number: u32) -> bool {
        match &self.on {
            Selection::All => true,
            Selection::Numbers(numbers) => numbers.contains(&number),
            Selection::Share(share, seed) => {
                let hash = TaskId::for_key(account, &format!("{seed}\n{what}\n{number}"));
                // The first 32 bits of a hash are as good as random.
                let chance = hash.as_uuid().as_fields().0;
                f64::from(chance) < share * 2_f64.powi(32)
            }
        }
    }
}

fn numbered(numbers: impl IntoIterator<Item = u32>) -> Selection {
    /// A range may have no end.
    const MOST: usize = 10_000;
    Selection::Numbers(numbers.into_iter().take(MOST).collect())
}

/// The faults of one answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// A status and what becomes of the body, one of each at the most; and the silences.
    faults: Vec<Fault>,
}

impl Faults {
    /// Those that are on this one.
    pub(crate) fn select<'a>(
        faults: impl IntoIterator<Item = &'a Fault>,
        account: &AccountId,
        what: &str,
        number: u32,
    ) -> Self {
        let on = faults.into_iter().filter(|fault| fault.is_on(account, what, number));
        let mut faults: Vec<Fault> = on.cloned().collect();
        let rank = |fault: &Fault| match fault.action {
            Action::Status(_) => 0,
            Action::CutShort | Action::NotJson => 1,
            Action::Delay(_) => 2,
        };
        faults.sort_by_key(rank);
        let mut last = None;
        faults.retain(|fault| match rank(fault) {
            2 => true,
            rank => last.replace(rank) != Some(rank),
        });
        Self { faults }
    }

    /// The status that is answered in place of all else.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.faults.iter().find_map(|fault| match fault.action {
            Action::Status(status) => StatusCode::from_u16(status).ok(),
            _ => None,
        })
    }

    /// Does to an answer what is to be done to it: what of that was possible.
    pub(crate) fn apply(&self, response: &mut Response<String>) -> Vec<FaultKind> {
        let mut done = Vec::new();
        let mut transport_fault = TransportFault::default();
        let mut retry_after = self.faults.iter().filter_map(|fault| fault.retry_after);
        if let Some(time) = retry_after.next() {
            response.headers_mut().insert(RETRY_AFTER, whole_seconds(time).into());
        }
        for fault in &self.faults {
            match fault.action {
                // The answer has it already.
                Action::Status(_) => {}
                Action::Delay(time) => {
                    transport_fault.delay = transport_fault.delay.saturating_add(time);
                }
                // There is no body of which to take anything.
                _ if response.body().is_empty() => continue,
                Action::CutShort => {
                    let body = response.body_mut();
                    body.truncate(body.floor_char_boundary(body.len() / 2));
                    transport_fault.is_cut_short = true;
                }
                Action::NotJson => {
                    *response.body_mut() = PAGE.into();
                    let headers = response.headers_mut();
                    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
                    headers.remove(ETAG);
                }
            }
            if done.last() != Some(&fault.kind()) {
                done.push(fault.kind());
            }
        }
        if transport_fault != TransportFault::default() {
            response.extensions_mut().insert(transport_fault);
        }
        done
    }
}

/// A time in whole seconds, rounded up, as `Retry-After` has it.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// What a proxy has to say.
const PAGE: &str = "<html><body><h1>The server is not available.</h1></body></html>\n";
