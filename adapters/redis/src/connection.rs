//! The way to a Redis server or cluster, and what its failures leave certain.

mod endpoint;
mod fault;
mod nodes;
mod sentinel;
mod subscription;
mod tls;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, TlsCertificates, Value};
use tasklife::BackendError;

use endpoint::Endpoint;
use fault::Fault;
use sentinel::Sentinels;

pub use endpoint::AddressError;
pub use tls::CertificateError;

use crate::script::Script;

/// A Redis server, one that sentinels watch, or a Redis Cluster: one multiplexed connection, shared by its
/// clones.
///
/// It connects when it is first used, and again when the connection is lost.
///
/// # Addresses
///
/// `redis://NAME:PASSWORD@HOST:PORT/DATABASE`, of which all but the host can be left out: the port is
/// then 6379, the database 0. What has a meaning in an address is percent-encoded in name and
/// password, such as `%40` for `@`. With `rediss://` the connection is encrypted (TLS 1.2 or 1.3); the
/// server's certificate must be for the host, and from an authority that the system trusts, or from one
/// of [one's own](Self::with_root_certificates). Of a cluster, that holds for the hosts by which its nodes
/// know each other; of a primary, for that by which its sentinels do.
///
/// # Failures
///
/// A [`BackendError`] says that *nothing was applied* where that is certain: no connection could be
/// made, the server refused (it is loading, a replica, out of memory, a cluster is down), or only reads
/// had been sent. What was refused only for now is tried again until [patience](Self::with_patience)
/// ends.
///
/// Where a connection is lost, or an answer does not come in time, while a write is on its way, the same
/// write is sent again. It tells whether it arrived before, as each carries a token that the account
/// remembers. Only if that can't be found out before patience ends, or eight other writes to the account
/// came in between, the error says that it is *unknown*.
#[derive(Clone)]
pub struct Redis {
    endpoint: Endpoint,
    certificates: Option<TlsCertificates>,
    timeout: Duration,
    patience: Duration,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    current: Mutex<Current>,
    connecting: tokio::sync::Mutex<()>,
    hasher: RandomState,
    tokens: AtomicU64,
}

#[derive(Default)]
struct Current {
    generation: u64,
    connection: Option<Connection>,
}

#[derive(Clone)]
enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Redis {
    /// A single server, at an address such as `redis://127.0.0.1:6379`.
    ///
    /// # Errors
    /// Where the address is none.
    pub fn server(address: &str) -> Result<Self, AddressError> {
        Ok(Self::at(Endpoint::server(address)?))
    }

    /// A cluster, some of whose nodes are at these addresses. The others are found by asking one of
    /// them: name several, in case one is down.
    ///
    /// # Errors
    /// Where one of the addresses is none, they differ in more than host and port, or there is none.
    pub fn cluster<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Result<Self, AddressError> {
        Ok(Self::at(Endpoint::cluster(addresses)?))
    }

    /// The primary that sentinels at these addresses, such as `redis://10.0.0.1:26379`, know by a name,
    /// such as `mymaster`. They are asked for it at each connection, one after the other: name all. So a
    /// fail-over is followed.
    ///
    /// Where the primary needs more than its name, an address says so with the name for a host:
    /// `rediss://user:password@mymaster`. The sentinels' own users and encryption are those of their
    /// addresses.
    ///
    /// # Errors
    /// Where one of the addresses or the name is none, or there is no address.
    pub fn sentinel<'a>(
        addresses: impl IntoIterator<Item = &'a str>,
        primary: &str,
    ) -> Result<Self, AddressError> {
        Ok(Self::at(Endpoint::Sentinel(Sentinels::new(addresses, primary)?)))
    }

    fn at(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            certificates: None,
            timeout: Self::TIMEOUT,
            patience: Self::PATIENCE,
            shared: Arc::default(),
        }
    }

    const TIMEOUT: Duration = Duration::from_secs(2);
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Sets how long a connection, or the answer to a command, is waited for: 2 seconds unless set.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.shared = Arc::default();
        self
    }

    /// Sets for how long each command of a call is tried while the server can't be reached, is starting, or
    /// a cluster has no primary for it: 5 seconds unless set; the last try may take a
    /// [timeout](Self::with_timeout) more. It is also how long a call waits for those of this process that
    /// write to the same account before it. Within that time it also finds out whether a write arrived
    /// whose answer was lost, so that fewer errors are unknown ones.
    ///
    /// A fail-over is not noticed by callers who are more patient than it takes: the cluster's
    /// `cluster-node-timeout` (15 seconds unless set), and a few seconds more.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends a command of one's own over the same connection, once: for a health check, or to measure
    /// beside it. In a cluster it goes where its first key is.
    ///
    /// ```no_run
    /// # async fn is_well(redis: &tasklife_redis::Redis) -> bool {
    /// redis.call(&["GET", "some:{key}"]).await.is_ok()
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where it is refused, or the connection fails.
    pub async fn call(&self, words: &[&str]) -> Result<Option<String>, BackendError> {
        let mut command = Cmd::new();
        command.arg(words);
        let answer = self.send(command).await.map_err(|fault| {
            if fault.had_no_effect {
                BackendError::not_applied(fault.error)
            } else {
                BackendError::unknown(fault.error)
            }
        })?;
        redis::from_redis_value(answer).map_err(BackendError::unknown)
    }

    /// For how long a call tries again what had no effect.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// How long the answer to a command is waited for.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What no other write has: 12 hexadecimal digits.
    pub(crate) fn token(&self) -> String {
        format!("{:012x}", self.random() >> 16)
    }

    fn random(&self) -> u64 {
        let number = self.shared.tokens.fetch_add(1, Ordering::Relaxed);
        self.shared.hasher.hash_one(number)
    }

    /// Runs a script that changes nothing that callers see: where it fails, nothing was applied.
    pub(crate) async fn query<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<T, BackendError> {
        let reply = self.run(script, keys, args).await;
        reply.map(|reply| reply.answer).map_err(|(error, _)| BackendError::not_applied(error))
    }

    /// Runs a script that knows when it arrives a second time. Where it fails, the error says whether
    /// it may have arrived.
    pub(crate) async fn execute<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Reply<T>, BackendError> {
        let reply = self.run(script, keys, args).await;
        reply.map_err(|(error, arrived)| {
            if arrived { BackendError::unknown(error) } else { BackendError::not_applied(error) }
        })
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Reply<T>, (RedisError, bool)> {
        self.with_retries(|| self.eval(script, keys, args)).await
    }

    /// Sends something until it is answered, or patience ends. An error comes with whether it may have
    /// arrived.
    async fn with_retries<T: FromRedisValue, F: Future<Output = Result<Value, Fault>>>(
        &self,
        send: impl Fn() -> F,
    ) -> Result<Reply<T>, (RedisError, bool)> {
        let begin = Instant::now();
        let mut pause = Duration::from_millis(2);
        let mut resent = false;
        loop {
            let fault = match send().await {
                Ok(value) => {
                    let answer = redis::from_redis_value(value);
                    let answer = answer.map_err(|error| (RedisError::from(error), true))?;
                    return Ok(Reply { answer, resent });
                }
                Err(fault) => fault,
            };
            resent |= !fault.had_no_effect;
            if !fault.is_transient() || begin.elapsed() + pause > self.patience {
                return Err((fault.error, resent));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    async fn eval(&self, script: &Script, keys: &[String], args: &[&[u8]]) -> Result<Value, Fault> {
        let by_hash = command("EVALSHA", script.hash(), keys, args);
        match self.send(by_hash).await {
            Err(fault) if fault.is(ServerErrorKind::NoScript) => {
                self.send(command("EVAL", script.source, keys, args)).await
            }
            other => other,
        }
    }

    /// Lets go of the connection on which something failed, if it is of no more use.
    fn record_fault(&self, error: RedisError, generation: u64) -> Fault {
        let fault = Fault::of(error);
        if fault.breaks_connection(&self.endpoint) {
            self.drop_connection(generation);
        }
        fault
    }

    async fn send(&self, command: Cmd) -> Result<Value, Fault> {
        let (generation, connection) = self.connection().await?;
        let reply = match connection {
            Connection::Server(mut server) => command.query_async(&mut server).await,
            Connection::Cluster(mut cluster) => match command.query_async(&mut cluster).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) => {
                    asking(&mut cluster, &command, error).await
                }
                other => other,
            },
        };
        reply.map_err(|error| self.record_fault(error, generation))
    }

    async fn connection(&self) -> Result<(u64, Connection), Fault> {
        if let Some(found) = self.current() {
            return Ok(found);
        }
        let _one_at_a_time = self.shared.connecting.lock().await;
        if let Some(found) = self.current() {
            return Ok(found);
        }
        let connection = self.connect().await.map_err(Fault::before)?;
        let mut current = self.shared.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.generation += 1;
        current.connection = Some(connection.clone());
        Ok((current.generation, connection))
    }

    fn current(&self) -> Option<(u64, Connection)> {
        let current = self.shared.current.lock().unwrap_or_else(PoisonError::into_inner);
        Some((current.generation, current.connection.clone()?))
    }

    /// Lets go of a connection, unless another has replaced it.
    fn drop_connection(&self, generation: u64) {
        let mut current = self.shared.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.generation == generation {
            current.connection = None;
        }
    }
}

impl fmt::Debug for Redis {
    /// Leaves out addresses and certificates, which may hold passwords and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("endpoint", &self.endpoint.kind())
            .field("timeout", &self.timeout)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

fn command(name: &str, script: &str, keys: &[String], args: &[&[u8]]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys);
    for arg in args {
        command.arg(arg);
    }
    command
}

/// Sends a command to where a slot is on its way to.
async fn asking(
    cluster: &mut ClusterConnection,
    command: &Cmd,
    error: RedisError,
) -> Result<Value, RedisError> {
    let target = error.redirect_node().and_then(|(address, _)| {
        let (host, port) = address.rsplit_once(':')?;
        Some((host.to_owned(), port.parse().ok()?))
    });
    let Some((host, port)) = target else { return Err(error) };
    let mut both = redis::pipe();
    both.cmd("ASKING").ignore().add_command(command.clone());
    let to = SingleNodeRoutingInfo::ByAddress { host, port };
    let mut answers = cluster.route_pipeline(both, 0, 2, to).await?;
    answers.pop().unwrap_or(Value::Nil).extract_error()
}

/// The answer to a script.
pub(crate) struct Reply<T> {
    pub(crate) answer: T,
    /// Whether it was sent before, and the answer lost.
    pub(crate) resent: bool,
}
