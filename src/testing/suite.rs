//! The conformance suite: a store's histories, beside the model's.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::check::LawBreach;
use super::concurrent::check_order;
use super::coverage::{Coverage, CoverageTracker};
use super::history::History;
use super::law::Law;
use super::model::Model;
use super::operation::{BlockOn, Park};
use super::runner::Runner;
use super::strategy::{concurrent, interleaved, numbered};
use crate::store::{AsyncTaskStore, InProcess, StoreConfig};

/// The conformance suite: checks a store against a law, with random histories that are run on the
/// store and on the [`Model`](super::Model) beside it.
///
/// [`conformance!`](crate::conformance) makes a test of each law. The suite itself is for those who
/// want the finding rather than a failed test.
///
/// The same seed gives the same histories. Nothing is written, and nothing is global.
///
/// ```
/// use tasklife::testing::{Law, Park, Suite};
/// use tasklife::{InProcess, MemoryStore};
///
/// let suite = Suite::new().with_cases(16).with_seed(7);
/// suite.check(Law::S6, |config| InProcess(MemoryStore::new(config)), &Park)?;
/// # Ok::<(), Box<tasklife::testing::Breach>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    cases: u32,
    seed: u64,
}

impl Default for Suite {
    /// 1000 cases, seed 0.
    fn default() -> Self {
        Self { cases: 1_000, seed: 0 }
    }
}

impl Suite {
    /// 1000 cases, seed 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many histories are run, each on a fresh store: 1000 unless set. Most have up to 60
    /// calls, a few more. Fewer find less; they are for stores that are slow. Of law S13, a case is four
    /// interleaved histories, or one that is run four times on threads.
    #[must_use]
    pub const fn with_cases(mut self, cases: u32) -> Self {
        self.cases = cases;
        self
    }

    /// Sets the seed from which the histories are made: 0 unless set.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Checks a law on stores that `make` makes, each fresh and empty.
    ///
    /// # Errors
    /// Where a store breaks the law: what it did, and a short history in which it does.
    pub fn check<S: AsyncTaskStore>(
        &self,
        law: Law,
        make: impl Fn(StoreConfig) -> S,
        executor: &impl BlockOn,
    ) -> Result<(), Box<Breach>> {
        let of_law = Some(law);
        let run =
            |history: History| match breach(&history, &make, executor, of_law, Repeats::SEARCH) {
                Some(found) => Err(TestCaseError::fail(found.what)),
                None => Ok(()),
            };
        match self.run_all(law, run) {
            Ok(()) => Ok(()),
            Err(TestError::Abort(why)) => {
                let what = format!("the suite gave up: {why}");
                Err(Box::new(Breach { law, what, history: History::new() }))
            }
            Err(TestError::Fail(what, history)) => {
                let still = |history: &History| {
                    breach(history, &make, executor, of_law, Repeats::SHORTEN)
                        .map(|found| found.what)
                };
                let (history, what) = shortened(history, what.message().into(), still);
                Err(Box::new(Breach { law, what, history }))
            }
        }
    }

    /// How often the histories of a law call each method in each [`StoreState`](super::StoreState): what a
    /// run of [`check`](Self::check) tries out. Of law S13, where calls are made at the same time, there is nothing to count.
    #[must_use]
    pub fn coverage(&self, law: Law) -> Coverage {
        let mut coverage = Coverage::default();
        if law.is_concurrent() {
            return coverage;
        }
        let counted = core::cell::RefCell::new(&mut coverage);
        let count = |history: History| {
            let store = InProcess(Mutex::new(Model::new(history.config())));
            let mut runner = Runner::new(&history, &store, &Park, false);
            runner.checker.coverage = Some(CoverageTracker::new());
            if let Some(tracker) = runner.run_to_end(&history).coverage {
                counted.borrow_mut().add(&tracker.coverage);
            }
            Ok(())
        };
        let _ = self.run_all(law, count);
        coverage
    }

    /// Runs all histories of a law, in the order of their numbers, until one fails.
    #[expect(clippy::result_large_err, reason = "as proptest has it")]
    fn run_all(
        &self,
        law: Law,
        run: impl Fn(History) -> Result<(), TestCaseError>,
    ) -> Result<(), TestError<History>> {
        let mut runner = self.runner();
        for number in 0..self.cases {
            let (histories, count) = if !law.is_concurrent() {
                (numbered(law, number), 1)
            } else if number < self.cases / 2 {
                // First those that can be repeated; as many as those of threads are.
                (interleaved().boxed(), Repeats::SEARCH)
            } else {
                (concurrent().boxed(), 1)
            };
            for _ in 0..count {
                let history = histories.new_tree(&mut runner).map_err(TestError::Abort)?;
                runner.run_one(history, &run)?;
            }
        }
        Ok(())
    }

    fn runner(&self) -> TestRunner {
        let config = Config {
            cases: self.cases,
            max_shrink_iters: 512,
            failure_persistence: None,
            ..Config::default()
        };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
    }
}

/// How often a history with threads is run, until it is a breach: what threads do differs.
struct Repeats;

impl Repeats {
    const SEARCH: u32 = 4;
    const SHORTEN: u32 = 12;
    const REPLAY: u32 = 64;
}

/// The history without whatever it does not need to be a breach.
///
/// Generators shrink values one by one, and a call that could not be left out at first often can be
/// once its neighbours are simpler.
fn shortened(
    mut history: History,
    mut what: String,
    breach: impl Fn(&History) -> Option<String>,
) -> (History, String) {
    loop {
        let simpler = history.simpler();
        let mut breaches =
            simpler.filter_map(|simpler| breach(&simpler).map(|what| (simpler, what)));
        let Some(found) = breaches.next() else { break };
        drop(breaches);
        (history, what) = found;
    }
    (history, what)
}

/// What a store does in a history that a law forbids: this one, or any.
fn breach<S: AsyncTaskStore>(
    history: &History,
    make: &impl Fn(StoreConfig) -> S,
    executor: &impl BlockOn,
    law: Option<Law>,
    runs: u32,
) -> Option<LawBreach> {
    let is_asked_for = |found: &LawBreach| law.is_none_or(|law| law == found.law);
    if !history.threads.is_empty() {
        let runs = if history.schedule.is_some() { 1 } else { runs };
        return (0..runs).find_map(|_| {
            let run = || check_order(history, &make(history.config()), executor);
            let what = match catch_unwind(AssertUnwindSafe(run)) {
                Ok(explained) => {
                    let unexplained = explained.err()?;
                    format!("no order of the calls explains their answers:{unexplained}")
                }
                Err(_) => "the store panicked".into(),
            };
            Some(LawBreach { law: Law::S13, what }).filter(is_asked_for)
        });
    }
    // Looking at everything before and after each call could hide what reads leave behind.
    let watches: &[bool] = match law {
        Some(Law::S7 | Law::S8 | Law::S9 | Law::S11) => &[true],
        Some(_) => &[false],
        None => &[false, true],
    };
    watches.iter().find_map(|watch| {
        let run = || {
            let store = make(history.config());
            Runner::new(history, &store, executor, *watch).run(history)
        };
        let breaches = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
            Vec::from([LawBreach { law: Law::Methods, what: "the store panicked".into() }])
        });
        breaches.into_iter().find(is_asked_for)
    })
}

impl History {
    /// Runs the history on a store, and checks every law. A history with threads is run a number of
    /// times.
    ///
    /// # Errors
    /// Where the store breaks a law.
    pub fn check<S: AsyncTaskStore>(
        &self,
        make: impl Fn(StoreConfig) -> S,
        executor: &impl BlockOn,
    ) -> Result<(), Box<Breach>> {
        match breach(self, &make, executor, None, Repeats::REPLAY) {
            None => Ok(()),
            Some(LawBreach { law, what }) => {
                Err(Box::new(Breach { law, what, history: self.clone() }))
            }
        }
    }
}

/// What the suite found: a store that breaks a law, and the history in which it does.
///
/// `{}` tells the law, what the store did, and the history as code; [`to_test`](Self::to_test)
/// makes a test of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Breach {
    law: Law,
    what: String,
    history: History,
}

impl Breach {
    /// The law that is broken.
    #[must_use]
    pub const fn law(&self) -> Law {
        self.law
    }

    /// What the store did.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The history in which it did.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// A test that fails as long as the store breaks the law, to be pasted beside the call of
    /// [`conformance!`](crate::conformance) that made the module with this name.
    #[must_use]
    pub fn to_test(&self, module: &str) -> String {
        let law = self.law.as_str().to_ascii_lowercase();
        let history = format!("{}", self.history).replace('\n', "\n    ");
        format!(
            "#[test]\nfn {module}_once_broke_{law}() {{\n    \
             use tasklife::testing::*;\n\n    let history = {history};\n    \
             {module}::replay(&history);\n}}"
        )
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "law {} is broken: {}\nin the history\n{}", self.law, self.what, self.history)
    }
}

impl fmt::Debug for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Breach {}
