//! Stores on servers that the tests start, and shorthands for accounts, tasks and times.

mod certificates;
mod client;

use std::error::Error;
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tasklife::{AccountId, CommandType, StoreConfig, Submission, TaskId, Timestamp};
use tasklife_redis::{Redis, RedisStore};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

pub(crate) use certificates::Authority;
pub(crate) use client::Client;
pub(crate) use tasklife_test_support::{AlternatingStore, Loss, Proxy, RedisCluster, RedisServer};

pub(crate) const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// A server or cluster that a store can connect to.
pub(crate) trait Connect {
    /// A new connection.
    fn redis(&self) -> Redis;
}

impl Connect for RedisServer {
    fn redis(&self) -> Redis {
        Redis::server(&self.address()).unwrap()
    }
}

impl Connect for RedisCluster {
    fn redis(&self) -> Redis {
        Redis::cluster(self.addresses().iter().map(String::as_str)).unwrap()
    }
}

impl Connect for Proxy {
    fn redis(&self) -> Redis {
        Redis::server(&format!("redis://127.0.0.1:{}", self.port)).unwrap()
    }
}

/// Runs a future to its end, on the runtime that all tests share.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// Runs a future in the background.
pub(crate) fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> JoinHandle<F::Output> {
    RUNTIME.spawn(future)
}

/// A store with a prefix that no other test uses.
pub(crate) fn fresh(redis: &Redis, config: StoreConfig) -> RedisStore {
    fresh_pair(redis, redis, config).0
}

/// Two handles of such a store over two connections, as two processes have them.
pub(crate) fn fresh_pair(
    one: &Redis,
    other: &Redis,
    config: StoreConfig,
) -> (RedisStore, RedisStore) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let prefix = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let open = |redis: &Redis| RedisStore::new(redis.clone(), config).with_prefix(&prefix);
    (open(one), open(other))
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The instant that is `seconds` after a fixed one.
pub(crate) fn second(seconds: i64) -> Timestamp {
    at("2019-08-08T00:00:00Z") + chrono::TimeDelta::seconds(seconds)
}

pub(crate) fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

pub(crate) fn id(number: u64) -> TaskId {
    format!("00000000-0000-4000-8000-{number:012x}").parse().unwrap()
}

pub(crate) fn submission(name: &str, number: u64) -> Submission {
    Submission::new(account(name), id(number), CREATE)
}

/// The messages of an error and of its sources.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// The number of scripts that clients have called, from the server's statistics.
pub(crate) fn script_calls(server: &RedisServer) -> usize {
    let stats = server.call(&["INFO", "commandstats"]).unwrap();
    let line = stats.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap();
    line.split(['=', ',']).nth(1).unwrap().parse().unwrap()
}

/// The names of the keys that match a pattern.
pub(crate) fn keys(server: &RedisServer, pattern: &str) -> Vec<String> {
    let answer = server.call(&["KEYS", pattern]).unwrap();
    answer.lines().filter(|line| line.contains(':')).map(String::from).collect()
}

/// The milliseconds until Redis deletes a key; -1 if it never does.
pub(crate) fn time_to_live(server: &RedisServer, key: &str) -> i64 {
    let answer = server.call(&["PTTL", key]).unwrap();
    answer.trim_start_matches(':').trim().parse().unwrap()
}
