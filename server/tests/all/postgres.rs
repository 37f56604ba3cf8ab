//! Two servers that share a store in PostgreSQL.

use tasklife_test_support::PostgresServer;

use crate::client::Server;
use crate::shared::{assert_shared, assert_taken_over, start_error};

fn start(postgres: &PostgresServer) -> Server {
    Server::start(&["--takeover-after", "1", "--store", &postgres.address()])
}

#[test]
fn two_servers_share_a_store() {
    let postgres = PostgresServer::start(&[]);
    assert_shared(&[start(&postgres), start(&postgres)]);
}

#[test]
fn a_task_of_a_killed_server_is_taken_over_by_another() {
    let postgres = PostgresServer::start(&[]);
    assert_taken_over(|| start(&postgres));
}

#[test]
fn an_unreachable_store_is_reported_at_the_start() {
    let mut killed = PostgresServer::start(&[]);
    killed.kill();
    let message = start_error(&killed.address());
    assert!(message.starts_with("--store: expected a connection to the database: "), "{message}");
}
