//! The macro that generates the conformance tests.

/// Generates a `#[test]` for each law of [`TaskStore`](crate::TaskStore), on your own store.
///
/// Add `tasklife` with the feature `testing` to the `[dev-dependencies]` of your crate. You don't
/// need proptest. You need an executor only if the futures of your store do.
///
/// # Parameters
///
/// Parameters must be given in this order.
///
/// | parameter | meaning | default |
/// |---|---|---|
/// | `mod` | the name of the module that holds the tests | required |
/// | `store` | a closure that creates a fresh, empty [`AsyncTaskStore`](crate::AsyncTaskStore) from a [`StoreConfig`](crate::StoreConfig) | required |
/// | `block_on` | a function that runs a future to completion | [`CurrentThread`](crate::testing::CurrentThread) |
/// | `cases` | the number of histories for each law | 1000 |
/// | `seed` | the seed from which histories are generated | 0 |
/// | `without` | the laws to leave out, each with a reason: `[S13 = "one connection"]` | none |
///
/// `store` is called before each run of a history, so at least `cases` times for each law. It has
/// to block until the store is ready. The test of a law that is left out is `#[ignore]`d with the
/// reason, and the other tests ignore violations of that law.
///
/// # Failures
///
/// A failing test may report a violation of another law than its own; the message names the law. It
/// also prints a test with the history that violated the law. Paste that test beside the macro. It
/// calls `replay`, a function in the generated module that checks one history.
///
/// # Examples
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
#[macro_export]
macro_rules! conformance {
    (
        mod $name:ident;
        store = $store:expr;
        $(block_on = $block_on:expr;)?
        $(cases = $cases:expr;)?
        $(seed = $seed:expr;)?
        $(without = [$($law:tt = $reason:literal),* $(,)?];)?
    ) => {
        mod $name {
            #[allow(unused_imports, reason = "the parameters may not use any of them")]
            use super::*;

            fn check(law: $crate::testing::Law) {
                let suite = $crate::testing::Suite::new();
                $(let suite = suite.with_cases($cases);)?
                $(let suite = suite.with_seed($seed);)?
                $(let suite = suite.without([$($crate::testing::Law::$law),*]);)?
                if let Err(violation) = suite.check(law, $store, &$crate::__executor!($($block_on)?)) {
                    let test = violation.to_test(::core::stringify!($name));
                    ::core::panic!("{violation}\n\nAs a test:\n\n{test}\n");
                }
            }

            /// Checks one history.
            #[allow(dead_code, reason = "only pasted tests call it")]
            pub(super) fn replay(history: &$crate::testing::History) {
                if let Err(violation) = history.check($store, &$crate::__executor!($($block_on)?)) {
                    ::core::panic!("{violation}");
                }
            }

            $crate::__conformance_tests! {
                [$($($law = $reason,)*)?]
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

/// Generates the test of a law, which is ignored if the law is left out.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ($test:ident $law:ident []) => {
        #[test]
        fn $test() {
            check($crate::testing::Law::$law);
        }
    };
    // One arm for each law, because a macro can't compare two names that it was given.
    ($test:ident Methods [Methods = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test Methods $reason } };
    ($test:ident S1 [S1 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S1 $reason } };
    ($test:ident S2 [S2 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S2 $reason } };
    ($test:ident S3 [S3 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S3 $reason } };
    ($test:ident S4 [S4 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S4 $reason } };
    ($test:ident S5 [S5 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S5 $reason } };
    ($test:ident S6 [S6 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S6 $reason } };
    ($test:ident S7 [S7 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S7 $reason } };
    ($test:ident S8 [S8 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S8 $reason } };
    ($test:ident S9 [S9 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S9 $reason } };
    ($test:ident S10 [S10 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S10 $reason } };
    ($test:ident S11 [S11 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S11 $reason } };
    ($test:ident S12 [S12 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S12 $reason } };
    ($test:ident S13 [S13 = $reason:literal, $($rest:tt)*]) => { $crate::__ignored_test! { $test S13 $reason } };
    ($test:ident $law:ident [$other:ident = $reason:literal, $($rest:tt)*]) => {
        $crate::__conformance_test! { $test $law [$($rest)*] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __ignored_test {
    ($test:ident $law:ident $reason:literal) => {
        #[test]
        #[ignore = $reason]
        fn $test() {
            check($crate::testing::Law::$law);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __executor {
    () => {
        $crate::testing::CurrentThread
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
