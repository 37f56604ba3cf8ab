//! The whole conformance suite, in memory and on a file that two stores share.

use tasklife::StoreConfig;
use tasklife_sqlite::SqliteStore;

fn in_memory(config: StoreConfig) -> SqliteStore {
    SqliteStore::in_memory(config).expect("a store in memory")
}

tasklife::conformance! {
    mod memory;
    store = in_memory;
    cases = 100;
}
