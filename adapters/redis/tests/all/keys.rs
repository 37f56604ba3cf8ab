//! Accounts with unusual names, and stores with different prefixes on one server.

use tasklife::{AsyncTaskStore, ListQuery, Scope, StoreConfig, Target, TaskEvent};

use crate::support::{
    Connect, RedisCluster, RedisServer, account, block_on, fresh, id, second, submission,
};

fn names() -> Vec<String> {
    let mut names: Vec<String> =
        ["acme", "Acme", "}{", "{}", "{acme}", "a b", "*", "%2A", "é", "日本"]
            .map(String::from)
            .into();
    names.push("x".repeat(255));
    names.push("é".repeat(127));
    names
}

async fn check_that_accounts_share_nothing(store: impl AsyncTaskStore) {
    let names = names();
    for (number, name) in (0..).zip(&names) {
        store.submit(submission(name, number), second(0)).await.unwrap();
    }
    for (number, name) in (0..).zip(&names) {
        let own = account(name);
        let page = store.list(&own, &ListQuery::default(), second(0)).await.unwrap();
        assert_eq!(page.tasks().len(), 1, "{name}");
        assert_eq!((page.tasks()[0].account(), page.tasks()[0].id()), (&own, id(number)));
        assert_eq!(page.revision(), page.tasks()[0].revision(), "{name}");
        assert!(store.get(&own, id(number + 1), second(0)).await.unwrap().is_none());
        let latest = Target::latest(&own, id(number));
        store.apply(latest, TaskEvent::start(), second(1)).await.unwrap();
    }
    assert_eq!(store.claim(Scope::Any, second(1)).await.unwrap(), None);
    let swept = store.sweep(100, second(10_000_000)).await.unwrap();
    assert_eq!((swept.dropped, swept.more), (names.len(), false));
}

#[test]
fn accounts_with_unusual_names_share_nothing() {
    let server = RedisServer::start(&[]);
    block_on(check_that_accounts_share_nothing(fresh(&server.redis(), StoreConfig::default())));
}

#[test]
fn accounts_are_spread_over_the_nodes_of_a_cluster() {
    let cluster = RedisCluster::start(&[]);
    let store = fresh(&cluster.redis(), StoreConfig::default());
    block_on(check_that_accounts_share_nothing(&store));
    block_on(async {
        for number in 0..300 {
            let name = format!("account {number}");
            store.submit(submission(&name, 1), second(10_000_000)).await.unwrap();
        }
    });
    let keys_of = |port: u16| {
        let node = cluster.nodes.iter().find(|node| node.port == port).unwrap();
        let answer = node.call(&["DBSIZE"]).unwrap();
        answer.trim_start_matches(':').trim().parse::<u64>().unwrap()
    };
    let topology = cluster.topology();
    let spread: Vec<u64> =
        topology.iter().filter(|node| node.primary).map(|node| keys_of(node.port)).collect();
    assert_eq!(spread.len(), 3);
    // An account has four keys. Each primary has roughly a third of the accounts.
    assert!(spread.iter().all(|keys| *keys > 250), "{spread:?}");
}

#[test]
fn stores_with_different_prefixes_share_nothing() {
    let server = RedisServer::start(&[]);
    let redis = server.redis();
    let [one, other] = [(); 2].map(|()| fresh(&redis, StoreConfig::default()));
    block_on(async {
        one.submit(submission("acme", 1), second(0)).await.unwrap();
        assert!(other.get(&account("acme"), id(1), second(0)).await.unwrap().is_none());
        assert_eq!(other.claim(Scope::Any, second(0)).await.unwrap(), None);
        assert_eq!(other.sweep(1, second(10_000_000)).await.unwrap().dropped, 0);
        assert!(one.get(&account("acme"), id(1), second(0)).await.unwrap().is_some());
    });
}
