//! A million tasks.

use std::time::Instant;

use crate::bench::{Bench, Program};
use crate::outcome::Outcome;
use crate::size::Size;
use crate::{bare, fill, ours};

const LARGE: Size = Size { tasks: 1_000_000, each: 1_000 };

impl Bench {
    /// Measures this store and bare statements on a large database.
    pub async fn large(&mut self) -> Outcome<()> {
        let size = LARGE;
        self.server.set_commits("on");
        let begin = Instant::now();
        fill::fill(&self.server, "large_ours", size).await?;
        eprintln!("filled in {:.0?}", begin.elapsed());
        self.server.copy("large_ours", "large_bare");
        let sample = self.server.sample("large_ours").await?;
        let commits = "on";
        for round in 0..self.rounds {
            for turn in 0..2 {
                if (round + turn) % 2 == 0 {
                    let store = ours::open(&self.server.url("large_ours")).await?;
                    self.measure_ours(&store, &sample, size, commits).await?;
                } else {
                    let bare = bare::open(&self.server.url("large_bare"), size)?;
                    self.measure_bare(&bare, &sample, commits).await?;
                }
            }
        }
        let store = ours::open(&self.server.url("large_ours")).await?;
        let value = ours::sweep(&store, 10_000).await?;
        self.table.add(Program::Ours, "`sweep`, a task", 1, commits, value);
        let bare = bare::open(&self.server.url("large_bare"), size)?;
        let value = bare.sweep(10_000).await?;
        self.table.add(Program::Bare, "`sweep`, a task", 1, commits, value);
        self.server.drop("large_ours");
        self.server.drop("large_bare");
        self.print("1,000,000 tasks in 1,000 accounts");
        Ok(())
    }
}
