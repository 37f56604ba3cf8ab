//! Fuzzes snapshots: a restored store works, and its own snapshot has the same tasks.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tasklife::{ListQuery, LocalStore, Scope, Snapshot, StoreConfig};

fuzz_target!(|json: &[u8]| {
    let Ok(snapshot) = serde_json::from_slice::<Snapshot>(json) else { return };
    let now = chrono::DateTime::UNIX_EPOCH;
    let saved = tasks(&snapshot);
    if let Ok(mut store) = LocalStore::restore(StoreConfig::default(), snapshot, now) {
        assert_eq!(tasks(&store.snapshot()), saved);
        while let Some(claimed) = store.claim(Scope::Any, now).expect("memory doesn't fail") {
            let task = claimed.change().task();
            let page = store.list(task.account(), &ListQuery::default(), now).expect("no cursor");
            assert_eq!(page.tasks().first(), Some(task));
        }
        store.sweep(usize::MAX, tasklife::MAX_TIME).expect("memory doesn't fail");
        assert!(store.is_empty());
    }
});

/// Returns the tasks of each account, sorted by account.
fn tasks(snapshot: &Snapshot) -> Vec<(Value, Value)> {
    let mut snapshot = serde_json::to_value(snapshot).expect("a snapshot in JSON");
    let accounts = snapshot["accounts"].as_array_mut().expect("a list");
    let name_and_tasks = |account: &mut Value| (account["account"].take(), account["tasks"].take());
    let mut tasks: Vec<_> = accounts.iter_mut().map(name_and_tasks).collect();
    tasks.sort_by_key(|(name, _)| name.to_string());
    tasks
}
