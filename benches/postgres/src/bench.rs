//! The benchmark: its server, its settings, and how it measures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::outcome::Outcome;
use crate::server::Server;
use crate::table::Table;

pub use crate::table::Program;

/// The values of `synchronous_commit`: whether a commit waits for the disk.
pub const COMMITS: [&str; 2] = ["on", "off"];

/// The number of concurrent callers in the rows that have more than one.
pub const MANY: usize = 64;

/// The number of connections of each program, not counting one that listens.
pub const CONNECTIONS: u32 = 10;

pub struct Bench {
    pub server: Server,
    /// How often each program is measured.
    pub rounds: usize,
    /// How long each row is measured each time.
    pub seconds: f64,
    pub table: Table,
}

impl Bench {
    /// Starts the server, with default settings.
    pub fn start() -> Self {
        Self { server: Server::start(), rounds: 3, seconds: 0.4, table: Table::default() }
    }

    /// Measures a call with one caller and with many, and adds two rows.
    pub async fn measure<F>(
        &mut self,
        program: Program,
        name: &'static str,
        commits: &'static str,
        call: impl Fn(u64) -> F + Clone + Send + 'static,
    ) -> Outcome<()>
    where
        F: Future<Output = Outcome<bool>> + Send,
    {
        for callers in [1, MANY] {
            let value = rate(self.seconds, callers, call.clone()).await?;
            self.table.add(program, name, callers, commits, value);
        }
        Ok(())
    }

    /// Prints the table, and starts a new one.
    pub fn print(&mut self, title: &str) {
        std::mem::take(&mut self.table).print(title);
    }
}

/// Returns how many calls per second a number of callers make.
///
/// A caller stops early when a call has nothing to do and returns `Ok(false)`. The measurement
/// fails after 30 seconds.
#[expect(clippy::cast_precision_loss, reason = "figures are rounded")]
pub async fn rate<F>(
    seconds: f64,
    callers: usize,
    call: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Outcome<f64>
where
    F: Future<Output = Outcome<bool>> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..callers {
        let (next, call) = (next.clone(), call.clone());
        running.spawn(async move {
            let mut calls = 0_u64;
            while begin.elapsed().as_secs_f64() < seconds
                && call(next.fetch_add(1, Ordering::Relaxed)).await?
            {
                calls += 1;
            }
            Outcome::Ok(calls)
        });
    }
    let all = async {
        let mut calls = 0;
        while let Some(caller) = running.join_next().await {
            calls += caller??;
        }
        Outcome::Ok(calls)
    };
    let calls = tokio::time::timeout(Duration::from_secs(30), all).await??;
    Ok(calls as f64 / begin.elapsed().as_secs_f64())
}
