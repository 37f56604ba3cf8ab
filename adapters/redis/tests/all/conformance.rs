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
    cases = 60;
}
