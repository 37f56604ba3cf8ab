//! Opening the connection on first use, and again after it is lost.

use std::sync::{Mutex, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisError};

use super::address::is_encrypted;
use super::endpoint::Endpoint;
use super::failure::{Failure, needs_an_operator};
use super::{Redis, tls};

#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// The current connection, and a lock that lets one caller at a time open it.
#[derive(Default)]
pub(super) struct Connecting {
    current: Mutex<Current>,
    lock: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Current {
    /// How many connections were opened up to now.
    generation: u64,
    connection: Option<Connection>,
}

impl Connecting {
    fn current(&self) -> Option<(u64, Connection)> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        Some((current.generation, current.connection.clone()?))
    }

    fn replace(&self, connection: Connection) -> u64 {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.generation += 1;
        current.connection = Some(connection);
        current.generation
    }

    /// Drops the connection of a generation, unless another has already replaced it.
    fn discard(&self, generation: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.generation == generation {
            current.connection = None;
        }
    }
}

impl Redis {
    /// Returns the current connection and its generation. Opens one if there is none.
    pub(super) async fn connection(&self) -> Result<(u64, Connection), Failure> {
        let connecting = &self.shared.connecting;
        if let Some(current) = connecting.current() {
            return Ok(current);
        }
        let _one_at_a_time = connecting.lock.lock().await;
        if let Some(current) = connecting.current() {
            return Ok(current);
        }
        let connection = self.connect().await.map_err(Failure::before_sending)?;
        Ok((connecting.replace(connection.clone()), connection))
    }

    /// Turns an error into a failure, and discards the connection if it can't be used any longer.
    pub(super) fn record_failure(&self, error: RedisError, generation: u64) -> Failure {
        let failure = Failure::after_sending(error);
        let is_broken = if self.endpoint.is_cluster() {
            failure.breaks_cluster_connection()
        } else {
            failure.breaks_server_connection()
        };
        if is_broken {
            self.shared.connecting.discard(generation);
        }
        failure
    }

    async fn connect(&self) -> Result<Connection, RedisError> {
        match &self.endpoint {
            Endpoint::Server(address) => Ok(Connection::Server(self.connect_to(address).await?)),
            Endpoint::Cluster(nodes) => match self.connect_cluster(nodes).await {
                Ok(cluster) => Ok(Connection::Cluster(cluster)),
                Err(error) => Err(self.explain_cluster_error(nodes, error).await),
            },
            Endpoint::Sentinel(sentinels) => {
                let (_, connection) = self.find_primary(sentinels).await?;
                Ok(Connection::Server(connection))
            }
        }
    }

    /// Connects to one server.
    pub(super) async fn connect_to(
        &self,
        address: &ConnectionInfo,
    ) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        self.client(address)?.get_multiplexed_async_connection_with_config(&config).await
    }

    pub(super) fn client(&self, address: &ConnectionInfo) -> Result<Client, RedisError> {
        if !is_encrypted(address) {
            return Client::open(address.clone());
        }
        tls::ensure_crypto_provider();
        match &self.certificates {
            Some(certificates) => Client::build_with_tls(address.clone(), certificates.clone()),
            None => Client::open(address.clone()),
        }
    }

    async fn connect_cluster(
        &self,
        nodes: &[ConnectionInfo],
    ) -> Result<ClusterConnection, RedisError> {
        // The client's own retries could apply a write twice.
        let mut client = ClusterClient::builder(nodes.iter().cloned())
            .retries(0)
            .connection_timeout(self.timeout)
            .response_timeout(self.timeout);
        if self.endpoint.is_encrypted() {
            tls::ensure_crypto_provider();
            if let Some(certificates) = &self.certificates {
                client = client.certs(certificates.clone());
            }
        }
        client.build()?.get_async_connection().await
    }

    /// Replaces the error of a cluster client, which gives no reason, by a node's refusal of a
    /// certificate or a user, if that is the reason.
    async fn explain_cluster_error(
        &self,
        nodes: &[ConnectionInfo],
        error: RedisError,
    ) -> RedisError {
        for node in nodes {
            match self.connect_to(node).await {
                Err(reason) if needs_an_operator(&reason) => return reason,
                Err(_) => {}
                Ok(_) => break,
            }
        }
        error
    }
}
