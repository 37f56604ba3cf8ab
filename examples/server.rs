//! An API server to copy and change: tasks over HTTP, workers beside it, and a snapshot that takes
//! the tasks from its orderly stop to its next start.
//!
//! ```text
//! cargo run --example server --features http -- --snapshot tasks.json
//! curl -i http://127.0.0.1:8080/v1/subscriptions -d '{"name": "test"}' -H "x-api-key: acme"
//! curl -i http://127.0.0.1:8080/v1/tasks -H "x-api-key: acme"
//! ```
//!
//! Its one operation makes a subscription that exists on paper only: five steps of 200 ms. With
//! `{"fail": true}` the last of them fails. Read from the top: `run` starts and stops everything,
//! then come the requests, the workers, and the file.

#![expect(clippy::disallowed_methods, reason = "a server reads the clock and makes ids")]

use std::error::Error;
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
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{self, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use chrono::Utc;
use clap::Parser;
use serde_json::{Map, Value};
use tasklife::http::{Rejection, Replies};
use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, CommandType, Completion, InProcess, Links, MemoryStore,
    Progress, Scope, Snapshot, StoreConfig, Submission, Swept, Target, Task, TaskError, TaskEvent,
    TaskId,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use uuid::Uuid;

const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
const WORKERS: usize = 2;
/// How long answers that are on their way may take when the server is asked to stop.
const GRACE: Duration = Duration::from_secs(2);

/// An API server with tasks in memory.
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 stands for any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the tasks are kept from a stop to the next start
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// After how many seconds of silence a task is handed to another worker, 1 or more
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    takeover_after: NonZeroU32,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let (listen, snapshot) = (options.listen, options.snapshot.as_deref());
    let config = StoreConfig::default()
        .with_max_tasks(100_000)
        .with_max_open(100)
        .with_max_in_progress(NonZeroU32::MIN)
        .with_takeover_after(Duration::from_secs(options.takeover_after.get().into()));
    let runtime = Runtime::new()?;
    // First of all, so that a server started twice leaves the file of the other alone.
    let listener =
        runtime.block_on(TcpListener::bind(listen)).map_err(|e| format!("{listen}: {e}"))?;
    let memory = Arc::new(match snapshot {
        Some(path) => restore(config, path).map_err(|e| format!("{}: {e}", path.display()))?,
        None => MemoryStore::new(config),
    });

    // The one line to change for a store that several servers share. (It keeps its tasks itself:
    // the snapshot goes.)
    let store: Arc<dyn AsyncTaskStore> = Arc::new(InProcess(memory.clone()));

    let served = runtime.block_on(serve(listener, store));
    // Ends all that still runs at its next `await`. From here on no task changes; one in progress
    // stays so, and is taken over after the restart.
    drop(runtime);
    if let Some(path) = snapshot {
        save(&memory.snapshot(), path).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    served
}

/// Answers requests and works on tasks, until it is asked to stop.
async fn serve(
    listener: TcpListener,
    store: Arc<dyn AsyncTaskStore>,
) -> Result<(), Box<dyn Error>> {
    let (stop, give_up) = (stop_signal()?, stop_signal()?);
    let wake = Arc::new(Notify::new());
    let mut background = JoinSet::new();
    for _ in 0..WORKERS {
        background.spawn(work(store.clone(), wake.clone()));
    }
    background.spawn(sweep(store.clone()));
    // A path is enough for links: clients have the host, whatever proxy they come through.
    let (path, title) = ("/subscriptions/{resourceId}", "getSubscriptionInformation");
    let links = Links::new("/v1")?.with_route(CREATE, path, title)?;
    let api = Api { store, wake, replies: Replies::new(links) };

    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    io::stdout().flush()?;
    tokio::select! {
        served = axum::serve(listener, router(api)).with_graceful_shutdown(stop) => served?,
        () = async { give_up.await; sleep(GRACE).await } => {}
        // Where a worker has panicked, the server had better be started again.
        Some(Err(panic)) = background.join_next() => return Err(panic.into()),
    }
    Ok(())
}

/// What the requests share.
struct Api {
    store: Arc<dyn AsyncTaskStore>,
    wake: Arc<Notify>,
    replies: Replies,
}

type Shared = State<Arc<Api>>;

/// Not nested, so that errors say the path as the client asked for it.
fn router(api: Api) -> Router {
    Router::new()
        .route("/v1/subscriptions", post(submit))
        .route("/v1/tasks", get(list_tasks))
        .route("/v1/tasks/{id}", get(read_task))
        .method_not_allowed_fallback(async |State(api): Shared, request: Parts| {
            let message = "expected a method that the path allows: see the header `allow`";
            api.reject(&request, &Rejection::new(StatusCode::METHOD_NOT_ALLOWED, message))
        })
        .fallback(async |State(api): Shared, request: Parts| {
            let message = "expected a path of the API, such as /v1/tasks";
            api.reject(&request, &Rejection::new(StatusCode::NOT_FOUND, message))
        })
        .with_state(Arc::new(api))
}

impl Api {
    fn reject(&self, request: &Parts, rejection: &Rejection) -> Response<String> {
        self.replies.rejected(request, rejection, Utc::now())
    }
}

/// The head of a request, and whose it is.
struct Call(Parts, AccountId);

impl FromRequestParts<Arc<Api>> for Call {
    type Rejection = Response<String>;

    /// Here each key is an account of its own. A real server looks up whose it is.
    async fn from_request_parts(head: &mut Parts, api: &Arc<Api>) -> Result<Self, Self::Rejection> {
        let key = head.headers.get("x-api-key").and_then(|key| key.to_str().ok());
        match key.unwrap_or_default().parse() {
            Ok(account) => Ok(Self(head.clone(), account)),
            Err(fault) => {
                let message = format!("x-api-key: {fault}");
                Err(api.reject(head, &Rejection::new(StatusCode::UNAUTHORIZED, message)))
            }
        }
    }
}

type Body = Result<Bytes, BytesRejection>;

async fn submit(State(api): Shared, Call(request, account): Call, body: Body) -> Response<String> {
    let now = Utc::now();
    let submission = match submission_in(&request, account, body, &api.replies) {
        Ok(submission) => submission,
        Err(rejection) => return api.reject(&request, &rejection),
    };
    let submitted = api.store.submit(submission, now).await;
    api.wake.notify_one();
    api.replies.accepted(&request, submitted, now)
}

fn submission_in(
    request: &Parts,
    account: AccountId,
    body: Body,
    replies: &Replies,
) -> Result<Submission, Rejection> {
    let body = body.map_err(|fault| Rejection::new(fault.status(), fault.body_text()))?;
    serde_json::from_slice::<Map<String, Value>>(&body).map_err(|fault| {
        Rejection::new(StatusCode::BAD_REQUEST, format!("expected a JSON object: {fault}"))
    })?;
    let id = replies.task_id(request, &account)?.unwrap_or_else(|| Uuid::new_v4().into());
    Ok(Submission::new(account, id, CREATE).with_input(&*body))
}

async fn list_tasks(State(api): Shared, Call(request, account): Call) -> Response<String> {
    let now = Utc::now();
    match api.replies.list_query(&request) {
        Ok(query) => {
            let page = api.store.list(&account, &query, now).await;
            api.replies.list(&request, page, now)
        }
        Err(rejection) => api.reject(&request, &rejection),
    }
}

async fn read_task(
    State(api): Shared,
    Call(request, account): Call,
    id: Result<extract::Path<TaskId>, PathRejection>,
) -> Response<String> {
    let now = Utc::now();
    let task = match id {
        Ok(extract::Path(id)) => api.store.get(&account, id, now).await,
        Err(_) => Ok(None), // what is no id at all looks like one that never was
    };
    api.replies.polled(&request, task, now)
}

/// A worker: processes whatever task is next, one after the other.
async fn work(store: Arc<dyn AsyncTaskStore>, wake: Arc<Notify>) {
    loop {
        match store.claim(Scope::Any, Utc::now()).await {
            Ok(Some(claimed)) => {
                let ended = process(&*store, claimed.into_task()).await;
                wake.notify_one(); // its account may have another task, for a worker that is idle
                match ended {
                    // Taken over by another worker, or expired: no longer this one's.
                    Ok(()) | Err(ApplyError::Stale { .. } | ApplyError::NotFound) => continue,
                    // Left as it is, to be taken over once the store is well again.
                    Err(error) => eprintln!("a task was left in progress: {error}"),
                }
            }
            Ok(None) => {}
            Err(error) => eprintln!("no task was claimed: {error}"),
        }
        // A submission wakes it. Of an expiry, a silence, or what other servers do, it hears
        // nothing: so it looks every second, too.
        let _ = timeout(Duration::from_secs(1), wake.notified()).await;
    }
}

/// Takes a task to its end. Each event is for the task exactly as the last one left it: where
/// another worker has touched it since, this one finds out and gives up.
async fn process(store: &dyn AsyncTaskStore, mut task: Task) -> Result<(), ApplyError> {
    const STEPS: u64 = 5;
    for step in 1..=STEPS {
        sleep(Duration::from_millis(200)).await; // the work would be here
        let report = TaskEvent::report()
            .with_description(format!("Step {step} of {STEPS} is done."))
            .with_progress(Progress::of(step, STEPS));
        task = store.apply(Target::exactly(&task), report, Utc::now()).await?.into_task();
    }
    let end = match outcome(&task) {
        Ok(completion) => TaskEvent::complete(completion),
        Err(error) => TaskEvent::fail(error),
    };
    store.apply(Target::exactly(&task), end, Utc::now()).await?;
    Ok(())
}

fn outcome(task: &Task) -> Result<Completion, TaskError> {
    match serde_json::from_slice::<Value>(task.input()) {
        Ok(input) if input["fail"] == true => {
            Err(TaskError::new("SUBSCRIPTION_NOT_CREATED", "The subscription was asked to fail."))
        }
        // Named after its task: a second attempt makes the same subscription, not another.
        _ => Ok(Completion::of(format!("subscription-{}", task.id()))),
    }
}

/// Drops expired tasks every minute: by itself the store never does.
async fn sweep(store: Arc<dyn AsyncTaskStore>) {
    let mut minutes = interval(Duration::from_mins(1));
    loop {
        minutes.tick().await;
        // A thousand at a time, so that no request waits long for the store. What fails is tried
        // again in a minute.
        while let Ok(Swept { more: true, .. }) = store.sweep(1_000, Utc::now()).await {}
    }
}

/// The store that was saved at the last stop; an empty one where there is no such file.
fn restore(config: StoreConfig, path: &Path) -> Result<MemoryStore, Box<dyn Error>> {
    if !path.try_exists()? {
        return Ok(MemoryStore::new(config));
    }
    Ok(MemoryStore::restore(config, serde_json::from_slice(&fs::read(path)?)?)?)
}

/// Saves under another name first: the file is always a whole one, the old or the new.
fn save(snapshot: &Snapshot, path: &Path) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    let mut file = BufWriter::new(File::create(&unfinished)?);
    serde_json::to_writer(&mut file, snapshot)?;
    file.into_inner()?.sync_all()?;
    fs::rename(&unfinished, path)
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
