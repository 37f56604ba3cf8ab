//! The store in PostgreSQL.
//!
//! Each method reads, decides in Rust, and writes with a statement that first compares versions.

mod account;
mod apply;
mod census;
mod claim;
mod locks;
mod notify;
mod read;
mod submit;
mod sweep;
mod write;

use std::sync::Arc;

use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Claimed, ListError, ListQuery,
    Notified, Notifies, Page, Scope, StoreConfig, StoreFuture, Submission, SubmitError, Submitted,
    Swept, Target, Task, TaskEvent, TaskId, Timestamp,
};
use tokio_postgres::Config;
use tokio_postgres::types::Type;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connect_error::ConnectError;
use crate::database::Database;
use crate::listener::Listener;
use crate::migration;
use crate::rows::encode_count;
use crate::schema::checked;
use crate::statements::Statements;

use locks::AccountLocks;
use notify::SendState;

/// A task store in PostgreSQL: an [`AsyncTaskStore`] for any number of processes.
///
/// Clones share one store, and so do all stores in the same
/// [schema](crate::PostgresOptions::with_schema) of a database. They must have the same
/// [`StoreConfig`]. Await the futures on a Tokio runtime.
///
/// ```no_run
/// use tasklife::{AccountId, AsyncTaskStore, CommandType, StoreConfig, Submission, TaskId};
/// use tasklife_postgres::PostgresStore;
///
/// # async fn submit(now: tasklife::Timestamp) -> Result<(), Box<dyn std::error::Error>> {
/// let address = "postgres://user@127.0.0.1/database";
/// let store = PostgresStore::connect(address, StoreConfig::default()).await?;
/// let account: AccountId = "acme".parse()?;
/// let id = TaskId::for_key(&account, "order-7f3a");
/// let create = CommandType::from_static("databaseCreateRequest");
/// store.submit(Submission::new(account.clone(), id, create), now).await?;
/// assert!(store.get(&account, id, now).await?.is_some()); // in every process
/// # Ok(())
/// # }
/// ```
///
/// # How it keeps the laws
///
/// A call reads what it needs in one statement, which sees one moment. [`tasklife::kit`] decides.
/// The call then writes in one statement, a transaction that first compares the version of the
/// account. If another call has written to the account in between, this call reads again. So no
/// transaction stays open while a program computes or stands still, and each statement may use
/// another connection.
///
/// Three things concern all accounts:
///
/// - *The horizon.* Each write holds a lock that all writes share, and checks that the horizon is
///   still what the call read. A sweep that moves the horizon takes the lock exclusively for that
///   moment.
/// - *The turns of claims.* The accounts that may have something to claim stand in a queue. A claim
///   moves the first account to the end of the queue, and then reads its tasks. An account without
///   anything to claim is parked until a write or an instant may change that.
/// - *The limit of tasks.* It is divided into 32 quota shares, so that submissions of different
///   accounts rarely wait for each other. When a submission finds its share used up, it
///   redistributes what is left of the limit.
///
/// Revisions keep up with time ([`Revision::unreached_by`](tasklife::Revision::unreached_by)). So a
/// revision that was lost in a failover is not given to another event, as long as clocks don't go
/// back, and differ by less than the failover takes.
///
/// # Failures
///
/// The store retries what may pass until the time set by
/// [`with_retry_time`](crate::PostgresOptions::with_retry_time) is over: a lost connection, a
/// restart, a standby, a serialization failure or a deadlock.
///
/// A [`BackendError`] then says that *nothing was applied* if that is certain: no connection could
/// be made, PostgreSQL rolled the transaction back, or only reads had been sent.
///
/// If a connection is lost or an answer doesn't come in time during a write, the store sends the
/// same write again. Each write carries a token that the account remembers, so the answer to the
/// second sending says whether the first one had arrived. The error says that the outcome is
/// *unknown* only if no such answer comes in time, or if eight other writes to the account came in
/// between.
///
/// # Hints
///
/// [`notified`](Notifies::notified) reports immediately what happens through this store and its
/// clones. It learns what other processes do by `LISTEN`, on a connection that the store opens when
/// you first wait and reopens when it is lost.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    database: Arc<Database>,
    statements: Statements,
    /// Whether the store may create and migrate tables.
    migrates: bool,
    config: StoreConfig,
    listener: Listener,
    /// The state of the notification to other processes.
    sending: SendState,
    locks: AccountLocks,
}

impl PostgresStore {
    /// Opens the store in another [schema](crate::PostgresOptions::with_schema) of the same
    /// database.
    ///
    /// The two share their connections. This creates or migrates the tables, unless you connected
    /// this store [without migration](crate::PostgresOptions::without_migration).
    ///
    /// # Errors
    ///
    /// See [`PostgresOptions::connect`](crate::PostgresOptions::connect).
    pub async fn in_schema(&self, schema: &str, config: StoreConfig) -> Result<Self, ConnectError> {
        let schema = checked(schema)?;
        let database = Arc::clone(&self.shared.database);
        migration::migrate(&database, &schema, self.shared.migrates).await?;
        let listener = self.shared.listener.of_schema(&schema, database.sender_id());
        Self::configured(database, listener, &schema, self.shared.migrates, config).await
    }

    pub(crate) async fn open(
        database: Database,
        listens_at: Option<(Config, MakeRustlsConnect)>,
        schema: &str,
        migrates: bool,
        config: StoreConfig,
    ) -> Result<Self, ConnectError> {
        migration::migrate(&database, schema, migrates).await?;
        let listener = Listener::new(schema, database.sender_id(), listens_at, database.timeout());
        Self::configured(database.into(), listener, schema, migrates, config).await
    }

    async fn configured(
        database: Arc<Database>,
        listener: Listener,
        schema: &str,
        migrates: bool,
        config: StoreConfig,
    ) -> Result<Self, ConnectError> {
        let statements = Statements::new(schema, database.timeout());
        let (lane, takeover) = (config.max_in_progress(), config.takeover_after());
        let parked_under = format!("max_in_progress {lane:?}, takeover_after {takeover:?}");
        let max_tasks = encode_count(config.max_tasks());
        let values = [(&parked_under as _, Type::TEXT), (&max_tasks as _, Type::INT8)];
        database.query(&statements.configure, &values).await?;
        let (sending, locks) = (SendState::default(), AccountLocks::new());
        let shared = Shared { database, statements, migrates, config, listener, sending, locks };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the configuration of the store.
    #[must_use]
    pub fn config(&self) -> &StoreConfig {
        &self.shared.config
    }
}

impl AsyncTaskStore for PostgresStore {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(self.accept(submission, now))
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(self.apply_event(target, event, now))
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move {
            match scope {
                Scope::Any => self.claim_any(now).await,
                Scope::Account(account) => self.claim_of(account, now).await,
            }
        })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        Box::pin(self.get_task(account, id, now))
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        Box::pin(self.list_page(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        Box::pin(self.sweep_tasks(limit, now))
    }
}

impl Notifies for PostgresStore {
    fn notified(&self) -> Notified<'_> {
        let notified = self.shared.listener.notifier().notified();
        Box::pin(async move {
            self.shared.listener.start();
            notified.await;
        })
    }
}
