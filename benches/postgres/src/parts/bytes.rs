//! The size of a task.

use std::time::Instant;

use crate::bench::{Bench, MANY, Program, rate};
use crate::outcome::Outcome;
use crate::size::{Size, new_number};
use crate::{apalis, graphile, ours};

const SIZE: Size = Size { tasks: 100_000, each: 100 };

impl Bench {
    /// Measures the size of a task on the disk.
    pub async fn bytes(&mut self) -> Outcome<()> {
        let size = SIZE;
        self.server.set_commits("off");
        println!("\n| program | bytes a task, of {} |\n|---|---|", size.tasks);
        let print = |program: Program, bytes: u64| {
            println!("| {} | {} |", program.name(), bytes / size.tasks);
        };
        self.server.create("turn");
        let store = ours::open(&self.server.url("turn")).await?;
        let begin = Instant::now();
        let next = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let submit = {
            let store = store.clone();
            move |_| {
                let (store, next) = (store.clone(), next.clone());
                async move {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let account = format!("account-{}", size.account(number));
                    if number < size.tasks {
                        ours::submit(&store, &account, new_number()).await?;
                    }
                    Ok(number < size.tasks)
                }
            }
        };
        // `rate` fails after 30 seconds, so submit in portions of 25 seconds.
        while rate(25.0, MANY, submit.clone()).await? > 100.0 && begin.elapsed().as_secs() < 300 {}
        drop(store);
        let held = self.server.sql("turn", "SELECT count(*) FROM tasklife.tasks");
        assert_eq!(held.parse::<u64>()?, size.tasks);
        print(Program::Ours, self.server.bytes("turn", "tasklife").await?);
        let sql = "SELECT relname, pg_relation_size(oid) / 100000.0 FROM pg_class
            WHERE relnamespace = 'tasklife'::regnamespace AND relkind IN ('r', 'i') ORDER BY 2 DESC LIMIT 8";
        eprintln!("{}", self.server.sql("turn", sql));
        let sql = "SELECT avg(length(record))::integer FROM tasklife.tasks";
        println!("\nincluding its record in JSON: {}\n", self.server.sql("turn", sql));

        self.server.create("turn");
        let graphile = graphile::open(&self.server.url("turn"), false).await?;
        graphile::fill(&graphile.utils, size.tasks).await?;
        drop(graphile);
        print(Program::Graphile, self.server.bytes("turn", "graphile_worker").await?);

        self.server.create("turn");
        let pool = apalis::open(&self.server.url("turn")).await?;
        apalis::fill(&pool, size).await?;
        pool.close().await;
        print(Program::Apalis, self.server.bytes("turn", "apalis").await?);
        self.server.drop("turn");
        Ok(())
    }
}
