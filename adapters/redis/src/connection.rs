//! The connection to a Redis server or cluster, and what its failures leave certain.

mod address;
mod command;
mod connect;
mod endpoint;
mod failure;
mod nodes;
mod sentinel;
mod subscription;
mod tls;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Cmd, TlsCertificates};
use tasklife::BackendError;

use connect::Connecting;
use endpoint::Endpoint;

pub use address::AddressError;
pub(crate) use command::Reply;
pub use tls::CertificateError;

/// A connection to a Redis server, to the primary behind Redis Sentinel, or to a Redis Cluster.
///
/// The connection is multiplexed, and all clones share it. It is opened on first use and opened
/// again after it is lost.
///
/// # Addresses
///
/// An address has the form `redis://NAME:PASSWORD@HOST:PORT/DATABASE`. Only the host is required:
/// the port defaults to 6379 and the database to 0. Percent-encode reserved characters in the name
/// and the password, such as `%40` for `@`.
///
/// An address that begins with `rediss://` encrypts the connection with TLS 1.2 or 1.3. The
/// server's certificate must be valid for the host in the address. It must come from an authority
/// that the system trusts, or from one that you [name yourself](Self::with_root_certificates).
/// Nodes of a cluster need a certificate for the host under which the nodes know each other. A
/// primary behind Sentinel needs one for the host that the sentinels report.
///
/// # Failures
///
/// A [`BackendError`] says that *nothing was applied* when that is certain: no connection could be
/// made, the server refused the command (it is loading, a replica, out of memory, or its cluster is
/// down), or the command only read. Temporary failures are retried until the
/// [retry time](Self::with_retry_time) ends.
///
/// When the connection is lost or an answer is late while a write is on its way, the same write is
/// sent again. Each write carries a token that the account remembers, so the answer to the second
/// sending says whether the first one had arrived. The error says that the outcome is *unknown*
/// only if the retry time ends before that is known, or if eight other writes to the account came
/// in between.
#[derive(Clone)]
pub struct Redis {
    endpoint: Endpoint,
    certificates: Option<TlsCertificates>,
    timeout: Duration,
    retry_time: Duration,
    shared: Arc<Shared>,
}

/// What all clones share.
#[derive(Default)]
struct Shared {
    connecting: Connecting,
    hasher: RandomState,
    random_numbers: AtomicU64,
}

impl Redis {
    const TIMEOUT: Duration = Duration::from_secs(2);
    const RETRY_TIME: Duration = Duration::from_secs(5);

    /// Connects to a single server at an address such as `redis://127.0.0.1:6379`.
    ///
    /// # Errors
    ///
    /// Returns [`AddressError`] if the address is invalid.
    pub fn server(address: &str) -> Result<Self, AddressError> {
        Ok(Self::at(Endpoint::server(address)?))
    }

    /// Connects to a cluster that has nodes at these addresses.
    ///
    /// The first node that answers names all others. Give several addresses, in case one node is
    /// down.
    ///
    /// # Errors
    ///
    /// Returns [`AddressError`] if an address is invalid, if the addresses differ in more than host
    /// and port, or if there is no address.
    pub fn cluster<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Result<Self, AddressError> {
        Ok(Self::at(Endpoint::cluster(addresses)?))
    }

    /// Connects to the primary that sentinels watch under a name such as `mymaster`.
    ///
    /// The addresses are those of the sentinels, such as `redis://10.0.0.1:26379`. Give all of
    /// them: each new connection asks one after the other where the primary is, and so follows a
    /// failover.
    ///
    /// If the primary needs a user, encryption or a database, give an address with its name as the
    /// host: `rediss://user:password@mymaster`. The addresses of the sentinels have users and
    /// encryption of their own.
    ///
    /// # Errors
    ///
    /// Returns [`AddressError`] if an address or the name is invalid, or if there is no address.
    pub fn sentinel<'a>(
        addresses: impl IntoIterator<Item = &'a str>,
        primary: &str,
    ) -> Result<Self, AddressError> {
        Ok(Self::at(Endpoint::sentinel(addresses, primary)?))
    }

    fn at(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            certificates: None,
            timeout: Self::TIMEOUT,
            retry_time: Self::RETRY_TIME,
            shared: Arc::default(),
        }
    }

    /// Sets how long to wait for a connection, and for the answer to a command. The default is 2
    /// seconds.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.shared = Arc::default();
        self
    }

    /// Sets how long a call retries each of its commands. The default is 5 seconds.
    ///
    /// A command is retried while the server can't be reached or is starting, and while a cluster
    /// has no primary for it. The last try may take one [timeout](Self::with_timeout) longer.
    /// Within that time, a call also finds out whether a write whose answer was lost has arrived:
    /// a longer time means fewer errors with an unknown outcome.
    ///
    /// A call waits at most this long for earlier writes of this process to the same account. It
    /// sends several commands one after the other, so in all it can take several times this long.
    ///
    /// A caller whose retry time is longer than a failover sees only a delay. In a cluster, a
    /// failover takes `cluster-node-timeout` (15 seconds by default) and a few seconds more.
    #[must_use]
    pub fn with_retry_time(mut self, retry_time: Duration) -> Self {
        self.retry_time = retry_time;
        self
    }

    /// Sends a command of your own over the same connection, without retries.
    ///
    /// Use it for a health check, or to measure the bare connection. In a cluster the command goes
    /// to the node of its first key.
    ///
    /// ```no_run
    /// # async fn is_well(redis: &tasklife_redis::Redis) -> bool {
    /// redis.call(&["GET", "some:{key}"]).await.is_ok()
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`BackendError`] if the server refuses the command, if the connection fails, or if
    /// the answer is neither text, a number nor nil.
    pub async fn call(&self, command: &[&str]) -> Result<Option<String>, BackendError> {
        let mut sent = Cmd::new();
        sent.arg(command);
        let answer = self.send(sent).await.map_err(|failure| {
            if failure.had_no_effect {
                BackendError::not_applied(failure.error)
            } else {
                BackendError::unknown(failure.error)
            }
        })?;
        redis::from_redis_value(answer).map_err(BackendError::unknown)
    }

    /// Returns how long a call retries a command, and waits for its account.
    pub(crate) fn retry_time(&self) -> Duration {
        self.retry_time
    }

    /// Returns how long to wait for the answer to a command.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns a new token that no other write has: 12 hexadecimal digits.
    pub(crate) fn token(&self) -> String {
        format!("{:012x}", self.random() >> 16)
    }

    fn random(&self) -> u64 {
        let number = self.shared.random_numbers.fetch_add(1, Ordering::Relaxed);
        self.shared.hasher.hash_one(number)
    }
}

impl fmt::Debug for Redis {
    /// Leaves out addresses and certificates, which may hold passwords and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("endpoint", &self.endpoint.kind())
            .field("timeout", &self.timeout)
            .field("retry_time", &self.retry_time)
            .finish_non_exhaustive()
    }
}
