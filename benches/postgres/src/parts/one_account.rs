//! All callers on one account.

use crate::bench::{Bench, COMMITS, Program};
use crate::outcome::Outcome;
use crate::size::Size;
use crate::{bare, fill, ours};

impl Bench {
    /// Measures callers that all use one account.
    pub async fn one_account(&mut self) -> Outcome<()> {
        const SIZE: Size = Size { tasks: 1_000, each: 1_000 };
        fill::fill(&self.server, "filled_one", SIZE).await?;
        for round in 0..self.rounds {
            for commits in COMMITS {
                self.server.set_commits(commits);
                for turn in 0..2 {
                    self.server.copy("filled_one", "turn");
                    let url = self.server.url("turn");
                    if (round + turn) % 2 == 0 {
                        let store = ours::open(&url).await?;
                        let call = {
                            let store = store.clone();
                            move |_| ours::submit_one(store.clone(), SIZE)
                        };
                        self.measure(Program::Ours, "`submit`", commits, call).await?;
                        let call = {
                            let store = store.clone();
                            move |_| ours::life_cycle_of_one(store.clone())
                        };
                        self.measure(Program::Ours, "life cycle", commits, call).await?;
                    } else {
                        let bare = bare::open(&url, SIZE)?;
                        let call = {
                            let bare = bare.clone();
                            move |_| bare.clone().submit_to_one()
                        };
                        self.measure(Program::Bare, "`submit`", commits, call).await?;
                        let call = {
                            let bare = bare.clone();
                            move |_| bare.clone().life_cycle_of_one()
                        };
                        self.measure(Program::Bare, "life cycle", commits, call).await?;
                    }
                }
            }
        }
        self.server.drop("turn");
        self.print("All on one account, which has 1,000 tasks");
        Ok(())
    }
}
