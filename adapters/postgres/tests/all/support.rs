//! The shared server, new stores on it, and the values that tests submit.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tasklife::{AccountId, CommandType, StoreConfig, Submission, TaskId, Timestamp};
use tasklife_postgres::{PostgresOptions, PostgresStore};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

pub(crate) use tasklife_test_support::{AlternatingStore, PostgresServer};

pub(crate) const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// Runs a future to completion on the runtime of all tests.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// Runs a future concurrently with the test.
pub(crate) fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> JoinHandle<F::Output> {
    RUNTIME.spawn(future)
}

/// The shared server.
pub(crate) static SERVER: LazyLock<PostgresServer> = LazyLock::new(|| PostgresServer::start(&[]));

/// Two stores with separate connections, as in two processes.
static CONNECTED: LazyLock<[PostgresStore; 2]> = LazyLock::new(|| {
    [0, 1].map(|number| {
        // A machine that is busy with other tests must not cause timeouts.
        let options = PostgresOptions::new()
            .with_schema(&format!("connected_{number}"))
            .unwrap()
            .with_timeout(Duration::from_secs(30))
            .with_retry_time(Duration::from_mins(1));
        let address = SERVER.address();
        block_on(options.connect(&address, StoreConfig::default())).unwrap()
    })
});

/// Schemas whose tests have ended.
static FREE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A schema that only one test uses. When it is dropped, another test may reuse it.
#[derive(Debug)]
pub(crate) struct Schema(pub(crate) String);

impl Drop for Schema {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(std::mem::take(&mut self.0));
    }
}

impl Schema {
    /// Returns a schema without tables, or with those of an empty store.
    pub(crate) fn new() -> Self {
        static NUMBER: Mutex<u32> = Mutex::new(0);
        if let Some(name) = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            let empty = ["tasks", "accounts", "queue", "emptied"]
                .map(|table| format!("DELETE FROM {name}.{table};"));
            let start = format!(
                "UPDATE {name}.store SET horizon = decode(repeat('00', 12), 'hex'), floor = 0, max_tasks = 0;
                 UPDATE {name}.places SET taken = 0, granted = 0;"
            );
            block_on(run(&format!("{}{start}", empty.concat())));
            return Self(name);
        }
        let mut number = NUMBER.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        Self(format!("t{number}"))
    }
}

/// Runs statements on a connection that no store uses.
pub(crate) async fn run(sql: &str) {
    static CLIENT: tokio::sync::OnceCell<Client> = tokio::sync::OnceCell::const_new();
    CLIENT.get_or_init(client).await.batch_execute(sql).await.unwrap();
}

/// Opens a connection to the shared server.
pub(crate) async fn client() -> Client {
    let address = SERVER.address();
    let (client, connection) =
        tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
    spawn(connection);
    client
}

/// Creates a new store, opened twice with separate connections.
pub(crate) fn two_stores(config: StoreConfig) -> AlternatingStore<PostgresStore> {
    let schema = Schema::new();
    let [one, other] = [&CONNECTED[0], &CONNECTED[1]]
        .map(|store| block_on(store.in_schema(&schema.0, config)).unwrap());
    AlternatingStore::new(one, other).with_resource(schema)
}

/// Creates a new store.
pub(crate) fn fresh(config: StoreConfig) -> (PostgresStore, Schema) {
    let schema = Schema::new();
    (block_on(CONNECTED[0].in_schema(&schema.0, config)).unwrap(), schema)
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Returns the instant `seconds` after the start of the test's time.
pub(crate) fn second(seconds: i64) -> Timestamp {
    at("2019-08-08T00:00:00Z") + chrono::TimeDelta::seconds(seconds)
}

pub(crate) fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

pub(crate) fn id(number: u64) -> TaskId {
    format!("00000000-0000-4000-8000-{number:012x}").parse().unwrap()
}

pub(crate) fn submission(name: &str, number: u64) -> Submission {
    Submission::new(account(name), id(number), CREATE)
}

/// Joins the messages of an error and its causes.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |cause| (*cause).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
