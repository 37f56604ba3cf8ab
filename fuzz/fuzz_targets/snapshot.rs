//! Snapshots: what is restored goes on as a store, and is saved as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasklife::{ListQuery, LocalStore, Scope, Snapshot, StoreConfig};

fuzz_target!(|json: &[u8]| {
    let Ok(snapshot) = serde_json::from_slice::<Snapshot>(json) else { return };
    let now = chrono::DateTime::UNIX_EPOCH;
    if let Ok(mut store) = LocalStore::restore(StoreConfig::default(), snapshot.clone()) {
        assert_eq!(store.snapshot(), snapshot);
        while let Some(change) = store.claim(Scope::Any, now).expect("memory doesn't fail") {
            let account = change.task().account().clone();
            let page = store.list(&account, &ListQuery::default(), now).expect("no cursor");
            assert_eq!(page.tasks().first(), Some(change.task()));
        }
        store.sweep(usize::MAX, tasklife::MAX_TIME).expect("memory doesn't fail");
        assert!(store.is_empty());
    }
});
