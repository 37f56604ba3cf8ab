//! The primary that sentinels know by a name.

use redis::aio::MultiplexedConnection;
use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value};

use super::Redis;
use super::endpoint::{AddressError, is_encrypted, parsed, refused};

/// Sentinels, and the primary that they watch.
#[derive(Clone)]
pub(super) struct Sentinels {
    nodes: Vec<ConnectionInfo>,
    name: String,
    /// How to connect to it, at a host that it does not have.
    primary: ConnectionInfo,
}

impl Sentinels {
    pub(super) fn new<'a>(
        addresses: impl IntoIterator<Item = &'a str>,
        primary: &str,
    ) -> Result<Self, AddressError> {
        let nodes: Vec<_> = addresses.into_iter().map(parsed).collect::<Result<_, _>>()?;
        if nodes.is_empty() {
            return Err(refused("expected the address of a sentinel"));
        }
        let is_address = primary.contains("://");
        let primary =
            if is_address { parsed(primary)? } else { parsed(&format!("redis://{primary}"))? };
        let name = match primary.addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
            _ => return Err(refused("expected the name by which sentinels know a primary")),
        };
        Ok(Self { nodes, name, primary })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        is_encrypted(&self.primary) || self.nodes.iter().any(is_encrypted)
    }

    fn primary_at(&self, host: String, port: u16) -> ConnectionInfo {
        let addr = if is_encrypted(&self.primary) {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        self.primary.clone().set_addr(addr)
    }
}

impl Redis {
    /// A connection to what a sentinel says is the primary, and itself says so, too: a sentinel may not
    /// have heard of the last fail-over.
    pub(super) async fn connect_to_primary(
        &self,
        sentinels: &Sentinels,
    ) -> Result<MultiplexedConnection, RedisError> {
        let primary = self.find_primary(sentinels).await?;
        Ok(primary.1)
    }

    /// Where the primary is, and a connection to it.
    pub(super) async fn find_primary(
        &self,
        sentinels: &Sentinels,
    ) -> Result<(ConnectionInfo, MultiplexedConnection), RedisError> {
        let mut last = None;
        for sentinel in &sentinels.nodes {
            match self.ask(sentinel, sentinels).await {
                Ok(found) => return Ok(found),
                // Of those that can't be asked, another may know it.
                Err(error) if last.is_none() || error.kind() != ErrorKind::InvalidClientConfig => {
                    last = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(last.unwrap_or_else(|| unknown(&sentinels.name)))
    }

    async fn ask(
        &self,
        sentinel: &ConnectionInfo,
        sentinels: &Sentinels,
    ) -> Result<(ConnectionInfo, MultiplexedConnection), RedisError> {
        let mut connection = self.connect_to(sentinel).await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinels.name);
        let found: Option<(String, u16)> = command.query_async(&mut connection).await?;
        let (host, port) = found.ok_or_else(|| unknown(&sentinels.name))?;
        let address = sentinels.primary_at(host, port);
        let mut server = self.connect_to(&address).await?;
        let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut server).await?;
        let is_primary = role.first().is_some_and(
            |role| matches!(role, Value::BulkString(name) if name.as_slice() == b"master"),
        );
        if is_primary { Ok((address, server)) } else { Err(no_primary()) }
    }
}

fn unknown(name: &str) -> RedisError {
    let why = "expected a primary that the sentinels know";
    RedisError::from((ErrorKind::InvalidClientConfig, why, name.to_owned()))
}

/// The fail-over is not over.
fn no_primary() -> RedisError {
    let why = "expected the server that a sentinel named to be a primary";
    RedisError::from(std::io::Error::new(std::io::ErrorKind::NotConnected, why))
}
