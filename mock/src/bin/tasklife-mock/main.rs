//! A mock of the Redis Cloud API, to test its clients. Tasks move on their own.
//!
//! ```text
//! tasklife-mock
//! curl -s -X POST http://127.0.0.1:8080/v1/subscriptions -d '{"name": "test"}' \
//!     -H "x-api-key: $ACCOUNT_KEY" -H "x-api-secret-key: $SECRET_KEY"
//! ```
//!
//! [`MockApi`](tasklife_mock::MockApi) answers the requests, without I/O. The program adds the
//! sockets, the clock, the options, the configuration file, control over HTTP, the journal and the
//! page.

#![expect(clippy::disallowed_methods, reason = "a server reads the clock")]

mod clock;
mod config;
mod control;
mod cors;
mod cut;
mod journal;
mod options;
mod page;
mod printer;
mod server;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};
use tokio::net::TcpListener;

use clock::Clock;
use config::Config;
use control::Control;
use journal::Journal;
use options::Options;
use server::Server;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    if let Some(shell) = options.completions {
        // `generate` panics if a write fails, so it writes to memory.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Options::command(), "tasklife-mock", &mut script);
        return Ok(io::stdout().write_all(&script)?);
    }
    let config = options.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    if options.describe {
        let api = config.api(config.base(), &options)?;
        config.set_scripts(&api, &options)?;
        serde_json::to_writer_pretty(io::stdout(), &api.description())?;
        return Ok(());
    }
    let listen = options.listen;
    let listener = TcpListener::bind(listen).await.map_err(|e| format!("{listen}: {e}"))?;
    let address = listener.local_addr()?;
    let base = format!("http://{address}{}", config.base());
    let api = config.api(&base, &options)?;
    let scripts = config.set_scripts(&api, &options)?;
    let control = Control::new(&options, scripts, config.advance(&options))?;
    let journal = options.journal.map(Journal::open).transpose()?;
    let clock = Clock::starting_now(options.speed);
    let log_format = (!options.quiet).then_some(options.log_format);
    let server = Server::new(api, config.max_body(), clock, control, journal, log_format);
    let server = Arc::new(server);
    let router = server.clone().into_router(&options.cors);

    let serve = async {
        writeln!(io::stdout(), "listening on http://{address}")?;
        io::stdout().flush()?;
        axum::serve(listener, router).await
    };
    // The program stops without waiting for open connections, because a client may keep one open
    // forever. `biased` installs the signal handlers before the first line is printed.
    tokio::select! {
        biased;
        signalled = stop_signal() => signalled?,
        finished = serve => finished?,
    }
    server.printer.flush();
    Ok(())
}

/// Waits for ctrl-c or, on Unix, `SIGTERM`.
async fn stop_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
