//! A mock of the documented API, to try a client against: its tasks move by themselves.
//!
//! ```text
//! cargo run --example mock_server
//! curl -s -X POST http://127.0.0.1:8080/v1/subscriptions -d '{"name": "test"}' \
//!     -H "x-api-key: $ACCOUNT_KEY" -H "x-api-secret-key: $SECRET_KEY"
//! ```
//!
//! A task is `received` for a second, in progress for a second, and completed. The subscription
//! that it made is `pending` for a second, and then `active`. All of it is in `api` and what that
//! uses; this file starts and stops it.

#![expect(clippy::disallowed_methods, reason = "a server reads the clock and makes ids")]

mod account;
mod answer;
mod api;
mod subscription;

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use clap::Parser;
use tasklife::{LinkShape, Links, MemoryStore, StoreConfig, Swept, TaskStore};
use tokio::net::TcpListener;

use api::{Api, CREATE};

/// A mock of the task API, in memory. Each task that it accepts moves by itself, a second a step.
///
/// It takes any key, and from then on the secret that first came with it. Each key has tasks of
/// its own.
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 stands for any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The shape of links: `_links`, as documented, or the `links` of the live API
    #[arg(long, value_name = "map|array", default_value_t)]
    links: LinkShape,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Options { listen, links } = Options::parse();
    let listener = TcpListener::bind(listen).await.map_err(|e| format!("{listen}: {e}"))?;
    let address = listener.local_addr()?;
    let links = Links::new(&format!("http://{address}/v1"))?
        .with_route(CREATE, "/subscriptions/{resourceId}", "getSubscriptionInformation")?
        .with_shape(links);
    // As documented, an account's tasks are processed one at a time.
    let config = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let store = Arc::new(MemoryStore::new(config));
    tokio::spawn(sweep(store.clone()));

    let serve = async {
        writeln!(io::stdout(), "listening on http://{address}")?;
        io::stdout().flush()?;
        axum::serve(listener, Api::new(store, links).into_router()).await
    };
    // Asked to stop, it waits for nothing: answers take no time, and connections that are kept
    // open may take for ever. `biased`, so that it can be stopped from its first word on.
    tokio::select! {
        biased;
        stopped = stop_signal() => stopped?,
        served = serve => served?,
    }
    Ok(())
}

/// Waits for ctrl-c, and where there is one for `SIGTERM`.
async fn stop_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Drops expired tasks every minute: by itself the store never does.
async fn sweep(store: Arc<MemoryStore>) {
    let mut minutes = tokio::time::interval(Duration::from_mins(1));
    loop {
        minutes.tick().await;
        // A thousand at a time, so that no request waits long for the store.
        while let Ok(Swept { more: true, .. }) = store.sweep(1_000, Utc::now()) {}
    }
}
