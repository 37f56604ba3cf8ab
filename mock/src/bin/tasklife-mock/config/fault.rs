//! What goes wrong with some answers, as a script in the file has it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tasklife_mock::Fault;

/// What goes wrong with some answers: one of the first four, or several at once.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[serde(expecting = "an object such as {\"status\": 503, \"reads\": [2]}")]
pub(super) struct FaultConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut_short: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    not_json: bool,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<f64>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reads: Option<Which>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submissions: Option<Which>,
}

/// On which of the reads, or of the submissions.
#[derive(Clone, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, a list of numbers, or an object such as {\"share\": 0.1, \"seed\": 42}"
)]
enum Which {
    One(u32),
    These(Vec<u32>),
    Share(Share),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    share: f64,
    #[serde(default)]
    seed: u64,
}

impl FaultConfig {
    pub(super) fn faults(&self) -> Result<Vec<Fault>, String> {
        let delay = match self.delay.map(Duration::try_from_secs_f64) {
            Some(Err(_)) => {
                let got = self.delay.unwrap_or_default();
                return Err(format!("expected `delay` in seconds, got {got}"));
            }
            Some(Ok(time)) => Some(Fault::delay(time)),
            None => None,
        };
        if let Some(status) = self.status.filter(|status| !(400..=599).contains(status)) {
            return Err(format!("expected a `status` of 400 to 599, got {status}"));
        }
        if self.cut_short && self.not_json {
            return Err("expected `cutShort` or `notJson`, not both".into());
        }
        let all = [
            self.status.map(Fault::status),
            self.cut_short.then(Fault::cut_short),
            self.not_json.then(Fault::not_json),
            delay,
        ];
        let mut faults = Vec::new();
        for mut fault in all.into_iter().flatten() {
            if let Some(seconds) = self.retry_after {
                fault = fault.with_retry_after(Duration::from_secs(seconds.into()));
            }
            faults.push(self.on(fault)?);
        }
        if faults.is_empty() {
            return Err("expected `status`, `cutShort`, `notJson` or `delay`".into());
        }
        Ok(faults)
    }

    /// A fault, on the reads or submissions on which it is to be.
    fn on(&self, fault: Fault) -> Result<Fault, String> {
        /// As many as a fault takes.
        const MOST: usize = 10_000;
        let which = match (&self.reads, &self.submissions) {
            (Some(_), Some(_)) => return Err("expected `reads` or `submissions`, not both".into()),
            (reads, submissions) => reads.as_ref().or(submissions.as_ref()),
        };
        if let Some(Which::These(numbers)) = which
            && (numbers.is_empty() || numbers.len() > MOST)
        {
            return Err(format!("expected 1 to {MOST} numbers, got {}", numbers.len()));
        }
        Ok(match (which, self.reads.is_some()) {
            (None, _) => fault,
            (Some(Which::One(number)), true) => fault.on_read(*number),
            (Some(Which::These(numbers)), true) => fault.on_reads(numbers.iter().copied()),
            (Some(Which::Share(Share { share, seed })), true) => {
                fault.on_share_of_reads(*share, *seed)
            }
            (Some(Which::One(number)), false) => fault.on_submission(*number),
            (Some(Which::These(numbers)), false) => fault.on_submissions(numbers.iter().copied()),
            (Some(Which::Share(Share { share, seed })), false) => {
                fault.on_share_of_submissions(*share, *seed)
            }
        })
    }
}
