//! The store that "Implementing a store" shows, and with it the kit, keeps all laws.

#[path = "../../examples/own_store.rs"]
#[allow(unreachable_pub, reason = "an example is a crate of its own")]
mod example;

use tasklife::InProcess;

tasklife::conformance! {
    mod kit;
    store = |config| InProcess(example::OwnStore::new(config));
    cases = 300;
}
