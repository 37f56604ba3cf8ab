//! An API server to copy and change: tasks over HTTP, with workers, on a store of your choice.
//!
//! ```text
//! cargo run -p tasklife-server                                # in memory
//! cargo run -p tasklife-server -- --snapshot tasks.json       # in memory, saved every 10 seconds
//! cargo run -p tasklife-server -- --store sqlite:tasks.db
//! cargo run -p tasklife-server --features redis -- --store redis://127.0.0.1:6379
//! cargo run -p tasklife-server --features postgres -- --store postgres://user@127.0.0.1/database
//!
//! curl -i http://127.0.0.1:8080/v1/subscriptions -d '{"name": "test"}' -H "x-api-key: acme"
//! curl -i http://127.0.0.1:8080/v1/tasks -H "x-api-key: acme"
//! ```
//!
//! `POST /v1/subscriptions` starts the only operation. It takes five steps of 200 ms and creates nothing:
//! a subscription exists only as its task. Send `{"fail": true}` to make the last step fail, and
//! `{"panic": true}` to make it panic.
//!
//! Read the modules in this order, and leave out what you don't need:
//!
//! 1. `main` starts and stops everything.
//! 2. `api` answers the requests, in the format of Redis Cloud, Google or Azure (`--format`).
//! 3. `worker` works on the tasks.
//! 4. `store` opens the store that `--store` names.
//! 5. `snapshot` saves the tasks of a store in memory to a file.
//! 6. `chain` prints an error with its causes.
//!
//! What can be lost depends on the store:
//!
//! | store | lost at an orderly stop (ctrl-c, `SIGTERM`) | lost at a crash |
//! |---|---|---|
//! | in memory | everything | everything |
//! | `--snapshot` | nothing | what happened since the file was last written, at most 10 seconds unless `--save-every` is set. The next start says so |
//! | `--store sqlite:FILE` | nothing | nothing that was acknowledged |
//! | another `--store` | nothing | see the documentation of its crate |
//!
//! A stop does not end the tasks in progress. A worker takes them over after 5 seconds of silence
//! (`--takeover-after`), and each takeover is one of a task's 5 attempts. A panic fails only its own task.
//! Run work that can end the whole process, for example by using up the memory, in a process of its own.

#![allow(clippy::disallowed_methods, reason = "a server reads the clock and makes random ids")]

mod chain;

mod worker;

mod api;

mod snapshot;

mod store;

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use clap::Parser;
use tasklife::format::BuiltIn;
use tasklife::{InProcess, MemoryStore, Notifying, StoreConfig};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use api::Api;
use chain::Chain;
use store::Store;

const WORKERS: usize = 2;

/// How long pending responses may take after the server was asked to stop.
const GRACE: Duration = Duration::from_secs(2);

/// An API server with tasks, in memory or on a shared store.
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 chooses a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The store, which all servers with the same URL share [default: in memory]. `sqlite:FILE` is shared by
    /// the servers of one machine; `redis://ADDRESS:PORT` needs the feature `redis`, and
    /// `postgres://USER@HOST/DATABASE` the feature `postgres`
    #[arg(long, value_name = "URL", conflicts_with = "snapshot")]
    store: Option<String>,
    /// The file that keeps the tasks in memory from a stop to the next start
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// How often to write the snapshot, at least 1: a crash loses no more than this
    #[arg(long, value_name = "SECONDS", default_value = "10", requires = "snapshot")]
    save_every: NonZeroU32,
    /// How long a worker may be silent before another takes over its task, at least 1. Choose more than
    /// the time between two reports
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    takeover_after: NonZeroU32,
    /// The format of the answers: redis-cloud, google, azure or azure-resource-manager
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

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    // One task of an account at a time, as the documented API has it.
    let config = StoreConfig::default()
        .with_max_open(100)
        .with_max_in_progress(NonZeroU32::MIN)
        .with_takeover_after(Duration::from_secs(options.takeover_after.get().into()));
    let runtime = Runtime::new()?;
    // Binds before anything else: a second server on the same port must not touch the first one's file.
    let listen = options.listen;
    let listener =
        runtime.block_on(TcpListener::bind(listen)).map_err(|e| format!("{listen}: {e}"))?;
    match &options.store {
        Some(url) => runtime.block_on(run_on_store(options, url, config, listener)),
        None => run_in_memory(options, config, runtime, listener),
    }
}

/// Runs on a shared store. When this server stops, another server takes over its tasks in progress.
async fn run_on_store(
    options: &Options,
    url: &str,
    config: StoreConfig,
    listener: TcpListener,
) -> Result<(), Box<dyn Error>> {
    let store = store::open(url, config).await.map_err(|e| format!("--store: {}", Chain(&*e)))?;
    // A first read reports an unreachable store now, and not at the first request.
    let read = store.get(&"anyone".parse()?, Uuid::nil().into(), Utc::now()).await;
    read.map_err(|e| format!("--store: {}", Chain(&e)))?;
    serve(listener, store, JoinSet::new(), options.format).await
}

/// Runs on a store in memory, with or without a snapshot.
fn run_in_memory(
    options: &Options,
    config: StoreConfig,
    runtime: Runtime,
    listener: TcpListener,
) -> Result<(), Box<dyn Error>> {
    let Some(path) = options.snapshot.as_deref() else {
        let memory = MemoryStore::new(config);
        let store = Arc::new(Notifying::new(InProcess(memory)));
        return runtime.block_on(serve(listener, store, JoinSet::new(), options.format));
    };
    let in_file = |error: &dyn Error| format!("{}: {}", path.display(), Chain(error));
    let memory = Arc::new(snapshot::restore(config, path).map_err(|e| in_file(&*e))?);
    let store = Arc::new(Notifying::new(InProcess(memory.clone())));
    let mut background = JoinSet::new();
    let every = Duration::from_secs(options.save_every.get().into());
    let saving = snapshot::save_often(memory.clone(), path.into(), every);
    background.spawn_on(saving, runtime.handle());
    let served = runtime.block_on(serve(listener, store, background, options.format));
    // Stops whatever still runs at its next `await`, so that no task changes after the last snapshot.
    drop(runtime);
    snapshot::save(&memory, path, true).map_err(|e| in_file(&e))?;
    served
}

/// Answers requests and works on tasks until the process is asked to stop.
async fn serve(
    listener: TcpListener,
    store: Arc<dyn Store>,
    mut background: JoinSet<()>,
    format: BuiltIn,
) -> Result<(), Box<dyn Error>> {
    // Both resolve at the same signal. The first stops the server, the second starts the grace period.
    let (stop, deadline) = (stop_signal()?, stop_signal()?);
    for _ in 0..WORKERS {
        background.spawn(worker::work(store.clone()));
    }
    background.spawn(worker::sweep(store.clone()));
    let router = Api::new(store, format)?.into_router();

    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    io::stdout().flush()?;
    tokio::select! {
        served = axum::serve(listener, router).with_graceful_shutdown(stop) => served?,
        () = async { deadline.await; sleep(GRACE).await } => {}
        // Background tasks only end by a panic. It is a fault of the server, not of the work.
        Some(Err(panic)) = background.join_next() => return Err(panic.into()),
    }
    Ok(())
}

/// Listens for ctrl-c and `SIGTERM` from this call on. The future resolves at the first of them.
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
