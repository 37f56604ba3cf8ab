//! The whole conformance suite, on one server and on a cluster, with calls to two stores in turn.

use std::sync::LazyLock;

use tasklife::StoreConfig;
use tasklife_redis::Redis;

use crate::support::{Both, Cluster, Server, block_on, fresh_pair};

/// Two stores, each with a connection of its own, as two processes have them.
fn both(ways: &[Redis; 2], config: StoreConfig) -> Both {
    let (one, other) = fresh_pair(&ways[0], &ways[1], config);
    Both::new(one, other)
}

fn on_one_server(config: StoreConfig) -> Both {
    static SERVER: LazyLock<(Server, [Redis; 2])> = LazyLock::new(|| {
        let server = Server::start(&[]);
        let ways = [server.redis(), server.redis()];
        (server, ways)
    });
    both(&SERVER.1, config)
}

tasklife::conformance! {
    mod one_server;
    store = on_one_server;
    block_on = block_on;
    cases = 150;
}

fn on_a_cluster(config: StoreConfig) -> Both {
    static CLUSTER: LazyLock<(Cluster, [Redis; 2])> = LazyLock::new(|| {
        let cluster = Cluster::start(&[]);
        let ways = [cluster.redis(), cluster.redis()];
        (cluster, ways)
    });
    both(&CLUSTER.1, config)
}

tasklife::conformance! {
    mod a_cluster;
    store = on_a_cluster;
    block_on = block_on;
    cases = 60;
}

#[test]
fn one_server_once_broke_acts() {
    use tasklife::testing::*;

    let history = History::new()
        .with_retention_nanos(10_000_000_000)
        .with_max_open(0)
        .sweep(10_000_000_000, 100)
        .submit(-1_000_000_000, 0, 1, Request::Plain);
    one_server::replay(&history);
}
