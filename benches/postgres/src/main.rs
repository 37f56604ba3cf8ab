//! Measures `tasklife-postgres` beside bare statements, `graphile_worker` and `apalis-postgres`.
//!
//! It starts its own server, measures the programs in turns, and prints tables in Markdown.
//!
//! ```text
//! benches/postgres/run                               everything, in about 7 minutes
//! benches/postgres/run small one-account             only these parts (`PARTS` lists them all)
//!     --rounds 3         how often each program is measured
//!     --seconds 0.4      how long each row is measured each time
//! ```

mod apalis;
mod bare;
mod bench;
mod fill;
mod graphile;
mod ours;
mod outcome;
mod parts;
mod proxy;
mod server;
mod size;
mod table;

use std::time::Instant;

use bench::Bench;
use outcome::Outcome;

/// All parts, in the order in which they run by default.
const PARTS: [&str; 7] =
    ["small", "one-account", "round-trips", "bytes", "accounts", "snapshot", "large"];

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut bench = Bench::start();
    let mut parts = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => bench.rounds = arguments.next().ok_or("expected a number")?.parse()?,
            "--seconds" => bench.seconds = arguments.next().ok_or("expected a number")?.parse()?,
            part => parts.push(part.to_owned()),
        }
    }
    if parts.is_empty() {
        parts = PARTS.map(Into::into).into();
    }
    for part in parts {
        let begin = Instant::now();
        match part.as_str() {
            "small" => bench.small().await?,
            "one-account" => bench.one_account().await?,
            "round-trips" => bench.round_trips().await?,
            "bytes" => bench.bytes().await?,
            "accounts" => bench.accounts().await?,
            "snapshot" => bench.snapshot().await?,
            "large" => bench.large().await?,
            part => return Err(format!("expected one of {PARTS:?}, got {part}").into()),
        }
        eprintln!("{part} took {:.0?}", begin.elapsed());
    }
    Ok(())
}
