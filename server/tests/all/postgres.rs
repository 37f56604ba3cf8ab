//! Two servers that share a store in PostgreSQL.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use tasklife::TaskStatus;
use tasklife_test_support::PostgresServer;

use crate::client::{PROGRAM, Server, assert_shared};

fn start(postgres: &PostgresServer) -> Server {
    Server::start(&["--takeover-after", "1", "--store", &postgres.address()])
}

#[test]
fn two_servers_share_a_store() {
    let postgres = PostgresServer::start(&[]);
    let servers = [start(&postgres), start(&postgres)];
    assert_shared(&servers);
}

#[test]
fn a_task_of_a_killed_server_is_taken_over_by_another() {
    let postgres = PostgresServer::start(&[]);
    let mut one = start(&postgres);
    let path = one.post("", "{}").header("location").unwrap().to_owned();
    while one.get(&path, "").document(200).progress().is_none() {
        sleep(Duration::from_millis(20));
    }
    one.0.process.kill().unwrap();
    let other = start(&postgres);
    let task = other.get(&path, "").document(200);
    assert_eq!(task.status().known(), Some(TaskStatus::ProcessingInProgress));
    let ended = other.follow(&path, |_| {}).document(200);
    assert_eq!(ended.status().known(), Some(TaskStatus::ProcessingCompleted));
}

#[test]
fn an_unreachable_store_is_reported_at_the_start() {
    let mut killed = PostgresServer::start(&[]);
    killed.kill();
    let options = ["--listen", "127.0.0.1:0", "--store", &killed.address()];
    let refused = Command::new(PROGRAM).args(options).output().unwrap();
    assert_eq!((refused.status.code(), &*refused.stdout), (Some(1), &b""[..]));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.starts_with("--store: expected a connection to the database: "), "{message}");
}
