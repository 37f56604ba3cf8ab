//! The conformance suite: a store's histories, beside the model's.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::act::Wait;
use super::check::Violation;
use super::concurrent::explain;
use super::history::{History, Step};
use super::law::Law;
use super::run::Run;
use super::strategy::{concurrent, histories_for};
use crate::store::{AsyncTaskStore, StoreConfig};

/// The conformance suite: checks a store against a law, with random histories that are run on the
/// store and on the [`Model`](super::Model) beside it.
///
/// [`conformance!`](crate::conformance) makes a test of each law. The suite itself is for those who
/// want the finding rather than a failed test.
///
/// The same seed gives the same histories. Nothing is written, and nothing is global.
///
/// ```
/// use tasklife::testing::{Law, Suite, block_on};
/// use tasklife::{InProcess, MemoryStore};
///
/// let suite = Suite::new().with_cases(16).with_seed(7);
/// suite.check(Law::S6, |config| InProcess(MemoryStore::new(config)), &block_on)?;
/// # Ok::<(), Box<tasklife::testing::Breach>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    cases: u32,
    seed: u64,
}

impl Default for Suite {
    /// 64 cases, seed 0.
    fn default() -> Self {
        Self { cases: 64, seed: 0 }
    }
}

impl Suite {
    /// How often a concurrent history is run at the most, when it is made shorter.
    const CONCURRENT_RUNS: u32 = 4;

    /// 64 cases, seed 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many histories are run, each on a fresh store: 64 unless set. A history has up to
    /// 30 calls.
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
    /// Where a store breaks the law: what it did, and the shortest history that was found in which
    /// it does.
    pub fn check<S: AsyncTaskStore>(
        &self,
        law: Law,
        make: impl Fn(StoreConfig) -> S,
        wait: &impl Wait,
    ) -> Result<(), Box<Breach>> {
        if law.is_concurrent() {
            return self.check_threads(make, wait);
        }
        let run = |history: History| {
            let store = make(history.config());
            match first_breach(&history, &store, wait, Some(law)) {
                Some(violation) => Err(TestCaseError::fail(violation.what)),
                None => Ok(()),
            }
        };
        match self.runner(512).run(&histories_for(law), run) {
            Err(TestError::Fail(what, history)) => {
                let breach = |history: &History| {
                    let store = make(history.config());
                    first_breach(history, &store, wait, Some(law)).map(|violation| violation.what)
                };
                let (history, what) = shortened(history, what.message().into(), breach);
                Err(Box::new(Breach { law, what, history, threads: Vec::new() }))
            }
            _ => Ok(()),
        }
    }

    fn check_threads<S: AsyncTaskStore>(
        &self,
        make: impl Fn(StoreConfig) -> S,
        wait: &impl Wait,
    ) -> Result<(), Box<Breach>> {
        let run = |(before, threads): (History, Vec<Vec<Step>>)| {
            for _ in 0..Self::CONCURRENT_RUNS {
                let store = make(before.config());
                explain(&before, &threads, &store, wait).map_err(TestCaseError::fail)?;
            }
            Ok(())
        };
        match self.runner(64).run(&concurrent(), run) {
            Err(TestError::Fail(what, (history, threads))) => Err(Box::new(Breach {
                law: Law::S13,
                what: format!("no order of the calls explains their answers:{}", what.message()),
                history,
                threads,
            })),
            _ => Ok(()),
        }
    }

    fn runner(&self, max_shrink_iters: u32) -> TestRunner {
        let config = Config {
            cases: self.cases,
            max_shrink_iters,
            failure_persistence: None,
            ..Config::default()
        };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
    }
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

fn first_breach<S: AsyncTaskStore>(
    history: &History,
    store: &S,
    wait: &impl Wait,
    law: Option<Law>,
) -> Option<Violation> {
    let watch = law.is_none_or(|law| matches!(law, Law::S7 | Law::S8 | Law::S9 | Law::S11));
    let violations = Run::new(history, store, wait, watch).all(history);
    violations.into_iter().find(|violation| law.is_none_or(|law| law == violation.law))
}

impl History {
    /// Runs the history on a store, and checks every law of a single thread.
    ///
    /// # Errors
    /// Where the store breaks a law.
    pub fn check<S: AsyncTaskStore>(
        &self,
        make: impl FnOnce(StoreConfig) -> S,
        wait: &impl Wait,
    ) -> Result<(), Box<Breach>> {
        let store = make(self.config());
        match first_breach(self, &store, wait, None) {
            None => Ok(()),
            Some(Violation { law, what }) => {
                let history = self.clone();
                Err(Box::new(Breach { law, what, history, threads: Vec::new() }))
            }
        }
    }
}

/// What the suite found: a store that breaks a law, and the history in which it does.
///
/// `{}` tells the law, what the store did, and the history as code to be pasted into a test.
#[derive(Clone, Debug)]
pub struct Breach {
    law: Law,
    what: String,
    history: History,
    threads: Vec<Vec<Step>>,
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

    /// The history in which it did: the calls before those of the threads, where there are some.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "law {} is broken: {}", self.law, self.what)?;
        write!(f, "in the history\n{}", self.history)?;
        for (number, steps) in self.threads.iter().enumerate() {
            write!(f, "\n// and at the same time, thread {number}:")?;
            steps.iter().try_for_each(|step| write!(f, "\n//     {step}"))?;
        }
        if self.threads.is_empty() {
            write!(f, "\n    .check(make, &block_on)\n    .unwrap();")?;
        }
        Ok(())
    }
}

impl core::error::Error for Breach {}

/// Makes a `#[test]` for each law of [`TaskStore`](crate::TaskStore), on a store of one's own.
///
/// ```
/// use tasklife::{InProcess, MemoryStore};
///
/// tasklife::conformance! {
///     mod memory;
///     store = |config| InProcess(MemoryStore::new(config));
/// }
/// # fn main() {}
/// ```
///
/// | parameter | what | default |
/// |---|---|---|
/// | `mod` | the module that the tests are in | |
/// | `store` | how to make a store, fresh and empty: from a [`StoreConfig`](crate::StoreConfig) to an [`AsyncTaskStore`](crate::AsyncTaskStore) | |
/// | `block_on` | how to wait for a future: whatever can be called with one | parks the thread |
/// | `cases` | how many histories are run for each law | 64 |
/// | `seed` | from what the histories are made | 0 |
/// | `without` | laws that are left out, each with the reason why: `[S13 = "one connection"]` | none |
///
/// They stand in this order. The test of a law that is left out says so, and passes.
#[macro_export]
macro_rules! conformance {
    (
        mod $name:ident;
        store = $store:expr;
        $(block_on = $block_on:expr;)?
        $(cases = $cases:expr;)?
        $(seed = $seed:expr;)?
        $(without = [$($law:ident = $why:expr),* $(,)?];)?
    ) => {
        mod $name {
            #[allow(unused_imports, reason = "what the parameters name")]
            use super::*;

            fn check(law: $crate::testing::Law) {
                #[allow(unused_mut, unused_assignments, reason = "parameters may be left out")]
                let mut left_out: &[($crate::testing::Law, &str)] = &[];
                $(left_out = &[$(($crate::testing::Law::$law, $why)),*];)?
                if let Some((law, why)) = left_out.iter().find(|(other, _)| *other == law) {
                    std::eprintln!("law {law} is left out: {why}");
                    return;
                }
                let suite = $crate::testing::Suite::new();
                $(let suite = suite.with_cases($cases);)?
                $(let suite = suite.with_seed($seed);)?
                let wait = $crate::__wait!($($block_on)?);
                if let Err(breach) = suite.check(law, $store, &wait) {
                    panic!("{breach}");
                }
            }

            $crate::__conformance_tests! {
                acts = Acts, s1 = S1, s2 = S2, s3 = S3, s4 = S4, s5 = S5, s6 = S6, s7 = S7, s8 = S8,
                s9 = S9, s10 = S10, s11 = S11, s12 = S12, s13 = S13,
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($($test:ident = $law:ident,)+) => { $(
        #[test]
        fn $test() {
            check($crate::testing::Law::$law);
        }
    )+ };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __wait {
    () => {
        $crate::testing::block_on
    };
    ($block_on:expr) => {{
        struct Given;

        impl $crate::testing::Wait for Given {
            fn wait<F: ::core::future::Future>(&self, future: F) -> F::Output {
                ($block_on)(future)
            }
        }

        Given
    }};
}
