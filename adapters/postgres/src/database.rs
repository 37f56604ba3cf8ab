//! The connection pool, the retries, and what is certain after a failure.

use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tasklife::BackendError;
use tokio_postgres::error::{DbError, Severity, SqlState};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connect_error::ConnectError;
use crate::fault::Fault;

/// A value of a statement with its type, so that the statement needs no separate round trip to
/// prepare.
pub(crate) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// The connections of a store.
pub(crate) struct Database {
    pool: Pool,
    tls: MakeRustlsConnect,
    timeout: Duration,
    retry_time: Duration,
    hasher: RandomState,
    tokens: AtomicU64,
}

/// What happens if a statement is sent again after its first answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnRepeat {
    /// No caller sees a difference.
    Harmless,
    /// The statement detects that it was applied before.
    Detected,
    /// The statement is applied again. Therefore it is never sent again.
    AppliedAgain,
}

/// The answer to a statement.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) rows: Vec<Row>,
    /// Whether the statement was sent before, and that answer was lost.
    pub(crate) resent: bool,
}

/// The reason why a statement has no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    /// Whether the statement may have been applied nevertheless.
    pub(crate) may_be_applied: bool,
}

impl From<Failure> for BackendError {
    fn from(Failure { fault, may_be_applied }: Failure) -> Self {
        if may_be_applied { Self::unknown(fault) } else { Self::not_applied(fault) }
    }
}

impl Database {
    pub(crate) fn new(
        mut config: Config,
        tls: MakeRustlsConnect,
        connections: usize,
        timeout: Duration,
        retry_time: Duration,
    ) -> Result<Self, ConnectError> {
        config.connect_timeout(timeout);
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config, tls.clone(), ManagerConfig { recycling_method });
        let pool = Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(retry_time))
            .create_timeout(Some(timeout))
            .recycle_timeout(Some(timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| Fault::AllInUse(retry_time))?;
        let (hasher, tokens) = (RandomState::new(), AtomicU64::new(0));
        Ok(Self { pool, tls, timeout, retry_time, hasher, tokens })
    }

    pub(crate) const fn retry_time(&self) -> Duration {
        self.retry_time
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns a number that identifies one write.
    pub(crate) fn token(&self) -> i64 {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        self.hasher.hash_one(number).cast_signed()
    }

    /// Returns a string that identifies the sender of notifications.
    pub(crate) fn sender_id(&self) -> String {
        format!("{:016x}", self.token())
    }

    /// Runs a statement that is harmless to repeat. A failure counts as "not applied", because no
    /// caller sees whether it was.
    pub(crate) async fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let reply = self.run(sql, values, OnRepeat::Harmless).await;
        reply.map(|reply| reply.rows).map_err(|failure| failure.fault)
    }

    /// Runs a statement that reads many rows, with a time limit of its own. It is not retried.
    pub(crate) async fn query_within(
        &self,
        limit: Duration,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Fault> {
        let sent = self.send(sql, values, limit, OnRepeat::Harmless).await;
        sent.map_err(|(fault, _)| fault)
    }

    /// Runs a statement, and retries failures that may pass until the retry time ends.
    pub(crate) async fn run(
        &self,
        sql: &str,
        values: &[Value<'_>],
        on_repeat: OnRepeat,
    ) -> Result<Reply, Failure> {
        let begin = Instant::now();
        let mut pause = Duration::from_millis(2);
        let mut resent = false;
        loop {
            let (fault, may_have_arrived) =
                match self.send(sql, values, self.timeout, on_repeat).await {
                    Ok(rows) => return Ok(Reply { rows, resent }),
                    Err(failed) => failed,
                };
            resent |= may_have_arrived;
            let may_be_applied = resent && on_repeat != OnRepeat::Harmless;
            let is_last = !is_transient(&fault)
                || may_have_arrived && on_repeat == OnRepeat::AppliedAgain
                || begin.elapsed() + pause > self.retry_time;
            if is_last {
                return Err(Failure { fault, may_be_applied });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Sends a statement once. An error includes whether the statement may have been applied.
    async fn send(
        &self,
        sql: &str,
        values: &[Value<'_>],
        limit: Duration,
        on_repeat: OnRepeat,
    ) -> Result<Vec<Row>, (Fault, bool)> {
        let connection = self.pool.get().await.map_err(|error| (self.pool_fault(error), false))?;
        let mut in_use = InUse { database: self, connection: Some(connection), on_repeat };
        let Some(connection) = &in_use.connection else {
            return Err((Fault::ConnectTimeout(limit), false));
        };
        match tokio::time::timeout(limit, connection.query_typed(sql, values)).await {
            Ok(Ok(rows)) => {
                in_use.give_back();
                Ok(rows)
            }
            Ok(Err(error)) => {
                // An error of this severity rolls back the transaction and nothing else.
                let severity = error.as_db_error().map(DbError::parsed_severity);
                let was_rolled_back = severity == Some(Some(Severity::Error));
                // After a failover, the same address may lead to another server: leave the
                // standby.
                if was_rolled_back && error.code() != Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
                    in_use.give_back();
                } else {
                    drop(in_use.connection.take().map(Object::take));
                }
                Err((Fault::Database(error), !was_rolled_back))
            }
            Err(_) => Err((Fault::Timeout(limit), true)),
        }
    }

    /// Closes a connection on which no answer came, and cancels its statement if that is harmless.
    ///
    /// A write is not cancelled. If it waits for a synchronous standby, cancelling would commit it
    /// without the standby, and the next try would find it and acknowledge it.
    fn abandon(&self, connection: Object, on_repeat: OnRepeat) {
        let (token, tls, limit) = (connection.cancel_token(), self.tls.clone(), self.timeout);
        drop(Object::take(connection));
        let runtime = tokio::runtime::Handle::try_current();
        if let (OnRepeat::Harmless, Ok(runtime)) = (on_repeat, runtime) {
            runtime
                .spawn(async move { tokio::time::timeout(limit, token.cancel_query(tls)).await });
        }
    }

    /// Takes a connection for a transaction of several statements.
    pub(crate) async fn connection(&self) -> Result<Object, Fault> {
        let begin = Instant::now();
        loop {
            match self.pool.get().await.map_err(|error| self.pool_fault(error)) {
                Err(fault) if is_transient(&fault) && begin.elapsed() < self.retry_time => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                other => return other,
            }
        }
    }

    fn pool_fault(&self, error: PoolError) -> Fault {
        match error {
            PoolError::Backend(error) => Fault::Connect(error),
            PoolError::Timeout(TimeoutType::Wait) => Fault::AllInUse(self.retry_time),
            _ => Fault::ConnectTimeout(self.timeout),
        }
    }
}

/// A connection that is running a statement.
///
/// If this is dropped before the connection was given back, for instance because the caller dropped
/// its future, the connection is closed: the answer may still arrive on it.
struct InUse<'d> {
    database: &'d Database,
    connection: Option<Object>,
    on_repeat: OnRepeat,
}

impl InUse<'_> {
    fn give_back(&mut self) {
        self.connection = None;
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.database.abandon(connection, self.on_repeat);
        }
    }
}

impl fmt::Debug for Database {
    /// Omits the address, which may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("timeout", &self.timeout)
            .field("retry_time", &self.retry_time)
            .field("connections", &self.pool.status())
            .finish_non_exhaustive()
    }
}

/// Returns whether the same statement may succeed in a moment.
fn is_transient(fault: &Fault) -> bool {
    let error = match fault {
        Fault::ConnectTimeout(_) | Fault::Timeout(_) => return true,
        Fault::Connect(error) | Fault::Database(error) => error,
        _ => return false,
    };
    match error.code() {
        Some(state) => {
            const STATES: [SqlState; 13] = [
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::LOCK_NOT_AVAILABLE,
                SqlState::QUERY_CANCELED,
                SqlState::READ_ONLY_SQL_TRANSACTION,
                SqlState::TOO_MANY_CONNECTIONS,
                SqlState::OUT_OF_MEMORY,
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::IDLE_SESSION_TIMEOUT,
                SqlState::CONNECTION_FAILURE,
                SqlState::CONNECTION_EXCEPTION,
            ];
            // PgBouncer reports its own failures, and servers that it can't reach, in class 08.
            STATES.contains(state) || state.code().starts_with("08")
        }
        // The connection was lost or refused. A certificate that can't be verified stays so.
        None => !is_tls_failure(error),
    }
}

/// Returns whether encryption failed, for instance because a certificate is not trusted.
fn is_tls_failure(error: &tokio_postgres::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>()
            || matches!(inner, Some(inner) if inner.is::<rustls::Error>())
        {
            return true;
        }
        cause = error.source();
    }
    false
}
