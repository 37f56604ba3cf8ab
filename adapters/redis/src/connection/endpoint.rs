//! What is connected to, and how.

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    RedisError,
};

use super::fault::is_final;
use super::sentinel::Sentinels;
use super::{Connection, Redis, tls};

/// What is connected to.
#[derive(Clone)]
pub(super) enum Endpoint {
    Server(ConnectionInfo),
    Cluster(Vec<ConnectionInfo>),
    Sentinel(Sentinels),
}

impl Endpoint {
    pub(super) fn server(address: &str) -> Result<Self, AddressError> {
        Ok(Self::Server(parsed(address)?))
    }

    pub(super) fn cluster<'a>(
        addresses: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, AddressError> {
        let nodes: Vec<_> = addresses.into_iter().map(parsed).collect::<Result<_, _>>()?;
        let encrypted = nodes.iter().filter(|node| is_encrypted(node)).count();
        if encrypted != 0 && encrypted != nodes.len() {
            return Err(refused("expected all of a cluster's addresses to be rediss://, or none"));
        }
        // The client looks at what else all addresses have in common.
        ClusterClient::new(nodes.iter().cloned()).map_err(AddressError)?;
        Ok(Self::Cluster(nodes))
    }

    /// What it is, in a word.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Server(_) => "server",
            Self::Cluster(_) => "cluster",
            Self::Sentinel(_) => "sentinel",
        }
    }

    /// Whether any of its connections is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        match self {
            Self::Server(address) => is_encrypted(address),
            Self::Cluster(nodes) => nodes.iter().any(is_encrypted),
            Self::Sentinel(sentinels) => sentinels.is_encrypted(),
        }
    }
}

impl Redis {
    pub(super) async fn connect(&self) -> Result<Connection, RedisError> {
        match &self.endpoint {
            Endpoint::Server(address) => Ok(Connection::Server(self.connect_to(address).await?)),
            Endpoint::Cluster(nodes) => match self.connect_cluster(nodes).await {
                Ok(cluster) => Ok(Connection::Cluster(cluster)),
                Err(error) => Err(self.reason(nodes, error).await),
            },
            Endpoint::Sentinel(sentinels) => {
                Ok(Connection::Server(self.connect_to_primary(sentinels).await?))
            }
        }
    }

    /// A connection to one server.
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
        tls::ensure_provider();
        match &self.certificates {
            Some(certificates) => Client::build_with_tls(address.clone(), certificates.clone()),
            None => Client::open(address.clone()),
        }
    }

    async fn connect_cluster(
        &self,
        nodes: &[ConnectionInfo],
    ) -> Result<ClusterConnection, RedisError> {
        // It would send again what was perhaps applied.
        let mut client = ClusterClient::builder(nodes.iter().cloned())
            .retries(0)
            .connection_timeout(self.timeout)
            .response_timeout(self.timeout);
        if self.endpoint.is_encrypted() {
            tls::ensure_provider();
            if let Some(certificates) = &self.certificates {
                client = client.certs(certificates.clone());
            }
        }
        client.build()?.get_async_connection().await
    }

    /// Why no node of a cluster could be connected to, if it is for good: the client itself says only
    /// that it is so.
    async fn reason(&self, nodes: &[ConnectionInfo], error: RedisError) -> RedisError {
        for node in nodes {
            match self.connect_to(node).await {
                Err(reason) if is_final(&reason) => return reason,
                Err(_) => {}
                Ok(_) => break,
            }
        }
        error
    }
}

pub(super) fn parsed(address: &str) -> Result<ConnectionInfo, AddressError> {
    if address.contains('#') {
        return Err(refused("expected no #: in a name or a password it is written %23"));
    }
    address.into_connection_info().map_err(AddressError)
}

pub(super) fn is_encrypted(address: &ConnectionInfo) -> bool {
    matches!(address.addr(), ConnectionAddr::TcpTls { .. })
}

pub(super) fn refused(why: &'static str) -> AddressError {
    AddressError(RedisError::from((ErrorKind::InvalidClientConfig, why)))
}

/// The error for what is no address of a Redis server.
#[derive(Debug, thiserror::Error)]
#[error("expected addresses of Redis servers such as redis://127.0.0.1:6379")]
pub struct AddressError(#[source] pub(super) RedisError);
