//! The census and the accounts agree with those of the store in memory.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use tasklife::{
    AccountId, Completion, InProcess, MemoryStore, Scope, StoreConfig, Target, TaskEvent, TaskStore,
};

use crate::support::{Place, account, id, second, submission};

/// After the same calls, both stores have the same census and accounts at each instant.
#[test]
fn the_census_agrees_with_the_store_in_memory() {
    let config = StoreConfig::default()
        .with_max_in_progress(NonZeroU32::MIN)
        .with_retention(tasklife::Retention::since_submission(Duration::from_secs(100)));
    let place = Place::new();
    let sqlite = place.open_with(config);
    let memory = InProcess(MemoryStore::new(config)).0;
    let stores: [&dyn TaskStore; 2] = [&sqlite, &memory];
    let agree = || {
        for at in [0, 40, 99, 100, 101, 139, 140, 500] {
            assert_eq!(sqlite.census(second(at)).unwrap(), memory.census(second(at)), "{at}");
        }
        for limit in [1, 2, 100] {
            let limit = NonZeroUsize::new(limit).unwrap();
            let names = [None, Some("a"), Some("acme"), Some("b"), Some("z")];
            for after in names.map(|name| name.map(account)) {
                let accounts = sqlite.accounts(after.as_ref(), limit).unwrap();
                assert_eq!(accounts, memory.accounts(after.as_ref(), limit));
            }
        }
    };
    // Revisions differ, because only one of the stores keeps up with time. A census that names a
    // waiting task would show that, so compare only while no task waits.
    agree();
    for number in 0..4 {
        for (name, at) in [("acme", 40), ("umbrella", 0), ("ünïcode", 20)] {
            for store in stores {
                store.submit(submission(name, number), second(at)).unwrap();
            }
        }
    }
    let oldest = sqlite.census(second(50)).unwrap();
    let oldest = oldest.oldest_waiting().unwrap();
    assert_eq!((oldest.account(), oldest.id()), (&account("umbrella"), id(0)));
    for number in 0..4 {
        for name in ["acme", "umbrella", "ünïcode"] {
            let account: AccountId = account(name);
            for store in stores {
                let claimed = store.claim(Scope::Account(&account), second(50)).unwrap().unwrap();
                let end = TaskEvent::complete(Completion::of(number));
                store.apply(Target::exactly(claimed.change().task()), end, second(51)).unwrap();
            }
        }
    }
    agree();
    for limit in [1, 100] {
        for store in stores {
            store.sweep(limit, second(120)).unwrap();
        }
    }
    agree();
}
