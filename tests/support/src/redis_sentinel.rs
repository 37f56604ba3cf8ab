//! A Redis primary with a replica, and three sentinels that monitor them.

#![expect(clippy::disallowed_methods, reason = "waits time out by the system clock")]

use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use crate::RedisServer;

/// A Redis primary with a replica, and three sentinels that monitor them. A failover needs two
/// sentinels.
#[derive(Debug)]
pub struct RedisSentinel {
    /// The initial primary and its replica.
    pub servers: [RedisServer; 2],
    /// The sentinels.
    pub sentinels: Vec<RedisServer>,
    _settings: TempDir,
}

impl RedisSentinel {
    /// The name of the primary in the configuration of the sentinels.
    pub const NAME: &str = "mymaster";

    /// Starts all servers, and waits until they know each other.
    pub fn start() -> Self {
        let primary = RedisServer::start(&["--repl-diskless-sync-delay", "0"]);
        let port = primary.port.to_string();
        let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
        let settings = TempDir::new().unwrap();
        let name = Self::NAME;
        let sentinels = (0..3).map(|number| {
            let file = settings.path().join(format!("{number}.conf"));
            let watched = format!(
                "sentinel monitor {name} 127.0.0.1 {port} 2\n\
                 sentinel down-after-milliseconds {name} 500\n\
                 sentinel failover-timeout {name} 3000\n"
            );
            fs::write(&file, watched).unwrap();
            RedisServer::start_with(file.to_str(), &["--sentinel"])
        });
        let sentinels = sentinels.collect();
        let all = Self { servers: [primary, replica], sentinels, _settings: settings };
        all.wait("the sentinels to know each other, and the replica", |all| {
            let replication = all.servers[0].call(&["INFO", "replication"]).unwrap_or_default();
            replication.contains("state=online")
                && all.sentinels.iter().all(|sentinel| {
                    let info = sentinel.call(&["INFO", "sentinel"]).unwrap_or_default();
                    info.contains("slaves=1,sentinels=3")
                })
        });
        all
    }

    /// Returns the `redis://` URLs of the sentinels.
    pub fn addresses(&self) -> Vec<String> {
        self.sentinels.iter().map(RedisServer::address).collect()
    }

    /// Waits until a condition holds, for at most 30 seconds.
    pub fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            assert!(begin.elapsed() < Duration::from_secs(30), "waited 30 s for {what}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}
