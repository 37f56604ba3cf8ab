//! Finding the primary that sentinels watch under a name.

use redis::aio::MultiplexedConnection;
use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value};

use super::Redis;
use super::address::{AddressError, invalid, is_encrypted, parse};

/// The addresses of sentinels, and the primary that they watch.
#[derive(Clone)]
pub(super) struct Sentinels {
    nodes: Vec<ConnectionInfo>,
    name: String,
    /// How to connect to the primary, with its name in place of the host.
    primary: ConnectionInfo,
}

impl Sentinels {
    pub(super) fn new<'a>(
        addresses: impl IntoIterator<Item = &'a str>,
        primary: &str,
    ) -> Result<Self, AddressError> {
        let nodes: Vec<_> = addresses.into_iter().map(parse).collect::<Result<_, _>>()?;
        if nodes.is_empty() {
            return Err(invalid("expected the address of at least one sentinel"));
        }
        let is_address = primary.contains("://");
        let primary =
            if is_address { parse(primary)? } else { parse(&format!("redis://{primary}"))? };
        let name = match primary.addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
            _ => {
                return Err(invalid(
                    "expected the name under which the sentinels watch the primary",
                ));
            }
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
    /// Asks one sentinel after the other for the primary, and connects to it.
    pub(super) async fn find_primary(
        &self,
        sentinels: &Sentinels,
    ) -> Result<(ConnectionInfo, MultiplexedConnection), RedisError> {
        let mut last = None;
        for sentinel in &sentinels.nodes {
            match self.ask_for_primary(sentinel, sentinels).await {
                Ok(found) => return Ok(found),
                // "The sentinel doesn't know this name" must not hide that another did not answer.
                Err(error) if last.is_none() || error.kind() != ErrorKind::InvalidClientConfig => {
                    last = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(last.unwrap_or_else(|| unknown_name(&sentinels.name)))
    }

    async fn ask_for_primary(
        &self,
        sentinel: &ConnectionInfo,
        sentinels: &Sentinels,
    ) -> Result<(ConnectionInfo, MultiplexedConnection), RedisError> {
        let mut connection = self.connect_to(sentinel).await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinels.name);
        let found: Option<(String, u16)> = command.query_async(&mut connection).await?;
        let (host, port) = found.ok_or_else(|| unknown_name(&sentinels.name))?;
        let address = sentinels.primary_at(host, port);
        let mut server = self.connect_to(&address).await?;
        let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut server).await?;
        // The sentinel may not have noticed the last failover.
        let is_primary = role.first().is_some_and(
            |role| matches!(role, Value::BulkString(name) if name.as_slice() == b"master"),
        );
        if is_primary { Ok((address, server)) } else { Err(not_a_primary()) }
    }
}

fn unknown_name(name: &str) -> RedisError {
    let why = "expected the name of a primary that the sentinels watch";
    RedisError::from((ErrorKind::InvalidClientConfig, why, name.to_owned()))
}

/// Returns a temporary error, as the failover is not over yet.
fn not_a_primary() -> RedisError {
    let why = "expected the server that a sentinel reported to be a primary";
    RedisError::from(std::io::Error::new(std::io::ErrorKind::NotConnected, why))
}
