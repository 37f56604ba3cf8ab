//! Measures the store on servers of its own, beside bare commands on the same connection.
//!
//! ```text
//! cargo run --release -p tasklife-redis --example figures                     # all parts, in
//! minutes cargo run --release -p tasklife-redis --example figures 1000000             # number of
//! tasks cargo run --release -p tasklife-redis --example figures 100000 sweep one    # only these
//! parts
//! ```
//!
//! The parts are `calls`, `one`, `sweep`, `memory` and `nodes`. The number of tasks is 100,000
//! unless given.

#![expect(clippy::cast_precision_loss, reason = "figures are rounded")]

mod calls;
mod lives;
mod measure;
mod memory;
mod one_account;
mod sweeps;

use tokio::runtime::Runtime;

use measure::Outcome;

fn main() -> Outcome<()> {
    let tasks = std::env::args().nth(1).map_or(Ok(100_000), |number| number.parse())?;
    let parts: Vec<String> = std::env::args().skip(2).collect();
    let wants = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        if wants("calls") {
            calls::measure(tasks).await?;
        }
        if wants("one") {
            one_account::measure().await?;
        }
        if wants("sweep") {
            sweeps::measure(tasks).await?;
        }
        if wants("memory") {
            memory::measure(tasks).await?;
        }
        if wants("nodes") {
            lives::measure().await?;
        }
        Ok(())
    })
}
