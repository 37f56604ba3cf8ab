//! The measurements. Each compares its results with the budgets.

pub mod accounts;
pub mod claims;
pub mod expiry;
pub mod json;
pub mod memory;
pub mod pauses;
pub mod store;
pub mod threads;
pub mod update;

use crate::label::number;
use crate::timing::{Spread, Timing};

/// The result for one budget.
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
    /// A tool is missing, or the size was not requested.
    NotMeasured,
    /// There is no budget.
    Stated,
}

impl Finding {
    /// Compares a number with an upper limit.
    ///
    /// A measured number misses the budget only if three rounds in four exceed the limit, so that
    /// noise has no effect.
    pub fn at_most(what: &str, at: String, limit: f64, unit: &str, got: impl Into<Spread>) -> Self {
        let got = got.into();
        let is_missed = got.low > limit;
        Self::judged(what, at, format!("≤ {limit}{unit}"), unit, got, is_missed)
    }

    /// Compares a number with a lower limit, like [`at_most`](Self::at_most).
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

    /// Reports a number without a budget.
    pub fn stated(what: &str, at: String, got: String) -> Self {
        let budget = "none".to_owned();
        Self { what: what.to_owned(), at, budget, got, verdict: Verdict::Stated }
    }

    pub fn not_measured(what: &str, at: String, budget: &str, why: &str) -> Self {
        let verdict = Verdict::NotMeasured;
        Self { what: what.to_owned(), at, budget: budget.to_owned(), got: why.to_owned(), verdict }
    }
}

/// The times of one operation at one size, for all candidates.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub operation: &'static str,
    pub tasks: usize,
    pub timings: Vec<Timing>,
}

impl Comparison {
    pub fn of(&self, name: &str) -> Option<&Timing> {
        self.timings.iter().find(|timing| timing.name == name)
    }

    /// Returns how many times slower one candidate is than another.
    pub fn ratio(&self, one: &str, other: &str) -> Spread {
        match (self.of(one), self.of(other)) {
            (Some(one), Some(other)) => one.ratio_to(other),
            _ => Spread::NONE,
        }
    }
}

/// The calls per second of each store by number of threads.
#[derive(Clone, Debug)]
pub struct Scaling {
    pub mix: &'static str,
    pub accounts: usize,
    pub threads: Vec<usize>,
    /// The timings of each store, one for each number of threads.
    pub stores: Vec<Vec<Timing>>,
}

impl Scaling {
    /// Returns the calls per second of several threads, divided by those of one, for tasklife.
    pub fn speed_up(&self, threads: usize) -> Option<Spread> {
        let at = self.threads.iter().position(|number| *number == threads)?;
        Some(self.stores[0][0].ratio_to(&self.stores[0][at]))
    }
}

/// The results of all measurements.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub budgets: Vec<Finding>,
    pub comparisons: Vec<Comparison>,
    pub scalings: Vec<Scaling>,
    /// Further tables: a title and the lines.
    pub notes: Vec<(String, Vec<String>)>,
}

/// The extent of a run.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The number of tasks in the largest store.
    pub most: usize,
    pub rounds: usize,
    /// Whether the rivals are measured too.
    pub rivals: bool,
}

impl Extent {
    /// Returns the sizes of the stores: 1,000 tasks, and ten times as many in each further step.
    pub fn sizes(&self) -> impl Iterator<Item = usize> {
        let most = self.most;
        std::iter::successors(Some(1_000), move |size| Some(size * 10).filter(|size| *size <= most))
    }
}
