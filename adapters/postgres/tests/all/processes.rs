//! Three processes work on the same tasks while one of them, or the server, is killed.

#![expect(clippy::disallowed_methods, reason = "takeovers happen in real time")]

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use chrono::Utc;
use tasklife_postgres::{PostgresOptions, PostgresStore};
use tasklife_test_support::worker_processes::{self, Kill};

use crate::support::{PostgresServer, block_on};

fn store(address: &str) -> PostgresStore {
    let options = PostgresOptions::new().with_retry_time(Duration::from_secs(20));
    block_on(options.connect(address, worker_processes::config())).unwrap()
}

#[test]
fn the_laws_hold_when_a_process_is_killed() {
    let server = PostgresServer::start(&[]);
    let changes =
        worker_processes::run("processes::worker_process", &server.address(), Kill::AProcess);
    block_on(worker_processes::check(&store(&server.address()), &changes, Utc::now()));
}

#[test]
fn the_laws_hold_when_the_server_is_killed() {
    let server = Mutex::new(PostgresServer::start(&[]));
    let address = server.lock().unwrap().address();
    let kill = Kill::TheServer(Box::new(|| server.lock().unwrap().restart()));
    let changes = worker_processes::run("processes::worker_process", &address, kill);
    block_on(worker_processes::check(&store(&address), &changes, Utc::now()));
}

#[test]
#[ignore = "a process that the tests above start"]
fn worker_process() {
    let Some(address) = worker_processes::store_address() else { return };
    worker_processes::watch();
    let store = store(&address);
    thread::scope(|scope| {
        scope.spawn(|| block_on(worker_processes::submit_all(&store, Utc::now)));
        for _ in 0..worker_processes::WORKERS {
            scope.spawn(|| block_on(worker_processes::work(&store, Utc::now)));
        }
    });
}
