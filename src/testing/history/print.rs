//! Histories as code, to be pasted into a test.

use alloc::format;
use core::fmt;

use super::{Call, Filter, History, Limits, Step};

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits { retention_nanos, since_update, max_tasks, .. } = self.limits;
        let Limits { max_open, max_in_progress, takeover_nanos, max_attempts, .. } = self.limits;
        write!(f, "History::new()")?;
        if let Some(nanos) = retention_nanos {
            write!(f, "\n    .with_retention_nanos({})", Grouped(nanos))?;
        }
        if since_update {
            write!(f, "\n    .with_retention_since_update()")?;
        }
        if let Some(total) = max_tasks {
            write!(f, "\n    .with_max_tasks({total})")?;
        }
        if let Some(open) = max_open {
            write!(f, "\n    .with_max_open({open})")?;
        }
        if let Some(width) = max_in_progress {
            write!(f, "\n    .with_max_in_progress({width})")?;
        }
        if let Some(nanos) = takeover_nanos {
            write!(f, "\n    .with_takeover_nanos({})", Grouped(nanos.cast_signed()))?;
        }
        if let Some(attempts) = max_attempts {
            write!(f, "\n    .with_max_attempts({attempts})")?;
        }
        self.steps.iter().try_for_each(|step| write!(f, "\n    {step}"))?;
        self.threads.iter().try_for_each(|steps| {
            write!(f, "\n    .thread(\n        History::new()")?;
            steps.iter().try_for_each(|step| write!(f, "\n            {step}"))?;
            write!(f, ",\n    )")
        })?;
        match &self.schedule {
            Some(schedule) => write!(f, "\n    .interleaved({schedule:?})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Grouped(self.at);
        match &self.call {
            Call::Submit { account, id, request } => {
                write!(f, ".submit({at}, {account}, {id}, Request::{request:?})")
            }
            Call::Apply { account, id, guard, event } => {
                write!(f, ".apply({at}, {account}, {id}, Guard::{guard:?}, Event::{event:?})")
            }
            Call::Claim(None) => write!(f, ".claim({at})"),
            Call::Claim(Some(account)) => write!(f, ".claim_of({at}, {account})"),
            Call::Get { account, id } => write!(f, ".get({at}, {account}, {id})"),
            Call::List { account, limit, filter, after: None } => {
                write!(f, ".list({at}, {account}, {limit}, {filter})")
            }
            Call::List { account, limit, filter, after: Some(ago) } => {
                write!(f, ".list_after({at}, {account}, {limit}, {filter}, {ago})")
            }
            Call::ListAll { account, limit, filter } => {
                write!(f, ".list_all({at}, {account}, {limit}, {filter})")
            }
            Call::Walk { account, limit } => write!(f, ".walk({at}, {account}, {limit})"),
            Call::Sweep { limit } => write!(f, ".sweep({at}, {limit})"),
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

/// A number of nanoseconds with its digits in groups of three.
struct Grouped(i64);

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
