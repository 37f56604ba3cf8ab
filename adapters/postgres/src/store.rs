//! The store: its methods, each of them a read, a decision in Rust, and a write that compares first.

mod account;
mod census;
mod claim;
mod notify;
mod submit;
mod sweep;
mod write;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tasklife::kit::Call;
use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Changed, Changes, Claimed,
    EventKind, ListError, ListQuery, Now, Page, Scope, StoreConfig, StoreFuture, Submission,
    SubmitError, Submitted, Swept, Target, Task, TaskEvent, TaskId,
};
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::Config;
use tokio_postgres::types::Type;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connect_error::ConnectError;
use crate::database::Database;
use crate::fault::Fault;
use crate::listener::Listener;
use crate::migration;
use crate::rows::{column, decode, instant, limit, number, read_revision, read_task};
use crate::schema::checked;
use crate::statements::Statements;

use notify::Notifier;
use write::{Outcome, Write};

/// The store of tasks in PostgreSQL: [`AsyncTaskStore`] with all its laws, for any number of processes.
///
/// Its clones share it, as do all stores in the same [schema](crate::PostgresOptions::with_schema) of a
/// database. They must have the same [`StoreConfig`]. Tokio has to run where its futures are awaited.
///
/// ```no_run
/// use tasklife::{AccountId, AsyncTaskStore, CommandType, StoreConfig, Submission, TaskId};
/// use tasklife_postgres::PostgresStore;
///
/// # async fn submit(now: tasklife::Now) -> Result<(), Box<dyn std::error::Error>> {
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
/// A call reads what it has to know in one statement, which sees one moment; decides by [`tasklife::kit`]; and
/// writes in one statement, which is a transaction that first compares the version of the account: whoever was
/// slower reads again. So no transaction waits for a program that has stopped, nothing is left open where one
/// dies, and each statement may go to another connection.
///
/// What concerns all accounts:
///
/// - *The horizon.* Whoever writes holds a lock that it shares with all others who write, and looks whether the
///   horizon is still what it was when it was read. A sweep takes that lock alone for a moment, while it moves
///   the horizon.
/// - *The turns of claims.* Accounts that may have something to hand out stand in a queue. Whoever takes a turn
///   moves the account to its end, and then looks. An account that has nothing is parked, until something is
///   written to it or a clock says so.
/// - *The limit of tasks.* The places are shared out in 32 rows, so that submissions of different accounts
///   rarely wait for each other. One that finds no place in its share has them shared out anew.
///
/// Revisions keep up with time ([`Revision::unreached_by`](tasklife::Revision::unreached_by)): what was given
/// out, and lost in a fail-over, is not given out again for something else.
///
/// # Failures
///
/// A [`BackendError`] says that *nothing was applied* where that is certain: no connection could be made,
/// PostgreSQL took the transaction back, or only reads had been sent. What fails only for now is tried again
/// until [patience](crate::PostgresOptions::with_patience) ends: a lost connection, a restart, a standby, a
/// serialization failure, a deadlock.
///
/// Where a connection is lost, or an answer does not come in time, while a write is on its way, the same write
/// is sent again. It finds out whether it arrived before, as each carries a token that the account remembers.
/// Only if that can't be found out before patience ends, or eight other writes to the account came in between,
/// the error says that it is *unknown*.
///
/// # Hints
///
/// [`changed`](Changes::changed) hears at once of what is done through this store and its clones, and of what
/// others do by `LISTEN`, on a connection that is made when somebody waits for the first time, and made again
/// when it is lost.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    database: Arc<Database>,
    statements: Statements,
    /// Whether it may make tables.
    migrates: bool,
    config: StoreConfig,
    listener: Listener,
    notifier: Notifier,
    /// Calls of this process that write to the same account wait here, and not by being slower.
    locks: Locks,
}

#[derive(Debug)]
struct Locks {
    hasher: RandomState,
    stripes: Vec<Mutex<()>>,
}

impl Locks {
    fn new() -> Self {
        let stripes = std::iter::repeat_with(Mutex::default).take(256).collect();
        Self { hasher: RandomState::new(), stripes }
    }

    /// The lock of an account, which is waited for as long as a statement is tried.
    async fn of(
        &self,
        account: &AccountId,
        patience: Duration,
    ) -> Result<MutexGuard<'_, ()>, Fault> {
        let stripe = self.hasher.hash_one(account) % 256;
        let lock = self.stripes[usize::try_from(stripe).unwrap_or(0)].lock();
        // An account that nobody writes to is free at once, however short patience is.
        tokio::time::timeout(patience.max(Duration::from_millis(1)), lock)
            .await
            .map_err(|_| Fault::AccountBusy(patience))
    }
}

impl PostgresStore {
    /// Another store, in another [schema](crate::PostgresOptions::with_schema) of the same database, over the same
    /// connections. Its tables are made or migrated, where they have to be, unless this one was connected
    /// [without migration](crate::PostgresOptions::without_migration).
    ///
    /// # Errors
    /// As [`connect`](crate::PostgresOptions::connect).
    pub async fn in_schema(&self, schema: &str, config: StoreConfig) -> Result<Self, ConnectError> {
        let schema = checked(schema)?;
        let database = Arc::clone(&self.shared.database);
        migration::migrate(&database, &schema, self.shared.migrates).await?;
        let listener = self.shared.listener.of_schema(&schema, own(&database));
        Self::configured(database, listener, &schema, self.shared.migrates, config).await
    }

    pub(crate) async fn open(
        database: Database,
        listens: Option<(Config, MakeRustlsConnect)>,
        schema: &str,
        migrates: bool,
        config: StoreConfig,
    ) -> Result<Self, ConnectError> {
        migration::migrate(&database, schema, migrates).await?;
        let listener = Listener::new(schema, own(&database), listens, database.timeout());
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
        let max_tasks = limit(config.max_tasks());
        let values = [(&parked_under as _, Type::TEXT), (&max_tasks as _, Type::INT8)];
        database.query(&statements.configure, &values).await?;
        let (notifier, locks) = (Notifier::default(), Locks::new());
        let shared = Shared { database, statements, migrates, config, listener, notifier, locks };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The store's configuration.
    #[must_use]
    pub fn config(&self) -> &StoreConfig {
        &self.shared.config
    }

    async fn lock(&self, account: &AccountId) -> Result<MutexGuard<'_, ()>, BackendError> {
        Ok(self.shared.locks.of(account, self.shared.database.patience()).await?)
    }

    async fn apply_event(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Now,
    ) -> Result<Change, ApplyError> {
        let kind = event.kind();
        let _guard = self.lock(target.account()).await?;
        loop {
            let lane = self.config().max_in_progress().filter(|_| kind == EventKind::Start);
            let counted = lane.map_or(0, |width| width.get() as usize);
            let read = self
                .read_for_update(target.account(), target.id(), None, counted, false, now)
                .await
                .map_err(BackendError::from)?;
            let call = Call::new(self.config(), read.store.horizon, now);
            let task = call.permit(target, &event, read.found)?;
            if call.needs_lane(kind) {
                call.check_lane(read.in_progress)?;
            }
            let account = read.account.ok_or(ApplyError::NotFound)?;
            let expired_at = task.expires_at();
            let change = call.apply(task, event.clone(), account.clock(now))?;
            let write = Write {
                store: &read.store,
                account: Some(&account),
                task: change.task(),
                is_new: false,
                // One that was parked stays so: nothing is there sooner for a report, unless it expires sooner.
                makes_ready: kind != EventKind::Report || change.task().expires_at() < expired_at,
                share: account.share,
                new_horizon: None,
            };
            match self.write(&write).await? {
                Outcome::Done => {
                    self.tell_if(change.may_make_work());
                    return Ok(change);
                }
                Outcome::Changed | Outcome::NoRoom => {}
            }
        }
    }

    async fn get_task(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Now,
    ) -> Result<Option<Task>, BackendError> {
        let (name, now, uuid) = (account.as_str(), instant(now), id.as_uuid());
        let values = [(&name as _, Type::TEXT), (&now as _, Type::BYTEA), (&uuid as _, Type::UUID)];
        let rows = self.shared.database.query(&self.shared.statements.get, &values).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let record: Option<&str> = column(row, "record")?;
        Ok(record.map(|record| decode(record, id)).transpose()?)
    }

    async fn list_page(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Now,
    ) -> Result<Page, ListError> {
        let below = query.position(account)?.map_or(i64::MAX, number);
        let above = query.since().map_or(0, number);
        let statuses = query.statuses().fold(0, |bits, status| bits | 1_i32 << status as u8);
        let count = limit(query.limit().get().saturating_add(1));
        let (name, at) = (account.as_str(), instant(now));
        let values = [
            (&name as _, Type::TEXT),
            (&at as _, Type::BYTEA),
            (&statuses as _, Type::INT4),
            (&below as _, Type::INT8),
            (&above as _, Type::INT8),
            (&count as _, Type::INT8),
        ];
        let database = &self.shared.database;
        let rows = database
            .query(&self.shared.statements.list, &values)
            .await
            .map_err(BackendError::from)?;
        let read = || {
            let (first, rows) = rows.split_first().ok_or(Fault::Damaged("a row of the account"))?;
            let tasks: Result<Vec<Option<Task>>, Fault> =
                rows.iter().map(|row| read_task(row, "id", "record")).collect();
            Ok::<_, Fault>((read_revision(first, "revision")?, tasks?))
        };
        let (revision, tasks) = read().map_err(BackendError::from)?;
        let call = Call::new(self.config(), tasklife::MIN_TIME, now);
        Ok(call.page(account, query, tasks.into_iter().flatten().collect(), revision))
    }
}

impl AsyncTaskStore for PostgresStore {
    fn submit(&self, submission: Submission, now: Now) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(self.accept(submission, now))
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Now,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(self.apply_event(target, event, now))
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Now,
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
        now: Now,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        Box::pin(self.get_task(account, id, now))
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Now,
    ) -> StoreFuture<'a, Page, ListError> {
        Box::pin(self.list_page(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Now) -> StoreFuture<'_, Swept, BackendError> {
        Box::pin(self.sweep_tasks(limit, now))
    }
}

impl Changes for PostgresStore {
    fn changed(&self) -> Changed<'_> {
        let heard = self.shared.listener.notifier().notified();
        Box::pin(async move {
            self.shared.listener.start();
            heard.await;
        })
    }
}

/// What tells the notifications of a store from those of others.
fn own(database: &Database) -> String {
    format!("{:016x}", database.token())
}
