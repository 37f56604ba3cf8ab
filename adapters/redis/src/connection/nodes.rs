//! Commands to each primary of a cluster.

use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};
use redis::{Cmd, FromRedisValue, Value};
use tasklife::BackendError;

use super::Redis;
use super::connect::Connection;
use super::endpoint::Endpoint;
use super::failure::Failure;

impl Redis {
    /// Returns whether the addresses were given as those of a cluster.
    pub(crate) fn is_cluster(&self) -> bool {
        self.endpoint.is_cluster()
    }

    /// Returns the replication ids of all primaries, which change with a failover and with a
    /// restart. Returns `None` for a single server.
    pub(crate) async fn replication_ids(&self) -> Result<Option<String>, BackendError> {
        let mut info = redis::cmd("INFO");
        info.arg("replication");
        let answers = match self.endpoint {
            Endpoint::Server(_) => return Ok(None),
            Endpoint::Cluster(_) => self.ask_primaries(info).await?,
            Endpoint::Sentinel(_) => {
                vec![(String::new(), self.route(info, all_primaries()).await?)]
            }
        };
        let ids = answers.iter().map(|(_, info)| {
            let mut lines = info.lines().map(str::trim);
            lines.find_map(|line| line.strip_prefix("master_replid:")).unwrap_or_default()
        });
        let mut ids: Vec<&str> = ids.collect();
        ids.sort_unstable();
        Ok(Some(ids.join(" ")))
    }

    /// Returns the addresses of a cluster's primaries. A single server counts as one primary with
    /// an empty address.
    pub(crate) async fn primaries(&self) -> Result<Vec<String>, BackendError> {
        if !self.endpoint.is_cluster() {
            return Ok(vec![String::new()]);
        }
        let answers = self.ask_primaries(redis::cmd("PING")).await?;
        Ok(answers.into_iter().map(|(address, _)| address).collect())
    }

    /// Sends a command to all primaries; returns the address and the answer of each.
    async fn ask_primaries(&self, command: Cmd) -> Result<Vec<(String, String)>, BackendError> {
        self.route(command, all_primaries()).await
    }

    /// Reads some keys of a primary that match a pattern. Returns the next cursor, 0 at the end,
    /// and the keys.
    pub(crate) async fn scan(
        &self,
        primary: &str,
        cursor: u64,
        pattern: &str,
    ) -> Result<(u64, Vec<String>), BackendError> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(500);
        let (host, port) = primary.rsplit_once(':').unwrap_or_default();
        let (host, port) = (host.to_owned(), port.parse().unwrap_or_default());
        let to = RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress { host, port });
        self.route(scan, to).await
    }

    /// Sends a command that changes nothing to some nodes of a cluster, or to the single server.
    async fn route<T: FromRedisValue>(
        &self,
        command: Cmd,
        to: RoutingInfo,
    ) -> Result<T, BackendError> {
        let reply = self.with_retries(|| self.route_once(&command, &to)).await;
        reply
            .map(|reply| reply.answer)
            .map_err(|abandoned| BackendError::not_applied(abandoned.error))
    }

    async fn route_once(&self, command: &Cmd, to: &RoutingInfo) -> Result<Value, Failure> {
        let (generation, connection) = self.connection().await?;
        let answer = match connection {
            Connection::Server(mut server) => command.query_async(&mut server).await,
            Connection::Cluster(mut cluster) => {
                cluster.route_command(command.clone(), to.clone()).await
            }
        };
        let answer = answer.and_then(Value::extract_error);
        answer.map_err(|error| self.record_failure(error, generation))
    }
}

fn all_primaries() -> RoutingInfo {
    RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None))
}
