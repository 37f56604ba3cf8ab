//! The rows of the budget: each measures, and says what it found.

pub mod accounts;
pub mod claims;
pub mod expiry;
pub mod json;
pub mod memory;
pub mod pauses;
pub mod store;
pub mod threads;
pub mod update;

use crate::contest::{Spread, Timing};

/// What a row found about one budget.
#[derive(Clone, Debug)]
pub struct Finding {
    pub what: String,
    pub at: String,
    pub budget: String,
    pub got: String,
    pub verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Met,
    Missed,
    /// It takes a tool that is not there, or a size that was not asked for.
    NotMeasured,
    /// There is no budget: the number is for the reader.
    Stated,
}

impl Finding {
    /// A number that must not exceed a limit. One that was measured exceeds it only if most of what was
    /// measured does, so that noise misses no budget.
    pub fn at_most(what: &str, at: String, limit: f64, unit: &str, got: impl Into<Spread>) -> Self {
        let got = got.into();
        let is_missed = got.low > limit;
        Self::judged(what, at, format!("≤ {limit}{unit}"), unit, got, is_missed)
    }

    /// A number that must not fall below a limit, likewise.
    pub fn at_least(
        what: &str,
        at: String,
        limit: f64,
        unit: &str,
        got: impl Into<Spread>,
    ) -> Self {
        let got = got.into();
        let is_missed = got.high < limit;
        Self::judged(what, at, format!("≥ {limit}{unit}"), unit, got, is_missed)
    }

    fn judged(
        what: &str,
        at: String,
        budget: String,
        unit: &str,
        got: Spread,
        is_missed: bool,
    ) -> Self {
        let verdict = match is_missed {
            _ if got.median.is_nan() => Verdict::NotMeasured,
            true => Verdict::Missed,
            false => Verdict::Met,
        };
        let Spread { low, median, high } = got;
        let is_exact = low.total_cmp(&high).is_eq();
        let spread = format!(" ({}–{})", number(low), number(high));
        let spread = if is_exact { "" } else { &spread };
        let got = format!("{}{unit}{spread}", number(median));
        Self { what: what.to_owned(), at, budget, got, verdict }
    }

    /// What is only told.
    pub fn stated(what: &str, at: String, got: String) -> Self {
        let budget = "stated".to_owned();
        Self { what: what.to_owned(), at, budget, got, verdict: Verdict::Stated }
    }

    pub fn not_measured(what: &str, at: String, budget: &str, why: &str) -> Self {
        let verdict = Verdict::NotMeasured;
        Self { what: what.to_owned(), at, budget: budget.to_owned(), got: why.to_owned(), verdict }
    }
}

/// The times of one operation at one size.
#[derive(Clone, Debug)]
pub struct Race {
    pub operation: &'static str,
    pub tasks: usize,
    pub timings: Vec<Timing>,
}

impl Race {
    pub fn of(&self, name: &str) -> Option<&Timing> {
        self.timings.iter().find(|timing| timing.name == name)
    }

    /// How many times slower one is than another.
    pub fn ratio(&self, one: &str, other: &str) -> Spread {
        match (self.of(one), self.of(other)) {
            (Some(one), Some(other)) => one.ratio_to(other),
            _ => Spread::NONE,
        }
    }
}

/// What all rows found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub budgets: Vec<Finding>,
    pub races: Vec<Race>,
    pub scalings: Vec<threads::Scaling>,
    /// Tables beside the budgets: a title, and the lines.
    pub notes: Vec<(String, Vec<String>)>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The largest store.
    pub most: usize,
    pub rounds: usize,
    /// Whether the rivals are measured, too.
    pub rivals: bool,
}

impl Extent {
    /// The sizes of stores, from a thousand tasks on.
    pub fn sizes(&self) -> impl Iterator<Item = usize> {
        let most = self.most;
        std::iter::successors(Some(1_000), move |size| Some(size * 10).filter(|size| *size <= most))
    }
}

/// A number with three digits that matter.
pub fn number(number: f64) -> String {
    match number {
        n if n.is_nan() => "–".to_owned(),
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

/// A time in the unit that fits.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n.is_nan() => "–".to_owned(),
        n if n < 1e3 => format!("{} ns", number(n)),
        n if n < 1e6 => format!("{} µs", number(n / 1e3)),
        n => format!("{} ms", number(n / 1e6)),
    }
}

/// A count of tasks or accounts: 1k, 10k, 1M.
pub fn count(count: usize) -> String {
    match count {
        n if n >= 1_000_000 && n.is_multiple_of(1_000_000) => format!("{}M", n / 1_000_000),
        n if n >= 1_000 && n.is_multiple_of(1_000) => format!("{}k", n / 1_000),
        n => n.to_string(),
    }
}
