//! The conformance suite: runs histories on a store and on the model, and compares the answers.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::check::LawViolation;
use super::concurrent::check_order;
use super::coverage::{Coverage, CoverageTracker};
use super::exhaust;
use super::history::History;
use super::law::Law;
use super::model::Model;
use super::operation::{BlockOn, CurrentThread};
use super::runner::Runner;
use super::shorten::{shortened, simplified};
use super::strategy::{concurrent, interleaved, numbered};
use super::violation::Violation;
use crate::store::{AsyncTaskStore, InProcess, StoreConfig};

/// A conformance suite that checks a store against the laws of [`TaskStore`](crate::TaskStore).
///
/// The suite generates histories, runs each on a fresh store and on the [`Model`](super::Model),
/// and compares the answers. The macro [`conformance!`](crate::conformance) generates a test for
/// each law. Use the suite itself if you want to inspect the [`Violation`].
///
/// The same seed gives the same histories. The suite writes no files and has no global state.
///
/// # Examples
///
/// ```
/// use tasklife::testing::{CurrentThread, Law, Suite};
/// use tasklife::{InProcess, MemoryStore};
///
/// let suite = Suite::new().with_cases(16).with_seed(7);
/// suite.check(Law::S6, |config| InProcess(MemoryStore::new(config)), &CurrentThread)?;
/// # Ok::<(), Box<tasklife::testing::Violation>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    cases: u32,
    seed: u64,
    /// For each law, whether its violations are ignored in checks of other laws.
    ignored: [bool; Law::ALL.len()],
}

impl Default for Suite {
    /// Creates a suite with 1000 cases and seed 0.
    fn default() -> Self {
        Self { cases: 1_000, seed: 0, ignored: [false; Law::ALL.len()] }
    }
}

impl Suite {
    /// Creates a suite with 1000 cases and seed 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of cases for each law. The default is 1000.
    ///
    /// A case is a history on a fresh store. Most histories have up to 60 calls, a few have more.
    /// For law S13, a case is four interleaved histories, or one history that is run four times on
    /// threads. Use fewer cases for a slow store; they find less.
    #[must_use]
    pub const fn with_cases(mut self, cases: u32) -> Self {
        self.cases = cases;
        self
    }

    /// Sets the seed from which the histories are generated. The default is 0.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Ignores violations of these laws in checks of other laws.
    ///
    /// Use this for a store that is known to violate them. A [`check`](Self::check) of one of these
    /// laws still finds its violations.
    #[must_use]
    pub fn without(mut self, laws: impl IntoIterator<Item = Law>) -> Self {
        laws.into_iter().for_each(|law| self.ignored[law as usize] = true);
        self
    }

    /// Checks a law with histories that are generated for it.
    ///
    /// `make` creates a fresh, empty store for each history. If no history violates `law`, but one
    /// violates another law, that violation is returned. So a rare fault is found by whichever test
    /// meets it first. After an answer that leaves the state of the store unknown, such as a wrong
    /// refusal, the rest of that history is not run.
    ///
    /// # Errors
    ///
    /// Returns a [`Violation`] with a short history if the store violates a law.
    pub fn check<S: AsyncTaskStore>(
        &self,
        law: Law,
        make: impl Fn(StoreConfig) -> S,
        executor: &impl BlockOn,
    ) -> Result<(), Box<Violation>> {
        let violations =
            |history: &History, runs| violations(history, &make, executor, Watch::of(law), runs);
        let mut of_another_law = None;
        for tree in self.histories(law) {
            for found in violations(&tree.current(), Runs::SEARCH) {
                if found.law == law {
                    return Err(shrunk(tree, found, violations));
                }
                if of_another_law.is_none() && !self.ignored[found.law as usize] {
                    of_another_law = Some((tree, found));
                    break;
                }
            }
        }
        match of_another_law {
            Some((tree, found)) => Err(shrunk(tree, found, violations)),
            None => Ok(()),
        }
    }

    /// Checks every law but S13 in every history of up to `length` calls, in ten small
    /// configurations. Returns the number of histories.
    ///
    /// Each history runs on a fresh store. Afterwards everything is read at each instant.
    ///
    /// - There are two accounts, two ids and three instants. A task submitted at the first instant
    ///   expires at the last.
    /// - One configuration has no limits, one counts the retention from the latest update, and one
    ///   counts it from the end. In the others, one or more limits are 1 or 2.
    /// - The calls are submissions (plain, initialized, with another command type), the events
    ///   receive, start and complete, claims, and sweeps with the limits 0 and 1.
    /// - Histories that differ only in the numbers of accounts or ids, or by a constant shift of
    ///   all instants, count as one.
    ///
    // `tests/all/exhaust.rs` checks these numbers, except the last.
    /// | `length` | histories |
    /// |---|---|
    /// | 1 | 100 |
    /// | 2 | 9,350 |
    /// | 3 | 827,490 |
    /// | 4 | 71,943,340 |
    ///
    /// The tests of this crate run the histories of 3 calls on the store in memory. `.ci/deep
    /// worlds` runs those of 4 calls.
    ///
    /// # Errors
    ///
    /// Returns a [`Violation`] with the shortest history if the store violates a law.
    ///
    /// # Examples
    ///
    /// ```
    /// use tasklife::testing::{CurrentThread, Suite};
    /// use tasklife::{InProcess, MemoryStore};
    ///
    /// let make = |config| InProcess(MemoryStore::new(config));
    /// let histories = Suite::exhaust(2, make, &CurrentThread)?;
    /// assert_eq!(histories, 9_350);
    /// # Ok::<(), Box<tasklife::testing::Violation>>(())
    /// ```
    pub fn exhaust<S: AsyncTaskStore>(
        length: usize,
        make: impl Fn(StoreConfig) -> S,
        executor: &impl BlockOn,
    ) -> Result<u64, Box<Violation>> {
        let mut count = 0;
        let first_violation = |history: &History| {
            sequential_violations(history, &make, executor, false).into_iter().next()
        };
        for configuration in exhaust::configurations() {
            let found = exhaust::find_first(length, &configuration, &mut |history| {
                count += 1;
                let history = exhaust::with_reads(history);
                first_violation(&history).map(|found| (found, history))
            });
            if let Some((LawViolation { law, description }, history)) = found {
                let still_violates = |history: &History| {
                    let violations = sequential_violations(history, &make, executor, false);
                    violations.into_iter().find(|found| found.law == law).map(|f| f.description)
                };
                let (history, description) = shortened((*history, description), still_violates);
                return Err(Box::new(Violation { law, description, history }));
            }
        }
        Ok(count)
    }

    /// Counts how often the histories of a law call each [`Method`](super::Method) in each
    /// [`StoreState`](super::StoreState).
    ///
    /// These are the histories that [`check`](Self::check) runs. All counts for law S13 are 0: its
    /// calls are concurrent, so the state of the store at each call is not known.
    #[must_use]
    pub fn coverage(&self, law: Law) -> Coverage {
        let mut coverage = Coverage::default();
        if law.is_concurrent() {
            return coverage;
        }
        for tree in self.histories(law) {
            let history = tree.current();
            let store = InProcess(Mutex::new(Model::new(history.config())));
            let mut runner = Runner::new(&history, &store, &CurrentThread, false);
            runner.checker.coverage = Some(CoverageTracker::new());
            if let Some(tracker) = runner.run(&history).coverage {
                coverage.add(&tracker.coverage);
            }
        }
        coverage
    }

    /// Generates the histories of a law, in the order of their numbers.
    fn histories(&self, law: Law) -> impl Iterator<Item = Box<dyn ValueTree<Value = History>>> {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        let config = Config { failure_persistence: None, ..Config::default() };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let cases = self.cases;
        let strategies = (0..cases).flat_map(move |number| {
            // Interleaved histories come first, because they are deterministic. A history on
            // threads runs `Runs::SEARCH` times, so there are as many interleaved ones for each
            // case.
            let (strategy, count) = match law.is_concurrent() {
                true if number < cases / 2 => (interleaved().boxed(), Runs::SEARCH),
                true => (concurrent().boxed(), 1),
                false => (numbered(law, number), 1),
            };
            core::iter::repeat_n(strategy, count as usize)
        });
        strategies.map(move |strategy| {
            strategy.new_tree(&mut runner).expect("a history: its generators filter nothing out")
        })
    }
}

/// How often a history is run on threads until it shows a violation. Each run may differ.
struct Runs;

impl Runs {
    const SEARCH: u32 = 4;
    const SHORTEN: u32 = 12;
    const REPLAY: u32 = 64;
}

/// Whether all accounts are listed before and after each call. This shows what a call changed, but
/// it could hide a fault that depends on earlier reads.
#[derive(Clone, Copy)]
enum Watch {
    No,
    Yes,
    /// One run without, and one with.
    Both,
}

impl Watch {
    const fn of(law: Law) -> Self {
        match law {
            Law::S7 | Law::S8 | Law::S9 | Law::S11 => Self::Yes,
            _ => Self::No,
        }
    }
}

/// Returns the violation with the shortest and simplest history found.
fn shrunk(
    mut tree: Box<dyn ValueTree<Value = History>>,
    LawViolation { law, description }: LawViolation,
    violations: impl Fn(&History, u32) -> Vec<LawViolation>,
) -> Box<Violation> {
    let still_violates = |history: &History, runs| {
        let mut violations = violations(history, runs).into_iter();
        violations.find(|found| found.law == law).map(|found| found.description)
    };
    let found = (tree.current(), description);
    let found = simplified(&mut *tree, found, |history| still_violates(history, Runs::SEARCH));
    let (history, description) = shortened(found, |history| still_violates(history, Runs::SHORTEN));
    Box::new(Violation { law, description, history })
}

/// Runs a history, and returns the violations of a store. A history with threads, but without a
/// schedule, is run up to `runs` times.
fn violations<S: AsyncTaskStore>(
    history: &History,
    make: &impl Fn(StoreConfig) -> S,
    executor: &impl BlockOn,
    watch: Watch,
    runs: u32,
) -> Vec<LawViolation> {
    if history.threads.is_empty() {
        let run = |watch| sequential_violations(history, make, executor, watch);
        return match watch {
            Watch::No => run(false),
            Watch::Yes => run(true),
            Watch::Both => [run(false), run(true)].concat(),
        };
    }
    let runs = if history.schedule.is_some() { 1 } else { runs };
    let violation = (0..runs).find_map(|_| {
        let run = || check_order(history, &make(history.config()), executor);
        let description = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => return None,
            Ok(Err(calls)) => format!("no order of the calls explains their answers:{calls}"),
            Err(_) => "the store panicked".into(),
        };
        Some(LawViolation { law: Law::S13, description })
    });
    violation.into_iter().collect()
}

/// Runs a history without threads, and returns the violations of a store.
fn sequential_violations<S: AsyncTaskStore>(
    history: &History,
    make: &impl Fn(StoreConfig) -> S,
    executor: &impl BlockOn,
    watch: bool,
) -> Vec<LawViolation> {
    let run = || {
        let store = make(history.config());
        Runner::new(history, &store, executor, watch).run(history).violations
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let description = "the store panicked".into();
        Vec::from([LawViolation { law: Law::Methods, description }])
    })
}

impl History {
    /// Runs the history on a store, and checks every law.
    ///
    /// A history with threads is run 64 times, unless it is [interleaved](Self::interleaved).
    ///
    /// # Errors
    ///
    /// Returns the first [`Violation`] if the store violates a law.
    pub fn check<S: AsyncTaskStore>(
        &self,
        make: impl Fn(StoreConfig) -> S,
        executor: &impl BlockOn,
    ) -> Result<(), Box<Violation>> {
        let violations = violations(self, &make, executor, Watch::Both, Runs::REPLAY);
        match violations.into_iter().next() {
            None => Ok(()),
            Some(LawViolation { law, description }) => {
                Err(Box::new(Violation { law, description, history: self.clone() }))
            }
        }
    }
}
