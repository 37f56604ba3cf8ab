//! 20,000 tasks in 100 accounts: every call of every program.

use std::time::Duration;

use crate::bench::{Bench, COMMITS, Program};
use crate::outcome::Outcome;
use crate::size::Size;
use crate::{apalis, bare, fill, graphile, ours};

const SMALL: Size = Size { tasks: 20_000, each: 200 };

impl Bench {
    /// Measures all programs on the same number of tasks.
    pub async fn small(&mut self) -> Outcome<()> {
        let size = SMALL;
        fill::fill(&self.server, "filled", size).await?;
        self.server.create("filled_apalis");
        let pool = apalis::open(&self.server.url("filled_apalis")).await?;
        apalis::fill(&pool, size).await?;
        pool.close().await;
        for round in 0..self.rounds {
            for commits in COMMITS {
                self.server.set_commits(commits);
                // Each round starts with another program.
                for turn in 0..4 {
                    match Program::ALL[(round + turn) % 4] {
                        Program::Ours => self.small_ours(commits).await?,
                        Program::Bare => self.small_bare(commits).await?,
                        Program::Graphile => self.small_graphile(commits).await?,
                        Program::Apalis => self.small_apalis(commits).await?,
                    }
                    self.server.drop("turn");
                }
            }
        }
        self.print(&format!("{} tasks in {} accounts", size.tasks, size.accounts()));
        Ok(())
    }

    async fn small_ours(&mut self, commits: &'static str) -> Outcome<()> {
        self.server.copy("filled", "turn");
        let sample = self.server.sample("turn").await?;
        let store = ours::open(&self.server.url("turn")).await?;
        self.measure_ours(&store, &sample, SMALL, commits).await?;
        let value = ours::sweep(&store, 10_000).await?;
        self.table.add(Program::Ours, "`sweep`, a task", 1, commits, value);
        Ok(())
    }

    async fn small_bare(&mut self, commits: &'static str) -> Outcome<()> {
        self.server.copy("filled", "turn");
        let sample = self.server.sample("turn").await?;
        let bare = bare::open(&self.server.url("turn"), SMALL)?;
        self.measure_bare(&bare, &sample, commits).await?;
        let value = bare.sweep(10_000).await?;
        self.table.add(Program::Bare, "`sweep`, a task", 1, commits, value);
        Ok(())
    }

    async fn small_graphile(&mut self, commits: &'static str) -> Outcome<()> {
        let url = self.server.url("turn");
        self.server.create("turn");
        let graphile = graphile::open(&url, false).await?;
        let call = {
            let utils = graphile.utils.clone();
            move |_| graphile::submit(utils.clone())
        };
        self.measure(Program::Graphile, "`submit`", commits, call).await?;
        drop(graphile);
        self.server.create("turn");
        let graphile = graphile::open(&url, true).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let call = {
            let utils = graphile.utils.clone();
            move |_| graphile::life_cycle(utils.clone())
        };
        self.measure(Program::Graphile, "life cycle", commits, call).await?;
        Ok(())
    }

    async fn small_apalis(&mut self, commits: &'static str) -> Outcome<()> {
        let (size, url) = (SMALL, self.server.url("turn"));
        self.server.copy("filled_apalis", "turn");
        let pool = apalis::open(&url).await?;
        let queue = || pool.clone();
        if commits == "on" {
            let call = {
                let pool = queue();
                move |number| apalis::get(pool.clone(), size, number)
            };
            self.measure(Program::Apalis, "`get`", commits, call).await?;
            let call = {
                let pool = queue();
                move |number| apalis::list(pool.clone(), size, number)
            };
            self.measure(Program::Apalis, "`list` of 100", commits, call).await?;
        }
        let call = {
            let pool = queue();
            move |_| apalis::submit(pool.clone(), size)
        };
        self.measure(Program::Apalis, "`submit`", commits, call).await?;
        pool.close().await;
        self.server.create("turn");
        let pool = apalis::open(&url).await?;
        let worker = apalis::work(&pool);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let call = {
            let pool = pool.clone();
            move |_| apalis::life_cycle(pool.clone())
        };
        self.measure(Program::Apalis, "life cycle", commits, call).await?;
        worker.abort();
        pool.close().await;
        Ok(())
    }
}
