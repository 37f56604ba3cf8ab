//! Claims over many accounts.

use crate::bench::{Bench, COMMITS, MANY, Program, rate};
use crate::outcome::Outcome;
use crate::size::Size;
use crate::{bare, fill, ours};

const ACCOUNTS: Size = Size { tasks: 100_000, each: 1 };

impl Bench {
    /// Measures claims over many accounts.
    pub async fn accounts(&mut self) -> Outcome<()> {
        let size = ACCOUNTS;
        self.server.set_commits("off");
        fill::fill(&self.server, "filled_accounts", size).await?;
        for round in 0..self.rounds {
            for commits in COMMITS {
                self.server.set_commits(commits);
                for turn in 0..2 {
                    self.server.copy("filled_accounts", "turn");
                    let url = self.server.url("turn");
                    if (round + turn) % 2 == 0 {
                        let store = ours::open(&url).await?;
                        let call = {
                            let store = store.clone();
                            move |_| ours::claim_one(store.clone())
                        };
                        self.measure(Program::Ours, "`claim`", commits, call).await?;
                    } else {
                        let bare = bare::open(&url, size)?;
                        let call = {
                            let bare = bare.clone();
                            move |_| bare.clone().claim_one()
                        };
                        self.measure(Program::Bare, "`claim`", commits, call).await?;
                    }
                }
            }
        }
        self.server.drop("turn");
        self.print("100,000 accounts with a task each");
        Ok(())
    }

    /// Measures claims over many accounts while an open transaction prevents the cleanup of dead
    /// rows.
    pub async fn snapshot(&mut self) -> Outcome<()> {
        self.server.set_commits("off");
        fill::fill(&self.server, "turn", ACCOUNTS).await?;
        let url = self.server.url("turn");
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await?;
        let store = ours::open(&url).await?;
        println!("\n| claims before | claims a second, while a transaction is open |\n|---|---|");
        for _ in 0..8 {
            let sql = "SELECT count(*) FROM tasklife.tasks WHERE status = 2";
            let before = self.server.sql("turn", sql);
            let one = store.clone();
            let value = rate(1.0, MANY, move |_| ours::claim_one(one.clone())).await?;
            println!("| {before} | {value:.0} |");
        }
        client.batch_execute("COMMIT").await?;
        for _ in 0..2 {
            let one = store.clone();
            let value = rate(1.0, MANY, move |_| ours::claim_one(one.clone())).await?;
            println!("| after its end | {value:.0} |");
        }
        Ok(())
    }
}
