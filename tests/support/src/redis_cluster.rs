//! A Redis Cluster of three primaries with a replica each.

#![expect(clippy::disallowed_methods, reason = "waits time out by the system clock")]

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::RedisServer;

/// A Redis Cluster of three primaries with a replica each.
#[derive(Debug)]
pub struct RedisCluster {
    /// All six servers.
    pub nodes: Vec<RedisServer>,
}

/// A node, as the cluster reports it.
#[derive(Clone, Debug)]
pub struct Node {
    /// The port on which it listens.
    pub port: u16,
    /// Whether it is a primary rather than a replica.
    pub primary: bool,
    /// Whether other nodes report it as failed.
    pub failed: bool,
    slots: Vec<(u16, u16)>,
}

impl RedisCluster {
    /// Starts six servers with these options, and waits until they form a cluster.
    pub fn start(options: &[&str]) -> Self {
        let mut all = vec!["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
        all.extend(["--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"]);
        all.extend(options);
        let nodes: Vec<RedisServer> = (0..6).map(|_| RedisServer::start(&all)).collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .expect("expected the program redis-cli in the path: on Debian, `apt-get install redis-tools`");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let cluster = Self { nodes };
        cluster.wait(
            "every node to know the cluster, and each primary to have a replica",
            Self::is_whole,
        );
        cluster
    }

    /// Returns whether all nodes run and know the cluster, and every replica is connected to its
    /// primary.
    pub fn is_whole(&self) -> bool {
        self.nodes.iter().all(|node| {
            let info = node.call(&["CLUSTER", "INFO"]).unwrap_or_default();
            let replication = node.call(&["INFO", "replication"]).unwrap_or_default();
            info.contains("cluster_state:ok")
                && (replication.contains("master_link_status:up")
                    || replication.contains("state=online"))
        })
    }

    /// Waits until every replica has acknowledged all writes made so far.
    pub fn wait_for_replicas(&self) {
        let written: Vec<_> = self.nodes.iter().map(offsets).collect();
        self.wait("every replica to have what was written", |cluster| {
            cluster.nodes.iter().zip(&written).all(|(node, written)| match written {
                Some((written, _)) => offsets(node).is_some_and(|now| now.1 >= Some(*written)),
                None => true,
            })
        });
    }

    /// Returns the `redis://` URLs of all nodes.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::address).collect()
    }

    /// Returns the nodes, as the first running node reports them.
    pub fn topology(&self) -> Vec<Node> {
        let running = self.nodes.iter().find(|node| node.is_running()).unwrap();
        let answer = running.call(&["CLUSTER", "NODES"]).unwrap_or_default();
        let nodes = answer.lines().filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let port = words.get(1)?.split(['@', ':']).nth(1)?.parse().ok()?;
            let slots = words[8.min(words.len())..].iter().filter_map(|range| {
                let (from, to) = range.split_once('-').unwrap_or((range, range));
                Some((from.parse().ok()?, to.parse().ok()?))
            });
            Some(Node {
                port,
                primary: words[2].contains("master"),
                failed: words[2].contains("fail"),
                slots: slots.collect(),
            })
        });
        nodes.collect()
    }

    /// Returns the index of the primary that holds a key.
    pub fn primary_of(&self, key: &str) -> usize {
        let running = self.nodes.iter().find(|node| node.is_running()).unwrap();
        let answer = running.call(&["CLUSTER", "KEYSLOT", key]).unwrap();
        let slot: u16 = answer.trim_start_matches(':').trim().parse().unwrap();
        let has = |node: &Node| node.slots.iter().any(|(from, to)| (*from..=*to).contains(&slot));
        let port = self.topology().into_iter().find(has).unwrap().port;
        self.nodes.iter().position(|node| node.port == port).unwrap()
    }

    /// Waits until a condition holds, for at most 30 seconds.
    pub fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            assert!(begin.elapsed() < Duration::from_secs(30), "waited 30 s for {what}");
            sleep(Duration::from_millis(20));
        }
    }
}

/// Returns the replication offset of a primary, and the offset that its replica has acknowledged.
fn offsets(node: &RedisServer) -> Option<(u64, Option<u64>)> {
    let info = node.call(&["INFO", "replication"]).unwrap_or_default();
    if !info.contains("role:master") {
        return None;
    }
    let number = |line: &str, before| {
        let digits = line.split_once(before)?.1.split([',', '\r', '\n']).next()?;
        digits.parse().ok()
    };
    let replica = info.lines().find(|line| line.starts_with("slave0:"));
    Some((
        number(&info, "master_repl_offset:")?,
        replica.and_then(|replica| number(replica, ",offset=")),
    ))
}
