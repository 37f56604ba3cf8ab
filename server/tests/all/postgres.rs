//! Two processes of the server behind one store in PostgreSQL, with clients on both.

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
fn a_task_of_a_server_that_died_is_taken_over_by_another() {
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
fn a_store_that_is_not_there_is_told_at_the_start() {
    let mut gone = PostgresServer::start(&[]);
    gone.kill();
    let options = ["--listen", "127.0.0.1:0", "--store", &gone.address()];
    let refused = Command::new(PROGRAM).args(options).output().unwrap();
    assert_eq!((refused.status.code(), &*refused.stdout), (Some(1), &b""[..]));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.starts_with("--store: expected a connection to the database: "), "{message}");
}
