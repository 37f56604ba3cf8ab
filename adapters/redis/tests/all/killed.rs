//! Processes that share tasks while one of them, or the server, is killed.

#![expect(clippy::disallowed_methods, reason = "takeovers need the real time")]

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use chrono::Utc;
use tasklife_redis::{Redis, RedisStore};
use tasklife_test_support::worker_processes::{self, Kill};

use crate::support::{RedisServer, block_on};

/// With these, a server loses nothing that it acknowledged.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

fn store(address: &str) -> RedisStore {
    let redis = Redis::server(address).unwrap().with_retry_time(Duration::from_secs(20));
    RedisStore::new(redis, worker_processes::config())
}

#[test]
fn tasks_of_a_killed_process_are_taken_over() {
    let server = RedisServer::start(&[]);
    let changes =
        worker_processes::run("killed::worker_process", &server.address(), Kill::AProcess);
    block_on(worker_processes::check(&store(&server.address()), &changes, Utc::now()));
}

#[test]
fn processes_go_on_after_the_server_is_killed() {
    let server = Mutex::new(RedisServer::start(&DURABLE));
    let address = server.lock().unwrap().address();
    let kill = Kill::TheServer(Box::new(|| server.lock().unwrap().restart()));
    let changes = worker_processes::run("killed::worker_process", &address, kill);
    block_on(worker_processes::check(&store(&address), &changes, Utc::now()));
}

#[test]
#[ignore = "one of the processes of the tests above"]
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
