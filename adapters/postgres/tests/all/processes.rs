//! Three processes work on the same tasks while one of them, or the server, is killed.

#![expect(clippy::disallowed_methods, reason = "takeovers happen in real time")]

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use chrono::Utc;
use tasklife_postgres::{PostgresOptions, PostgresStore};
use tasklife_test_support::crew::{self, Kill};

use crate::support::{PostgresServer, block_on};

fn store(address: &str) -> PostgresStore {
    let options = PostgresOptions::new().with_patience(Duration::from_secs(20));
    block_on(options.connect(address, crew::config())).unwrap()
}

#[test]
fn the_laws_hold_when_a_process_is_killed() {
    let server = PostgresServer::start(&[]);
    let changes = crew::run("processes::worker_process", &server.address(), Kill::AProcess);
    block_on(crew::judge(&store(&server.address()), &changes, Utc::now()));
}

#[test]
fn the_laws_hold_when_the_server_is_killed() {
    let server = Mutex::new(PostgresServer::start(&[]));
    let address = server.lock().unwrap().address();
    let kill = Kill::TheServer(Box::new(|| server.lock().unwrap().restart()));
    let changes = crew::run("processes::worker_process", &address, kill);
    block_on(crew::judge(&store(&address), &changes, Utc::now()));
}

#[test]
#[ignore = "a process that the tests above start"]
fn worker_process() {
    let Some(address) = crew::place() else { return };
    crew::watch();
    let store = store(&address);
    thread::scope(|scope| {
        scope.spawn(|| block_on(crew::submit_all(&store, Utc::now)));
        for _ in 0..crew::WORKERS {
            scope.spawn(|| block_on(crew::work(&store, Utc::now)));
        }
    });
}
