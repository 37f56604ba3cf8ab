//! The functions in PostgreSQL agree with the kit on what is visible, counted, listed, claimed and
//! swept.

use tasklife::InProcess;
use tasklife_test_support::{same_answers, tight_limits};

use crate::support::{block_on, fresh};

#[path = "../../../../examples/own_store.rs"]
#[allow(unreachable_pub, reason = "an example is a crate of its own")]
mod example;

#[test]
fn the_functions_agree_with_the_kit() {
    for seed in 0..40 {
        let kit = InProcess(example::OwnStore::new(tight_limits()));
        let (postgres, _schema) = fresh(tight_limits());
        same_answers([&kit, &postgres], &|future| block_on(future), seed, 200);
    }
}
