//! Two servers that share a store on Redis.

use tasklife_test_support::RedisServer;

use crate::client::Server;
use crate::shared::{assert_shared, assert_taken_over, start_error};

fn start(redis: &RedisServer) -> Server {
    Server::start(&["--takeover-after", "1", "--store", &redis.address()])
}

#[test]
fn two_servers_share_a_store() {
    let redis = RedisServer::start(&[]);
    assert_shared(&[start(&redis), start(&redis)]);
}

#[test]
fn a_task_of_a_killed_server_is_taken_over_by_another() {
    let redis = RedisServer::start(&[]);
    assert_taken_over(|| start(&redis));
}

#[test]
fn an_unreachable_store_is_reported_at_the_start() {
    let mut killed = RedisServer::start(&[]);
    killed.kill();
    let message = start_error(&killed.address());
    assert!(message.starts_with("--store: ") && message.contains("refused"), "{message}");
}
