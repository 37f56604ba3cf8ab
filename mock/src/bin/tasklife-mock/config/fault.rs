//! Faults of a script, in JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tasklife_mock::Fault;

/// A fault in some answers. At least one of `status`, `cut_short`, `not_json` and `delay` is set.
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
    reads: Option<Selection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submissions: Option<Selection>,
}

/// The reads or submissions that a fault applies to.
#[derive(Clone, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, a list of numbers, or an object such as {\"share\": 0.1, \"seed\": 42}"
)]
enum Selection {
    Number(u32),
    Numbers(Vec<u32>),
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
                let (most, got) = (u64::MAX, self.delay.unwrap_or_default());
                return Err(format!("expected a `delay` from 0 to {most} seconds, got {got}"));
            }
            Some(Ok(time)) => Some(Fault::delay(time)),
            None => None,
        };
        if let Some(status) = self.status.filter(|status| !(400..=599).contains(status)) {
            return Err(format!("expected a `status` from 400 to 599, got {status}"));
        }
        if self.cut_short && self.not_json {
            return Err("expected `cutShort` or `notJson`, not both".into());
        }
        let kinds = [
            self.status.map(Fault::status),
            self.cut_short.then(Fault::cut_short),
            self.not_json.then(Fault::not_json),
            delay,
        ];
        let mut faults = Vec::new();
        for mut fault in kinds.into_iter().flatten() {
            if let Some(seconds) = self.retry_after {
                fault = fault.with_retry_after(Duration::from_secs(seconds.into()));
            }
            faults.push(self.select(fault)?);
        }
        if faults.is_empty() {
            return Err(
                "expected one or more of `status`, `cutShort`, `notJson` and `delay`".into()
            );
        }
        Ok(faults)
    }

    /// Restricts a fault to the selected reads or submissions.
    fn select(&self, fault: Fault) -> Result<Fault, String> {
        /// The limit of [`Fault::on_reads`].
        const MAX_NUMBERS: usize = 10_000;
        let selection = match (&self.reads, &self.submissions) {
            (Some(_), Some(_)) => return Err("expected `reads` or `submissions`, not both".into()),
            (reads, submissions) => reads.as_ref().or(submissions.as_ref()),
        };
        if let Some(Selection::Numbers(numbers)) = selection
            && (numbers.is_empty() || numbers.len() > MAX_NUMBERS)
        {
            return Err(format!("expected 1 to {MAX_NUMBERS} numbers, got {}", numbers.len()));
        }
        Ok(match (selection, self.reads.is_some()) {
            (None, _) => fault,
            (Some(Selection::Number(number)), true) => fault.on_read(*number),
            (Some(Selection::Numbers(numbers)), true) => fault.on_reads(numbers.iter().copied()),
            (Some(Selection::Share(Share { share, seed })), true) => {
                fault.on_share_of_reads(*share, *seed)
            }
            (Some(Selection::Number(number)), false) => fault.on_submission(*number),
            (Some(Selection::Numbers(numbers)), false) => {
                fault.on_submissions(numbers.iter().copied())
            }
            (Some(Selection::Share(Share { share, seed })), false) => {
                fault.on_share_of_submissions(*share, *seed)
            }
        })
    }
}
