//! Parsing the addresses of servers.

use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError};

pub(super) fn parse(address: &str) -> Result<ConnectionInfo, AddressError> {
    // The `redis` crate takes `#insecure` to mean that the certificate is not verified.
    if address.contains('#') {
        return Err(invalid("expected no '#': in a name or a password, write it as %23"));
    }
    address.into_connection_info().map_err(AddressError)
}

pub(super) fn is_encrypted(address: &ConnectionInfo) -> bool {
    matches!(address.addr(), ConnectionAddr::TcpTls { .. })
}

pub(super) fn invalid(why: &'static str) -> AddressError {
    AddressError(RedisError::from((ErrorKind::InvalidClientConfig, why)))
}

/// The error for an invalid address of a Redis server. Its source says what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("expected the address of a Redis server, such as redis://127.0.0.1:6379")]
pub struct AddressError(#[source] pub(super) RedisError);
