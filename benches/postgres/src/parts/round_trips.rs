//! The round trips of each call.

use std::time::Duration;

use crate::bench::{Bench, Program};
use crate::outcome::Outcome;
use crate::proxy::Proxy;
use crate::size::Size;
use crate::{apalis, fill, graphile, ours};

const SIZE: Size = Size { tasks: 20_000, each: 200 };

impl Bench {
    /// Counts the round trips of a call by a single caller.
    pub async fn round_trips(&mut self) -> Outcome<()> {
        const CALLS: u64 = 300;
        let size = SIZE;
        self.server.set_commits("off");
        fill::fill(&self.server, "turn", size).await?;
        let proxy = Proxy::start(self.server.port()).await?;
        let url =
            |database: &str| format!("postgres://tasklife@127.0.0.1:{}/{database}", proxy.port);
        println!(
            "\n| program | call | round trips | for hints, after the answer |\n|---|---|---|---|"
        );
        let print = |program: Program, call: &str, calls: u64| {
            let [trips, hints] = proxy.counts.take().map(|count| {
                #[expect(clippy::cast_precision_loss, reason = "figures are rounded")]
                let each = count as f64 / calls as f64;
                each
            });
            println!("| {} | {call} | {:.2} | {hints:.2} |", program.name(), trips - hints);
        };
        let pause = || tokio::time::sleep(Duration::from_millis(300));

        let sample = self.server.sample("turn").await?;
        let store = ours::open(&url("turn")).await?;
        let mut started = Vec::new();
        pause().await;
        proxy.counts.take();
        for number in 0..CALLS {
            ours::get(store.clone(), sample.clone(), number).await?;
        }
        print(Program::Ours, "`get`", CALLS);
        for number in 0..CALLS {
            ours::list(store.clone(), sample.clone(), number).await?;
        }
        print(Program::Ours, "`list` of 100", CALLS);
        for _ in 0..CALLS {
            ours::submit_one(store.clone(), size).await?;
        }
        pause().await;
        print(Program::Ours, "`submit`", CALLS);
        for _ in 0..CALLS {
            started.push(ours::claim(&store, tasklife::Scope::Any).await?.ok_or("nothing waits")?);
        }
        pause().await;
        print(Program::Ours, "`claim` over all accounts", CALLS);
        for task in &started {
            ours::end(&store, task).await?;
        }
        pause().await;
        print(Program::Ours, "`apply` of a completion", CALLS);
        ours::sweep(&store, 10_000).await?;
        print(Program::Ours, "`sweep` of 10,000", 1);
        drop(store);

        self.server.create("turn");
        let graphile = graphile::open(&url("turn"), false).await?;
        graphile::submit(graphile.utils.clone()).await?;
        proxy.counts.take();
        for _ in 0..CALLS {
            graphile::submit(graphile.utils.clone()).await?;
        }
        print(Program::Graphile, "`submit`", CALLS);
        drop(graphile);
        self.server.create("turn");
        let graphile = graphile::open(&url("turn"), true).await?;
        pause().await;
        graphile::life_cycle(graphile.utils.clone()).await?;
        pause().await;
        proxy.counts.take();
        for _ in 0..CALLS {
            graphile::life_cycle(graphile.utils.clone()).await?;
        }
        pause().await;
        print(Program::Graphile, "life cycle", CALLS);
        drop(graphile);

        self.server.create("turn");
        let pool = apalis::open(&url("turn")).await?;
        let few = Size { tasks: 200, each: 200 };
        apalis::fill(&pool, few).await?;
        for number in 0..20 {
            apalis::get(pool.clone(), few, number).await?;
            apalis::list(pool.clone(), few, number).await?;
            apalis::submit(pool.clone(), Size { tasks: 200, each: 1 }).await?;
        }
        proxy.counts.take();
        for number in 0..CALLS {
            apalis::get(pool.clone(), few, number).await?;
        }
        print(Program::Apalis, "`get`", CALLS);
        for number in 0..CALLS {
            apalis::list(pool.clone(), few, number).await?;
        }
        print(Program::Apalis, "`list` of 100", CALLS);
        for _ in 0..CALLS {
            apalis::submit(pool.clone(), Size { tasks: 200, each: 1 }).await?;
        }
        print(Program::Apalis, "`submit`", CALLS);
        pool.close().await;
        self.server.create("turn");
        let pool = apalis::open(&url("turn")).await?;
        let worker = apalis::work(&pool);
        pause().await;
        for _ in 0..20 {
            apalis::life_cycle(pool.clone()).await?;
        }
        pause().await;
        proxy.counts.take();
        for _ in 0..CALLS {
            apalis::life_cycle(pool.clone()).await?;
        }
        pause().await;
        print(Program::Apalis, "life cycle", CALLS);
        worker.abort();
        pool.close().await;
        Ok(())
    }
}
