//! Prints histories as code.

use alloc::format;
use core::fmt;

use super::{Call, Filter, History, Limits, Step};
use crate::retention::CountedFrom;

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits {
            retention_nanos,
            counted_from,
            max_tasks,
            max_open,
            max_in_progress,
            takeover_after_nanos,
            max_attempts,
            max_output,
            drops_input_at_end,
        } = self.limits;
        write!(f, "History::new()")?;
        if let Some(nanos) = retention_nanos {
            write!(f, "\n    .with_retention_nanos({})", Grouped(nanos))?;
        }
        match counted_from {
            CountedFrom::Submission => {}
            CountedFrom::Update => write!(f, "\n    .with_retention_since_update()")?,
            CountedFrom::End => write!(f, "\n    .with_retention_since_end()")?,
        }
        if let Some(max_tasks) = max_tasks {
            write!(f, "\n    .with_max_tasks({max_tasks})")?;
        }
        if let Some(max_open) = max_open {
            write!(f, "\n    .with_max_open({max_open})")?;
        }
        if let Some(tasks) = max_in_progress {
            write!(f, "\n    .with_max_in_progress({tasks})")?;
        }
        if let Some(nanos) = takeover_after_nanos {
            write!(f, "\n    .with_takeover_after_nanos({})", Grouped(nanos.cast_signed()))?;
        }
        if let Some(attempts) = max_attempts {
            write!(f, "\n    .with_max_attempts({attempts})")?;
        }
        if let Some(bytes) = max_output {
            write!(f, "\n    .with_max_output({bytes})")?;
        }
        if drops_input_at_end {
            write!(f, "\n    .without_input_after_end()")?;
        }
        write_steps(f, &self.steps, "\n    ")?;
        self.threads.iter().try_for_each(|steps| {
            write!(f, "\n    .thread(\n        History::new()")?;
            write_steps(f, steps, "\n            ")?;
            write!(f, ",\n    )")
        })?;
        match &self.schedule {
            Some(schedule) => write!(f, "\n    .interleaved({schedule:?})"),
            None => Ok(()),
        }
    }
}

/// Writes one line for each step. Three or more submissions with consecutive ids share one line.
fn write_steps(f: &mut fmt::Formatter<'_>, steps: &[Step], indent: &str) -> fmt::Result {
    let is_next_id = |before: &Step, after: &Step| match (&before.call, &after.call) {
        (
            Call::Submit { account, id, request },
            Call::Submit { account: other, id: next, request: same },
        ) => {
            (before.at, account, request) == (after.at, other, same)
                && id.checked_add(1) == Some(*next)
        }
        _ => false,
    };
    steps.chunk_by(is_next_id).try_for_each(|steps| match steps {
        [Step { at, call: Call::Submit { account, id, request } }, .., last] if steps.len() > 2 => {
            let Call::Submit { id: end, .. } = last.call else { return Ok(()) };
            let at = Grouped(*at);
            write!(f, "{indent}.submit_all({at}, {account}, {id}..={end}, Request::{request:?})")
        }
        steps => steps.iter().try_for_each(|step| write!(f, "{indent}{step}")),
    })
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Grouped(self.at);
        match &self.call {
            Call::Submit { account, id, request } => {
                write!(f, ".submit({at}, {account}, {id}, Request::{request:?})")
            }
            Call::Apply { account, id, expected, event } => {
                write!(
                    f,
                    ".apply({at}, {account}, {id}, ExpectedRevision::{expected:?}, Event::{event:?})"
                )
            }
            Call::Claim(None) => write!(f, ".claim({at})"),
            Call::Claim(Some(account)) => write!(f, ".claim_account({at}, {account})"),
            Call::Get { account, id } => write!(f, ".get({at}, {account}, {id})"),
            Call::List { account, limit, filter, after: None } => {
                let limit = Grouped::count(*limit);
                write!(f, ".list({at}, {account}, {limit}, {filter})")
            }
            Call::List { account, limit, filter, after: Some(ago) } => {
                let limit = Grouped::count(*limit);
                write!(f, ".list_after({at}, {account}, {limit}, {filter}, {ago})")
            }
            Call::ListAll { account, limit, filter } => {
                let limit = Grouped::count(*limit);
                write!(f, ".list_all({at}, {account}, {limit}, {filter})")
            }
            Call::NextPage { account, limit } => {
                let limit = Grouped::count(*limit);
                write!(f, ".next_page({at}, {account}, {limit})")
            }
            Call::Sweep { limit } => {
                let limit = Grouped::count(*limit);
                write!(f, ".sweep({at}, {limit})")
            }
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str("Filter::default()");
        }
        f.write_str("Filter {")?;
        for (field, status) in [("status", self.status), ("or_status", self.or_status)] {
            if let Some(status) = status {
                write!(f, " {field}: Some(tasklife::TaskStatus::{status:?}),")?;
            }
        }
        if let Some(ago) = self.since_page {
            write!(f, " since_page: Some({ago}),")?;
        }
        f.write_str(" ..Filter::default() }")
    }
}

/// A number with its digits in groups of three, as clippy demands of literals.
struct Grouped(i64);

impl Grouped {
    fn count(count: usize) -> Self {
        Self(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let digits = format!("{}", self.0.unsigned_abs());
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place) % 3 == 0 {
                f.write_str("_")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}
