//! The macro that makes a test of each law.

/// Makes a `#[test]` for each law of [`TaskStore`](crate::TaskStore), on a store of one's own.
///
/// The crate of the store needs `tasklife` in its `[dev-dependencies]`, with the feature `testing`, and
/// nothing else for it: no proptest, no executor.
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
/// | `cases` | how many histories are run for each law | 1000 |
/// | `seed` | from what the histories are made | 0 |
/// | `without` | laws that are left out, each with the reason why: `[S13 = "one connection"]` | none |
///
/// They stand in this order. `store` is called for every history, some thousand times; what it has to
/// wait for, it waits for itself. The test of a law that is left out is ignored, with the reason, and the
/// other tests pass over its breaches.
///
/// A test that fails may have come upon a breach of another law than its own, and says so. It prints another
/// test: the history in which the law was broken, to be pasted beside the macro. It calls `replay`, a
/// function of the module that checks one history.
#[macro_export]
macro_rules! conformance {
    (
        mod $name:ident;
        store = $store:expr;
        $(block_on = $block_on:expr;)?
        $(cases = $cases:expr;)?
        $(seed = $seed:expr;)?
        $(without = [$($law:tt = $why:literal),* $(,)?];)?
    ) => {
        mod $name {
            #[allow(unused_imports, reason = "what the parameters name")]
            use super::*;

            fn check(law: $crate::testing::Law) {
                let suite = $crate::testing::Suite::new();
                $(let suite = suite.with_cases($cases);)?
                $(let suite = suite.with_seed($seed);)?
                $(let suite = suite.without([$($crate::testing::Law::$law),*]);)?
                if let Err(breach) = suite.check(law, $store, &$crate::__executor!($($block_on)?)) {
                    let test = breach.to_test(::core::stringify!($name));
                    ::core::panic!("{breach}\n\nAs a test:\n\n{test}\n");
                }
            }

            /// Checks one history.
            #[allow(dead_code, reason = "for histories that were found")]
            pub(super) fn replay(history: &$crate::testing::History) {
                if let Err(breach) = history.check($store, &$crate::__executor!($($block_on)?)) {
                    ::core::panic!("{breach}");
                }
            }

            $crate::__conformance_tests! {
                [$($($law = $why,)*)?]
                methods Methods, s1 S1, s2 S2, s3 S3, s4 S4, s5 S5, s6 S6, s7 S7, s8 S8, s9 S9, s10 S10,
                s11 S11, s12 S12, s13 S13,
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($without:tt $($test:ident $law:ident,)+) => {
        $($crate::__conformance_test! { $test $law $without })+
    };
}

/// Finds the law among those that are left out, by comparing names one by one.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ($test:ident $law:ident []) => {
        #[test]
        fn $test() {
            check($crate::testing::Law::$law);
        }
    };
    ($test:ident Methods [Methods = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test Methods $why } };
    ($test:ident S1 [S1 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S1 $why } };
    ($test:ident S2 [S2 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S2 $why } };
    ($test:ident S3 [S3 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S3 $why } };
    ($test:ident S4 [S4 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S4 $why } };
    ($test:ident S5 [S5 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S5 $why } };
    ($test:ident S6 [S6 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S6 $why } };
    ($test:ident S7 [S7 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S7 $why } };
    ($test:ident S8 [S8 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S8 $why } };
    ($test:ident S9 [S9 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S9 $why } };
    ($test:ident S10 [S10 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S10 $why } };
    ($test:ident S11 [S11 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S11 $why } };
    ($test:ident S12 [S12 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S12 $why } };
    ($test:ident S13 [S13 = $why:literal, $($rest:tt)*]) => { $crate::__left_out! { $test S13 $why } };
    ($test:ident $law:ident [$other:ident = $why:literal, $($rest:tt)*]) => {
        $crate::__conformance_test! { $test $law [$($rest)*] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __left_out {
    ($test:ident $law:ident $why:literal) => {
        #[test]
        #[ignore = $why]
        fn $test() {
            check($crate::testing::Law::$law);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __executor {
    () => {
        $crate::testing::Park
    };
    ($block_on:expr) => {{
        struct Executor;

        impl $crate::testing::BlockOn for Executor {
            fn block_on<F: ::core::future::Future>(&self, future: F) -> F::Output {
                ($block_on)(future)
            }
        }

        Executor
    }};
}
