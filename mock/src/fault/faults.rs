//! Selects the faults of an answer, and applies them.

use std::time::Duration;

use http::header::{CONTENT_TYPE, ETAG, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use tasklife::AccountId;

use super::{Action, Fault, FaultKind, TransportFault};

/// The faults that apply to one answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// At most one status, at most one change to the body, and any number of delays, in this order.
    faults: Vec<Fault>,
}

impl Faults {
    /// Selects the faults that apply to the read or submission with this number.
    pub(crate) fn select<'a>(
        faults: impl IntoIterator<Item = &'a Fault>,
        account: &AccountId,
        subject: &str,
        number: u32,
    ) -> Self {
        let on = faults.into_iter().filter(|fault| fault.applies_to(account, subject, number));
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

    /// Returns the status that replaces the answer.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.faults.iter().find_map(|fault| match fault.action {
            Action::Status(status) => StatusCode::from_u16(status).ok(),
            _ => None,
        })
    }

    /// Applies the faults to a response, and returns the kinds of those that had an effect.
    pub(crate) fn apply(&self, response: &mut Response<String>) -> Vec<FaultKind> {
        let mut done = Vec::new();
        let mut transport_fault = TransportFault::default();
        let mut retry_after = self.faults.iter().filter_map(|fault| fault.retry_after);
        if let Some(time) = retry_after.next() {
            response.headers_mut().insert(RETRY_AFTER, whole_seconds(time).into());
        }
        for fault in &self.faults {
            match fault.action {
                // The response already has this status.
                Action::Status(_) => {}
                Action::Delay(time) => {
                    transport_fault.delay = transport_fault.delay.saturating_add(time);
                }
                // An empty body cannot be changed.
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

/// Returns a duration in whole seconds, rounded up, for `Retry-After`.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// The body that a proxy would send.
const PAGE: &str = "<html><body><h1>The server is not available.</h1></body></html>\n";
