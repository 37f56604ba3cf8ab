//! The whole conformance suite: in memory, on a file that two stores share, and on a file that is
//! reopened before each call.

use tasklife::StoreConfig;
use tasklife_sqlite::SqliteStore;
use tasklife_test_support::AlternatingStore;

use crate::support::{Place, Reopened};

fn in_memory(config: StoreConfig) -> SqliteStore {
    SqliteStore::in_memory(config).expect("a store in memory")
}

tasklife::conformance! {
    mod memory;
    store = in_memory;
    cases = 100;
}

/// Opens two stores on one file with separate connections, as in two processes.
fn on_one_file(config: StoreConfig) -> AlternatingStore<SqliteStore> {
    let place = Place::new();
    let [one, other] = [0, 1].map(|_| place.open_with(config));
    AlternatingStore::new(one, other).with_resource(place)
}

tasklife::conformance! {
    mod two_stores;
    store = on_one_file;
    cases = 60;
}

tasklife::conformance! {
    mod reopened;
    store = Reopened::new;
    cases = 10;
}
