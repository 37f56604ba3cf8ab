//! An API server to copy and change: tasks over HTTP, workers beside it, on a store in memory with a
//! file that takes the tasks from its stop to its next start, in an SQLite file that survives crashes, or on a
//! store that servers of many machines share.
//!
//! ```text
//! cargo run -p tasklife-server -- --snapshot tasks.json
//! cargo run -p tasklife-server -- --store sqlite:tasks.db
//! cargo run -p tasklife-server --features redis -- --store redis://127.0.0.1:6379
//! cargo run -p tasklife-server --features postgres -- --store postgres://user@127.0.0.1/database
//! curl -i http://127.0.0.1:8080/v1/subscriptions -d '{"name": "test"}' -H "x-api-key: acme"
//! curl -i http://127.0.0.1:8080/v1/tasks -H "x-api-key: acme"
//! ```
//!
//! It answers in the words of Redis Cloud, or with `--format` of Google or Azure: what that means is up to
//! `tasklife::format`.
//!
//! Its one operation makes a subscription that exists on paper only: five steps of 200 ms. With
//! `{"fail": true}` the last of them fails, with `{"panic": true}` it panics. Read from the top: `run`
//! starts and stops everything, then come the requests, the workers, and the file. Delete what you don't
//! need: without `--store` the function `open` goes, without the file everything from `Saved` on.
//!
//! What can be lost? With `--store sqlite:FILE`, nothing that was acknowledged; with another, what its
//! documentation says. In memory without
//! `--snapshot`, everything at every stop. With it nothing at an orderly stop (ctrl-c, `SIGTERM`), and at a
//! crash what happened since the file was last written: 10 seconds ago at the most, unless `--save-every`
//! says otherwise. The next start says so. A task that was accepted in that time is not there, and one that
//! was worked on is handed out again.
//!
//! A panic in the work fails its task; work that can end the whole process, such as by running out of
//! memory, belongs into a process of its own.
//!
//! It depends on `tasklife` with the feature `http`, `axum`, `chrono` and `uuid` with their clock and random
//! ids (`now`, `v4`), `clap`, `serde`, `serde_json` and `tokio`: `server/Cargo.toml` has the features.

#![allow(clippy::disallowed_methods, reason = "a server reads the clock and makes ids")]

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use axum::response::Result;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tasklife::format::BuiltIn;
use tasklife::{
    AccountId, AsyncLease, AsyncTaskStore, BackendError, Change, Changes, CommandType, Completion,
    InProcess, LeaseError, Links, MemoryStore, Notifying, Origin, Progress, Replies, Scope,
    Snapshot, StoreConfig, Submission, Submitted, Swept, Task, TaskError, TaskEvent, TaskId,
    TaskStatus,
};
#[cfg(feature = "postgres")]
use tasklife_postgres::PostgresStore;
#[cfg(feature = "redis")]
use tasklife_redis::{Redis, RedisStore};
#[cfg(feature = "sqlite")]
use tasklife_sqlite::SqliteStore;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{interval, sleep, timeout};
use uuid::Uuid;

const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
const WORKERS: usize = 2;
/// How long answers that are on their way may take when the server is asked to stop.
const GRACE: Duration = Duration::from_secs(2);

/// An API server with tasks, in memory or on a store that is shared.
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 stands for any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The store, for all servers that are told the same; in memory unless given. sqlite:FILE for those of
    /// one machine; with the feature `redis`, redis://ADDRESS:PORT; with `postgres`,
    /// `postgres://USER@HOST/DATABASE`
    #[arg(long, value_name = "URL", conflicts_with = "snapshot")]
    store: Option<String>,
    /// Where the tasks in memory are kept from a stop to the next start
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// How often the snapshot is written, so that a crash loses no more than this, 1 or more
    #[arg(long, value_name = "SECONDS", default_value = "10", requires = "snapshot")]
    save_every: NonZeroU32,
    /// After how many seconds of silence a task is handed to another worker, 1 or more: longer than
    /// any work takes between two reports
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    takeover_after: NonZeroU32,
    /// In which words to answer: redis-cloud, google, azure or azure-resource-manager
    #[arg(long, value_name = "FORMAT", default_value_t)]
    format: BuiltIn,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", Chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> RunResult {
    let listen = options.listen;
    let config = StoreConfig::default()
        .with_max_open(100)
        .with_max_in_progress(NonZeroU32::MIN)
        .with_takeover_after(Duration::from_secs(options.takeover_after.get().into()));
    let runtime = Runtime::new()?;
    // First of all, so that a server started twice leaves the file of the other alone.
    let listener =
        runtime.block_on(TcpListener::bind(listen)).map_err(|e| format!("{listen}: {e}"))?;
    if let Some(url) = &options.store {
        let store =
            runtime.block_on(open(url, config)).map_err(|e| format!("--store: {}", Chain(&*e)))?;
        // That it can't be reached is said now, and not by the first request.
        let anyone = "anyone".parse()?;
        let reached = runtime.block_on(store.get(&anyone, Uuid::nil().into(), Utc::now()));
        reached.map_err(|e| format!("--store: {}", Chain(&e)))?;
        // A task in progress stays so when this server stops: another takes it over.
        return runtime.block_on(serve(listener, store, JoinSet::new(), options.format));
    }
    let mut background = JoinSet::new();
    let snapshot = options.snapshot.as_deref();
    let memory = Arc::new(match snapshot {
        Some(path) => restore(config, path).map_err(|e| format!("{}: {e}", path.display()))?,
        None => MemoryStore::new(config),
    });
    if let Some(path) = snapshot {
        let every = Duration::from_secs(options.save_every.get().into());
        background.spawn_on(save_often(memory.clone(), path.into(), every), runtime.handle());
    }
    let store = Arc::new(Notifying::new(InProcess(memory.clone())));
    let served = runtime.block_on(serve(listener, store, background, options.format));
    // Ends all that still runs at its next `await`. From here on no task changes; one in progress
    // stays so, and is taken over after the restart.
    drop(runtime);
    if let Some(path) = snapshot {
        save(&memory, path, true).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    served
}

/// A store that tells when there may be work.
trait Store: AsyncTaskStore + Changes {}

impl<S: AsyncTaskStore + Changes> Store for S {}

/// The store at an address, which several servers may share.
#[cfg_attr(
    not(any(feature = "postgres", feature = "redis", feature = "sqlite")),
    expect(unused_variables, reason = "there is no such store")
)]
#[cfg_attr(
    not(feature = "postgres"),
    expect(clippy::unused_async, reason = "only that store is connected to at once")
)]
async fn open(
    address: &str,
    config: StoreConfig,
) -> std::result::Result<Arc<dyn Store>, Box<dyn Error>> {
    match address.split_once(':') {
        #[cfg(feature = "sqlite")]
        Some(("sqlite", file)) if !file.is_empty() && !file.starts_with("//") => {
            Ok(Arc::new(SqliteStore::open(file, config)?))
        }
        #[cfg(feature = "redis")]
        Some(("redis" | "rediss", _)) => {
            Ok(Arc::new(RedisStore::new(Redis::server(address)?, config)))
        }
        #[cfg(feature = "postgres")]
        Some(("postgres" | "postgresql", _)) => {
            Ok(Arc::new(PostgresStore::connect(address, config).await?))
        }
        _ => {
            let forms = [
                cfg!(feature = "sqlite").then_some("sqlite:FILE"),
                cfg!(feature = "redis").then_some("redis://ADDRESS:PORT"),
                cfg!(feature = "postgres").then_some("postgres://USER@HOST/DATABASE"),
            ];
            let forms: Vec<_> = forms.into_iter().flatten().collect();
            let forms = if forms.is_empty() { "no store".into() } else { forms.join(" or ") };
            // What follows may hold a password.
            let scheme = address.split_once(':').map_or("no scheme", |(scheme, _)| scheme);
            Err(format!(
                "expected {forms}, got {scheme}: other stores are features of this server"
            ))?
        }
    }
}

/// What the program ends with, or one of its parts.
type RunResult = std::result::Result<(), Box<dyn Error>>;

/// An error with its causes, each after the one that it led to.
struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Answers requests and works on tasks, until it is asked to stop.
async fn serve(
    listener: TcpListener,
    store: Arc<dyn Store>,
    mut background: JoinSet<()>,
    format: BuiltIn,
) -> RunResult {
    let (stop, give_up) = (stop_signal()?, stop_signal()?);
    for _ in 0..WORKERS {
        background.spawn(work(store.clone()));
    }
    background.spawn(sweep(store.clone()));
    let (path, title) = ("/subscriptions/{resourceId}", "getSubscriptionInformation");
    let links = Links::new("/v1")?.with_route(CREATE, path, title)?;
    // A path is enough for links, unless clients don't know what to make of one, as Azure's.
    let is_path_enough = matches!(format, BuiltIn::RedisCloud | BuiltIn::Google);
    let origin = if is_path_enough { Origin::Base } else { Origin::Host };
    let format = format.format("tasklife-server");
    let replies = Replies::new(links).with_origin(origin).with_format(format);
    let api = Api { store, replies };

    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    io::stdout().flush()?;
    tokio::select! {
        served = axum::serve(listener, router(api)).with_graceful_shutdown(stop) => served?,
        () = async { give_up.await; sleep(GRACE).await } => {}
        // None of them ends, unless it panicked: a fault of the server's own, not of the work.
        Some(Err(panic)) = background.join_next() => return Err(panic.into()),
    }
    Ok(())
}

/// What ends when the process is asked to stop, from this call on: by ctrl-c, or where there is
/// one by `SIGTERM`.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// What the requests share.
struct Api {
    store: Arc<dyn Store>,
    replies: Replies,
}

type Shared = State<Arc<Api>>;

/// Not nested, so that errors say the path as the client asked for it.
fn router(api: Api) -> Router {
    Router::new()
        .route("/v1/subscriptions", post(submit))
        .route("/v1/tasks", get(list_tasks))
        .route("/v1/subscriptions/{id}", get(read_subscription))
        .route("/v1/tasks/{id}", get(read_task))
        .route("/v1/tasks/{id}/result", get(read_task))
        .method_not_allowed_fallback(async |State(api): Shared, request: Parts| {
            let message = "expected a method that the path allows: see the header `allow`";
            api.refuse(&request, StatusCode::METHOD_NOT_ALLOWED, message)
        })
        .fallback(async |State(api): Shared, request: Parts| {
            let message = "expected a path of the API, such as /v1/tasks";
            api.refuse(&request, StatusCode::NOT_FOUND, message)
        })
        .with_state(Arc::new(api))
}

impl Api {
    fn refuse(&self, request: &Parts, status: StatusCode, message: &str) -> Response<String> {
        self.replies.refused(request, status, message, Utc::now())
    }
}

/// The head of a request, whose it is, and how to answer it.
struct Authenticated(Parts, AccountId, Replies);

impl FromRequestParts<Arc<Api>> for Authenticated {
    type Rejection = Response<String>;

    /// Each key is an account of its own, unless `Replies::with_account_of` is told otherwise. A real
    /// server looks up whose it is.
    async fn from_request_parts(
        head: &mut Parts,
        api: &Arc<Api>,
    ) -> Result<Self, Response<String>> {
        let now = Utc::now();
        let replies = api.replies.for_request(head, now)?;
        let account = replies.account_of(head, now)?;
        Ok(Self(head.clone(), account, replies))
    }
}

type Body = std::result::Result<Bytes, BytesRejection>;

async fn submit(
    State(api): Shared,
    Authenticated(request, account, replies): Authenticated,
    body: Body,
) -> Result<Response<String>> {
    let now = Utc::now();
    let body = body.map_err(|e| api.refuse(&request, e.status(), &e.body_text()))?;
    serde_json::from_slice::<Map<String, Value>>(&body).map_err(|e| {
        api.refuse(&request, StatusCode::BAD_REQUEST, &format!("expected a JSON object: {e}"))
    })?;
    let id = replies.id_of_key(&request, &account, now)?;
    let id = id.unwrap_or_else(|| Uuid::new_v4().into());
    let submission = Submission::new(account.clone(), id, CREATE).with_input(&*body);
    let mut submitted = api.store.submit(submission, now).await;
    if let (Ok(Submitted::New(task)), Some(until)) =
        (&mut submitted, replies.hold_until(&request, now))
        && let Ok(Some(later)) = api.held(&account, id, until).await
    {
        *task = later;
    }
    Ok(replies.accepted(&request, submitted, Utc::now()))
}

async fn list_tasks(
    State(api): Shared,
    Authenticated(request, account, replies): Authenticated,
) -> Result<Response<String>> {
    let now = Utc::now();
    let query = replies.list_query(&request, now)?;
    Ok(replies.list(&request, api.store.list(&account, &query, now).await, now))
}

async fn read_task(
    State(api): Shared,
    Authenticated(request, account, replies): Authenticated,
) -> Result<Response<String>> {
    let now = Utc::now();
    let id = replies.id_in_path(&request, now)?;
    let until = replies.hold_until(&request, now).unwrap_or(now);
    Ok(replies.polled(&request, api.held(&account, id, until).await, Utc::now()))
}

/// A subscription exists on paper only: on that of its task, after which it is named.
async fn read_subscription(
    State(api): Shared,
    Authenticated(request, account, replies): Authenticated,
) -> Result<Response<String>> {
    let name = request.uri.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let id = name.strip_prefix("subscription-").and_then(|id| id.parse().ok());
    let Some(id) = id else { return Ok(api.no_subscription(&request)) };
    match api.store.get(&account, id, Utc::now()).await {
        Ok(Some(task)) if task.status() == TaskStatus::ProcessingCompleted => {
            let input = serde_json::from_slice(task.input()).unwrap_or_default();
            let mut subscription: Map<String, Value> = input;
            subscription.insert("id".into(), name.into());
            Ok(replies.document(&request, Value::from(subscription).to_string()))
        }
        Ok(_) => Ok(api.no_subscription(&request)),
        Err(error) => Ok(replies.polled(&request, Err(error), Utc::now())),
    }
}

impl Api {
    fn no_subscription(&self, request: &Parts) -> Response<String> {
        self.refuse(request, StatusCode::NOT_FOUND, "there is no such subscription")
    }

    /// A task, once it has ended, or as it is at this time.
    async fn held(
        &self,
        account: &AccountId,
        id: TaskId,
        until: DateTime<Utc>,
    ) -> std::result::Result<Option<Task>, BackendError> {
        loop {
            let read = self.store.get(account, id, Utc::now()).await?;
            let is_running = read.as_ref().is_some_and(|task| !task.status().is_terminal());
            if !is_running || Utc::now() >= until {
                return Ok(read);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A worker: processes whatever task is next, one after the other.
async fn work(store: Arc<dyn Store>) {
    loop {
        // What happens from here on, it hears of, also while it asks.
        let changed = store.changed();
        match store.claim(Scope::Any, Utc::now()).await {
            Ok(Some(claimed)) => {
                let id = claimed.change().task().id();
                let Some(lease) = AsyncLease::of(&*store, claimed) else {
                    // Its workers fell silent, one after the other.
                    eprintln!("task {id} was given up");
                    continue;
                };
                match process(lease).await {
                    // Left as it is, to be taken over once the store is well again.
                    Err(error) if !error.is_lost() => {
                        eprintln!("task {id} was left in progress: {}", Chain(&error));
                    }
                    // Ended, or no longer this worker's.
                    _ => continue,
                }
            }
            Ok(None) => {}
            Err(error) => eprintln!("no task was claimed: {}", Chain(&error)),
        }
        // A submission wakes it, and the end of a task, as its account may have another. Of an expiry or a
        // silence it hears nothing, and of what other servers do not always: so it looks every second, too.
        let _ = timeout(Duration::from_secs(1), changed).await;
    }
}

/// Takes a task to its end, or to where it is no longer this worker's: the lease finds out.
async fn process(mut lease: AsyncLease<&dyn Store>) -> std::result::Result<Change, LeaseError> {
    const STEPS: u64 = 5;
    for step in 1..=STEPS {
        // On its own, so that where it panics this task fails, and nothing else.
        let work = tokio::spawn(work_on(step == STEPS, lease.task().input().to_vec()));
        let failed = work.await.unwrap_or_else(|panic| {
            eprintln!("the work on task {} panicked: {panic}", lease.task().id());
            Err(TaskError::new("INTERNAL_ERROR", "The subscription could not be created.")
                .with_status("500 INTERNAL_SERVER_ERROR"))
        });
        if let Err(error) = failed {
            return lease.fail(error, Utc::now()).await;
        }
        let report = TaskEvent::report_of(Progress::of(step, STEPS))
            .with_description(format!("Step {step} of {STEPS} is done."));
        lease.apply(report, Utc::now()).await?;
    }
    // Named after its task: a second attempt makes the same subscription, not another.
    let subscription = format!("subscription-{}", lease.task().id());
    lease.complete(Completion::of(subscription), Utc::now()).await
}

/// A step of the work.
async fn work_on(is_last: bool, input: Vec<u8>) -> std::result::Result<(), TaskError> {
    sleep(Duration::from_millis(200)).await; // the work would be here
    let input: Value = serde_json::from_slice(&input).unwrap_or_default();
    assert!(!is_last || input["panic"] != true, "the subscription was asked to panic");
    if is_last && input["fail"] == true {
        let words = "The subscription was asked to fail.";
        return Err(TaskError::new("SUBSCRIPTION_NOT_CREATED", words));
    }
    Ok(())
}

/// Drops expired tasks every minute: by itself the store never does.
async fn sweep(store: Arc<dyn Store>) {
    let mut minutes = interval(Duration::from_mins(1));
    loop {
        minutes.tick().await;
        // A thousand at a time, so that no request waits long for the store. What fails is tried
        // again in a minute.
        while let Ok(Swept { more: true, .. }) = store.sweep(1_000, Utc::now()).await {}
    }
}

/// What is in the file.
#[derive(Serialize, Deserialize)]
struct Saved {
    at: DateTime<Utc>,
    /// Whether nothing happened after it.
    orderly: bool,
    tasks: Snapshot,
}

/// The store that was saved, or an empty one where there is no file yet. From here on the file says
/// that it is in use: whoever finds it so after a crash knows that there was more.
fn restore(config: StoreConfig, path: &Path) -> std::result::Result<MemoryStore, Box<dyn Error>> {
    let tasks = if path.try_exists()? {
        let Saved { at, orderly, tasks } = serde_json::from_slice(&fs::read(path)?)?;
        if !orderly {
            let path = path.display();
            eprintln!("{path}: the last run ended without a word; what it did after {at} is lost");
        }
        tasks
    } else {
        Snapshot::default()
    };
    // Whatever the last run gave out after the file was written, is not given out again.
    let store = MemoryStore::restore(config, tasks, Utc::now())?;
    save(&store, path, false)?;
    Ok(store)
}

/// Saves now and then, for a crash. What fails is tried again; what was saved before is still there.
async fn save_often(memory: Arc<MemoryStore>, path: PathBuf, every: Duration) {
    let mut ticks = interval(every);
    loop {
        ticks.tick().await;
        let (memory, path) = (memory.clone(), path.clone());
        let saved = spawn_blocking(move || {
            save(&memory, &path, false).map_err(|e| format!("{}: {e}", path.display()))
        });
        if let Ok(Err(error)) = saved.await {
            eprintln!("{error}");
        }
    }
}

/// Saves under another name first: the file is always a whole one, the old or the new.
fn save(store: &MemoryStore, path: &Path, orderly: bool) -> io::Result<()> {
    let saved = Saved { at: Utc::now(), orderly, tasks: store.snapshot() };
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    let mut file = BufWriter::new(File::create(&unfinished)?);
    serde_json::to_writer(&mut file, &saved)?;
    file.into_inner()?.sync_all()?;
    fs::rename(&unfinished, path)?;
    // A folder is told too, where it can be, so that a power cut doesn't bring back the old one.
    #[cfg(unix)]
    if let Some(folder) = path.canonicalize()?.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
