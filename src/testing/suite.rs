//! The conformance suite: a store's histories, beside the model's.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::breach::Breach;
use super::check::LawBreach;
use super::concurrent::check_order;
use super::coverage::{Coverage, CoverageTracker};
use super::exhaust;
use super::history::History;
use super::law::Law;
use super::model::Model;
use super::operation::{BlockOn, Park};
use super::runner::Runner;
use super::shorten::{shortened, simplified};
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
    left_out: [bool; Law::ALL.len()],
}

impl Default for Suite {
    /// 1000 cases, seed 0.
    fn default() -> Self {
        Self { cases: 1_000, seed: 0, left_out: [false; Law::ALL.len()] }
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

    /// Passes over breaches of these laws, by a store that is known not to keep them. Checking one of them
    /// all the same finds them.
    #[must_use]
    pub fn without(mut self, laws: impl IntoIterator<Item = Law>) -> Self {
        laws.into_iter().for_each(|law| self.left_out[law as usize] = true);
        self
    }

    /// Checks a law on stores that `make` makes, each fresh and empty, with histories that are made for the
    /// law. If they show no breach of it, but one of another law, that is reported: what is rare is then
    /// found by whichever law's histories come upon it.
    ///
    /// # Errors
    /// Where a store breaks the law, or another: what it did, and a short history in which it does.
    pub fn check<S: AsyncTaskStore>(
        &self,
        law: Law,
        make: impl Fn(StoreConfig) -> S,
        executor: &impl BlockOn,
    ) -> Result<(), Box<Breach>> {
        let breaches = |history: &History, runs| {
            breaches(history, &make, executor, Watched::of(law), runs).into_iter()
        };
        let shortest = |mut tree: Box<dyn ValueTree<Value = History>>, law, what| {
            let still = |history: &History, runs| {
                breaches(history, runs).find(|found| found.law == law).map(|found| found.what)
            };
            let found = (tree.current(), what);
            let found = simplified(&mut *tree, found, |history| still(history, Repeats::SEARCH));
            let (history, what) = shortened(found, |history| still(history, Repeats::SHORTEN));
            Err(Box::new(Breach { law, what, history }))
        };
        let mut of_another_law = None;
        for tree in self.histories(law) {
            for found in breaches(&tree.current(), Repeats::SEARCH) {
                if found.law == law {
                    return shortest(tree, law, found.what);
                }
                if of_another_law.is_none() && !self.left_out[found.law as usize] {
                    of_another_law = Some((tree, found));
                    break;
                }
            }
        }
        match of_another_law {
            Some((tree, LawBreach { law, what })) => shortest(tree, law, what),
            None => Ok(()),
        }
    }

    /// Checks every law but S13 in every history of up to `length` calls of ten small worlds, and returns how
    /// many histories those are. Each is run on a fresh store, and then everything is read, by the clock of each
    /// instant. Random histories go further; these leave nothing out.
    ///
    /// A world has two accounts, two ids and three instants; what is submitted at the first instant expires at
    /// the last. One world is without limits, one counts the retention from the update, one from the end, and in the others a
    /// limit or all are the smallest there are. Calls are submissions (plain, initialized, of another command
    /// type), the events received, started and completed, claims, and sweeps of none and of one. Histories in
    /// which accounts, ids or instants have only changed places count as one. The number of cases and the seed
    /// don't matter.
    ///
    /// | `length` | histories |
    /// |---|---|
    /// | 1 | 100 |
    /// | 2 | 9,350 |
    /// | 3 | 827,490 |
    /// | 4 | 71,943,340 |
    ///
    /// The tests of this crate run those of 3 calls on the store in memory, and `.ci/deep worlds` those of 4.
    ///
    /// ```
    /// use tasklife::testing::{Park, Suite};
    /// use tasklife::{InProcess, MemoryStore};
    ///
    /// let histories = Suite::exhaust(2, |config| InProcess(MemoryStore::new(config)), &Park)?;
    /// assert_eq!(histories, 9_350);
    /// # Ok::<(), Box<tasklife::testing::Breach>>(())
    /// ```
    ///
    /// # Errors
    /// Where a store breaks a law: what it did, and the shortest history in which it does.
    pub fn exhaust<S: AsyncTaskStore>(
        length: usize,
        make: impl Fn(StoreConfig) -> S,
        executor: &impl BlockOn,
    ) -> Result<u64, Box<Breach>> {
        let mut count = 0;
        for world in exhaust::worlds() {
            let found = exhaust::each(length, &world, &mut |history| {
                count += 1;
                let history = exhaust::with_reads(history);
                let found =
                    breaches_in_turn(&history, &make, executor, false).into_iter().next()?;
                Some((found, history))
            });
            if let Some((LawBreach { law, what }, history)) = found {
                let still = |history: &History| {
                    let breaches = breaches_in_turn(history, &make, executor, false);
                    breaches.into_iter().find(|found| found.law == law).map(|found| found.what)
                };
                let (history, what) = shortened((*history, what), still);
                return Err(Box::new(Breach { law, what, history }));
            }
        }
        Ok(count)
    }

    /// How often the histories of a law call each method in each [`StoreState`](super::StoreState): what a
    /// run of [`check`](Self::check) tries out. Of law S13, where calls are made at the same time, there is
    /// nothing to count.
    #[must_use]
    pub fn coverage(&self, law: Law) -> Coverage {
        let mut coverage = Coverage::default();
        if law.is_concurrent() {
            return coverage;
        }
        for tree in self.histories(law) {
            let history = tree.current();
            let store = InProcess(Mutex::new(Model::new(history.config())));
            let mut runner = Runner::new(&history, &store, &Park, false);
            runner.checker.coverage = Some(CoverageTracker::new());
            if let Some(tracker) = runner.run_to_end(&history).coverage {
                coverage.add(&tracker.coverage);
            }
        }
        coverage
    }

    /// All histories of a law, in the order of their numbers.
    fn histories(&self, law: Law) -> impl Iterator<Item = Box<dyn ValueTree<Value = History>>> {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        let config = Config { failure_persistence: None, ..Config::default() };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let cases = self.cases;
        let strategies = (0..cases).flat_map(move |number| {
            // Those that can be repeated come first, and are as many as the others are with their repeats.
            let (strategy, times) = match law.is_concurrent() {
                true if number < cases / 2 => (interleaved().boxed(), Repeats::SEARCH),
                true => (concurrent().boxed(), 1),
                false => (numbered(law, number), 1),
            };
            core::iter::repeat_n(strategy, times as usize)
        });
        strategies.map(move |strategy| {
            strategy
                .new_tree(&mut runner)
                .expect("a history, as no generator of them filters any out")
        })
    }
}

/// How often a history with threads is run, until it is a breach: what threads do differs.
struct Repeats;

impl Repeats {
    const SEARCH: u32 = 4;
    const SHORTEN: u32 = 12;
    const REPLAY: u32 = 64;
}

/// When everything is looked at: what a call has changed shows then, but looking could hide what reads leave
/// behind.
#[derive(Clone, Copy)]
enum Watched {
    No,
    Yes,
    /// In one run no, in another yes.
    Both,
}

impl Watched {
    const fn of(law: Law) -> Self {
        match law {
            Law::S7 | Law::S8 | Law::S9 | Law::S11 => Self::Yes,
            _ => Self::No,
        }
    }
}

/// What a store does in a history that a law forbids.
fn breaches<S: AsyncTaskStore>(
    history: &History,
    make: &impl Fn(StoreConfig) -> S,
    executor: &impl BlockOn,
    watched: Watched,
    runs: u32,
) -> Vec<LawBreach> {
    if history.threads.is_empty() {
        let run = |watch| breaches_in_turn(history, make, executor, watch);
        return match watched {
            Watched::No => run(false),
            Watched::Yes => run(true),
            Watched::Both => [run(false), run(true)].concat(),
        };
    }
    let runs = if history.schedule.is_some() { 1 } else { runs };
    let breach = (0..runs).find_map(|_| {
        let run = || check_order(history, &make(history.config()), executor);
        let what = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(explained) => {
                let unexplained = explained.err()?;
                format!("no order of the calls explains their answers:{unexplained}")
            }
            Err(_) => "the store panicked".into(),
        };
        Some(LawBreach { law: Law::S13, what })
    });
    breach.into_iter().collect()
}

/// The same, of a history without threads.
fn breaches_in_turn<S: AsyncTaskStore>(
    history: &History,
    make: &impl Fn(StoreConfig) -> S,
    executor: &impl BlockOn,
    watch: bool,
) -> Vec<LawBreach> {
    let run = || {
        let store = make(history.config());
        Runner::new(history, &store, executor, watch).run(history)
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Vec::from([LawBreach { law: Law::Methods, what: "the store panicked".into() }])
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
        let breaches = breaches(self, &make, executor, Watched::Both, Repeats::REPLAY);
        match breaches.into_iter().next() {
            None => Ok(()),
            Some(LawBreach { law, what }) => {
                Err(Box::new(Breach { law, what, history: self.clone() }))
            }
        }
    }
}
