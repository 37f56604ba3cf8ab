//! The whole conformance suite, on one server and on a cluster.

use std::sync::LazyLock;

use tasklife::StoreConfig;
use tasklife_redis::{Redis, RedisStore};

use crate::support::{Cluster, Server, block_on, fresh};

fn on_one_server(config: StoreConfig) -> RedisStore {
    static SERVER: LazyLock<(Server, Redis)> = LazyLock::new(|| {
        let server = Server::start(&[]);
        let redis = server.redis();
        (server, redis)
    });
    fresh(&SERVER.1, config)
}

tasklife::conformance! {
    mod one_server;
    store = on_one_server;
    block_on = block_on;
    cases = 150;
}

fn on_a_cluster(config: StoreConfig) -> RedisStore {
    static CLUSTER: LazyLock<(Cluster, Redis)> = LazyLock::new(|| {
        let cluster = Cluster::start(&[]);
        let redis = cluster.redis();
        (cluster, redis)
    });
    fresh(&CLUSTER.1, config)
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
