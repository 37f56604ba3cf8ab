//! The connections, what is tried again on them and for how long, and what a failure leaves certain.

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

/// A value for a statement, and its type, so that nothing has to be asked before.
pub(crate) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// The database of a store.
pub(crate) struct Database {
    pool: Pool,
    tls: MakeRustlsConnect,
    timeout: Duration,
    patience: Duration,
    hasher: RandomState,
    tokens: AtomicU64,
}

/// What happens where a statement is sent a second time, as the first answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: no caller sees what it does.
    Unseen,
    /// It knows that it arrives a second time.
    Once,
    /// It is done twice. So it isn't sent again.
    Each,
}

/// The answer to a statement.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) rows: Vec<Row>,
    /// Whether it was sent before, and the answer lost.
    pub(crate) resent: bool,
}

/// Why a statement has no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    /// Whether it may have been done all the same.
    pub(crate) may_be_done: bool,
}

impl From<Failure> for BackendError {
    fn from(Failure { fault, may_be_done }: Failure) -> Self {
        if may_be_done { Self::unknown(fault) } else { Self::not_applied(fault) }
    }
}

impl Database {
    pub(crate) fn new(
        mut config: Config,
        tls: MakeRustlsConnect,
        connections: usize,
        timeout: Duration,
        patience: Duration,
    ) -> Result<Self, ConnectError> {
        config.connect_timeout(timeout);
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config, tls.clone(), ManagerConfig { recycling_method });
        let pool = Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(patience))
            .create_timeout(Some(timeout))
            .recycle_timeout(Some(timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| Fault::AllInUse(patience))?;
        let (hasher, tokens) = (RandomState::new(), AtomicU64::new(0));
        Ok(Self { pool, tls, timeout, patience, hasher, tokens })
    }

    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What no other write has.
    pub(crate) fn token(&self) -> i64 {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        self.hasher.hash_one(number).cast_signed()
    }

    /// Makes a statement of which no caller sees what it does: where it fails, nothing was applied.
    pub(crate) async fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let reply = self.run(sql, values, Effect::Unseen).await;
        reply.map(|reply| reply.rows).map_err(|failure| failure.fault)
    }

    /// The same for a statement that looks at much, and may take that long.
    pub(crate) async fn query_within(
        &self,
        limit: Duration,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Fault> {
        let sent = self.send(sql, values, limit, Effect::Unseen).await;
        sent.map_err(|(fault, _)| fault)
    }

    /// Makes a statement, and tries again what fails only for now, until patience ends.
    pub(crate) async fn run(
        &self,
        sql: &str,
        values: &[Value<'_>],
        effect: Effect,
    ) -> Result<Reply, Failure> {
        let begin = Instant::now();
        let mut pause = Duration::from_millis(2);
        let mut resent = false;
        loop {
            let (fault, arrived) = match self.send(sql, values, self.timeout, effect).await {
                Ok(rows) => return Ok(Reply { rows, resent }),
                Err(failed) => failed,
            };
            resent |= arrived;
            let may_be_done = resent && effect != Effect::Unseen;
            let is_last = !is_transient(&fault)
                || arrived && effect == Effect::Each
                || begin.elapsed() + pause > self.patience;
            if is_last {
                return Err(Failure { fault, may_be_done });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Sends a statement once. A fault comes with whether it may have arrived and been done.
    async fn send(
        &self,
        sql: &str,
        values: &[Value<'_>],
        limit: Duration,
        effect: Effect,
    ) -> Result<Vec<Row>, (Fault, bool)> {
        let connection =
            self.pool.get().await.map_err(|error| (self.no_connection(error), false))?;
        let mut lent = Lent { database: self, connection: Some(connection), effect };
        let Some(connection) = &lent.connection else {
            return Err((Fault::ConnectTimeout(limit), false));
        };
        match tokio::time::timeout(limit, connection.query_typed(sql, values)).await {
            Ok(Ok(rows)) => {
                lent.give_back();
                Ok(rows)
            }
            Ok(Err(error)) => {
                // Where it is an error of the transaction alone, all of it was taken back.
                let severity = error.as_db_error().map(DbError::parsed_severity);
                let was_taken_back = severity == Some(Some(Severity::Error));
                // A standby may be another's address by now.
                if was_taken_back && error.code() != Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
                    lent.give_back();
                } else {
                    drop(lent.connection.take().map(Object::take));
                }
                Err((Fault::Database(error), !was_taken_back))
            }
            Err(_) => Err((Fault::Timeout(limit), true)),
        }
    }

    /// Lets go of a connection on which no answer came. What no caller sees is cancelled. A write is not: one
    /// that waits for a standby would then be there without it, and be taken for acknowledged.
    fn abandon(&self, connection: Object, effect: Effect) {
        let (token, tls, limit) = (connection.cancel_token(), self.tls.clone(), self.timeout);
        drop(Object::take(connection));
        let runtime = tokio::runtime::Handle::try_current();
        if let (Effect::Unseen, Ok(runtime)) = (effect, runtime) {
            runtime
                .spawn(async move { tokio::time::timeout(limit, token.cancel_query(tls)).await });
        }
    }

    /// A connection to make several statements on, in a transaction.
    pub(crate) async fn connection(&self) -> Result<Object, Fault> {
        let begin = Instant::now();
        loop {
            match self.pool.get().await.map_err(|error| self.no_connection(error)) {
                Err(fault) if is_transient(&fault) && begin.elapsed() < self.patience => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                other => return other,
            }
        }
    }

    fn no_connection(&self, error: PoolError) -> Fault {
        match error {
            PoolError::Backend(error) => Fault::Connect(error),
            PoolError::Timeout(TimeoutType::Wait) => Fault::AllInUse(self.patience),
            _ => Fault::ConnectTimeout(self.timeout),
        }
    }
}

/// A connection while a statement is on it. Dropped before it was given back, as a call is that nobody waits
/// for any more, it is not used again: an answer may still come on it.
struct Lent<'d> {
    database: &'d Database,
    connection: Option<Object>,
    effect: Effect,
}

impl Lent<'_> {
    fn give_back(&mut self) {
        self.connection = None;
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.database.abandon(connection, self.effect);
        }
    }
}

impl fmt::Debug for Database {
    /// Leaves out the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("timeout", &self.timeout)
            .field("patience", &self.patience)
            .field("connections", &self.pool.status())
            .finish_non_exhaustive()
    }
}

/// Whether the same statement may succeed in a moment.
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
            // PgBouncer tells of its own failures, and of servers that it can't reach, in this class.
            STATES.contains(state) || state.code().starts_with("08")
        }
        // A connection that was lost, or refused; but not a certificate that is wrong.
        None => !is_of_tls(error),
    }
}

/// Whether it is encryption that failed, such as for a certificate that is not trusted.
fn is_of_tls(error: &tokio_postgres::Error) -> bool {
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
