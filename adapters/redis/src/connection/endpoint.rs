//! The servers to connect to.

use redis::ConnectionInfo;
use redis::cluster::ClusterClient;

use super::address::{AddressError, invalid, is_encrypted, parse};
use super::sentinel::Sentinels;

#[derive(Clone)]
pub(super) enum Endpoint {
    Server(ConnectionInfo),
    Cluster(Vec<ConnectionInfo>),
    Sentinel(Sentinels),
}

impl Endpoint {
    pub(super) fn server(address: &str) -> Result<Self, AddressError> {
        Ok(Self::Server(parse(address)?))
    }

    pub(super) fn cluster<'a>(
        addresses: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, AddressError> {
        let nodes: Vec<_> = addresses.into_iter().map(parse).collect::<Result<_, _>>()?;
        let encrypted = nodes.iter().filter(|node| is_encrypted(node)).count();
        if encrypted != 0 && encrypted != nodes.len() {
            return Err(invalid(
                "expected either all addresses of the cluster to begin with rediss://, or none",
            ));
        }
        // The client checks that the addresses are alike in everything else.
        ClusterClient::new(nodes.iter().cloned()).map_err(AddressError)?;
        Ok(Self::Cluster(nodes))
    }

    pub(super) fn sentinel<'a>(
        addresses: impl IntoIterator<Item = &'a str>,
        primary: &str,
    ) -> Result<Self, AddressError> {
        Ok(Self::Sentinel(Sentinels::new(addresses, primary)?))
    }

    /// Returns the kind of endpoint, in a word.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Server(_) => "server",
            Self::Cluster(_) => "cluster",
            Self::Sentinel(_) => "sentinel",
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Returns whether any of its connections is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        match self {
            Self::Server(address) => is_encrypted(address),
            Self::Cluster(nodes) => nodes.iter().any(is_encrypted),
            Self::Sentinel(sentinels) => sentinels.is_encrypted(),
        }
    }
}
