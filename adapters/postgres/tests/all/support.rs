//! A server that the tests share, stores of their own on it, and what they submit.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tasklife::{AccountId, CommandType, Now, StoreConfig, Submission, TaskId};
use tasklife_postgres::{PostgresOptions, PostgresStore};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

pub(crate) use tasklife_test_support::{Both, PostgresServer};

pub(crate) const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// Runs a future to its end, on the one runtime of all tests.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// Runs a future beside the test.
pub(crate) fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> JoinHandle<F::Output> {
    RUNTIME.spawn(future)
}

/// The server that tests share.
pub(crate) static SERVER: LazyLock<PostgresServer> = LazyLock::new(|| PostgresServer::start(&[]));

/// Two processes' connections to it.
static WAYS: LazyLock<[PostgresStore; 2]> = LazyLock::new(|| {
    [0, 1].map(|number| {
        // The machine may be busy with other tests: nothing is to be given up for that.
        let options = PostgresOptions::new()
            .with_schema(&format!("way_{number}"))
            .unwrap()
            .with_timeout(Duration::from_secs(30))
            .with_patience(Duration::from_mins(1));
        let address = SERVER.address();
        block_on(options.connect(&address, StoreConfig::default())).unwrap()
    })
});

/// Schemas that no test uses any more.
static FREE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A schema of a test's own: dropped, another test may have it.
#[derive(Debug)]
pub(crate) struct Schema(pub(crate) String);

impl Drop for Schema {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(std::mem::take(&mut self.0));
    }
}

impl Schema {
    /// One with an empty store.
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

/// Runs statements on a connection of the tests' own.
pub(crate) async fn run(sql: &str) {
    static CLIENT: tokio::sync::OnceCell<Client> = tokio::sync::OnceCell::const_new();
    CLIENT.get_or_init(client).await.batch_execute(sql).await.unwrap();
}

/// A connection to the server that tests share.
pub(crate) async fn client() -> Client {
    let address = SERVER.address();
    let (client, connection) =
        tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
    spawn(connection);
    client
}

/// A store that no other test shares, as two processes have it.
pub(crate) fn both(config: StoreConfig) -> Both<PostgresStore> {
    let schema = Schema::new();
    let [one, other] =
        [&WAYS[0], &WAYS[1]].map(|way| block_on(way.in_schema(&schema.0, config)).unwrap());
    Both::new(one, other).keeping(schema)
}

/// A store that no other test shares.
pub(crate) fn fresh(config: StoreConfig) -> (PostgresStore, Schema) {
    let schema = Schema::new();
    (block_on(WAYS[0].in_schema(&schema.0, config)).unwrap(), schema)
}

pub(crate) fn at(text: &str) -> Now {
    text.parse().unwrap()
}

/// So many seconds after a fixed instant.
pub(crate) fn second(seconds: i64) -> Now {
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

/// An error, and its causes.
pub(crate) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |cause| (*cause).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
