//! The calls that several parts measure, of this store and of bare statements.

use tasklife_postgres::PostgresStore;

use crate::bare::Bare;
use crate::bench::{Bench, Program};
use crate::ours;
use crate::outcome::Outcome;
use crate::size::{Sample, Size};

impl Bench {
    /// Measures the calls of this store. Those that only read are measured once, with `commits` on.
    pub async fn measure_ours(
        &mut self,
        store: &PostgresStore,
        sample: &Sample,
        size: Size,
        commits: &'static str,
    ) -> Outcome<()> {
        if commits == "on" {
            let (shared, tasks) = (store.clone(), sample.clone());
            let call = move |number| ours::get(shared.clone(), tasks.clone(), number);
            self.measure(Program::Ours, "`get`", commits, call).await?;
            let (shared, tasks) = (store.clone(), sample.clone());
            let call = move |number| ours::list(shared.clone(), tasks.clone(), number);
            self.measure(Program::Ours, "`list` of 100", commits, call).await?;
        }
        let shared = store.clone();
        let call = move |_| ours::submit_one(shared.clone(), size);
        self.measure(Program::Ours, "`submit`", commits, call).await?;
        let shared = store.clone();
        let call = move |_| ours::life_cycle(shared.clone(), size);
        self.measure(Program::Ours, "life cycle", commits, call).await
    }

    /// Measures the same calls as bare statements.
    pub async fn measure_bare(
        &mut self,
        bare: &Bare,
        sample: &Sample,
        commits: &'static str,
    ) -> Outcome<()> {
        if commits == "on" {
            let (shared, tasks) = (bare.clone(), sample.clone());
            let call = move |number| shared.clone().get(tasks.clone(), number);
            self.measure(Program::Bare, "`get`", commits, call).await?;
            let (shared, tasks) = (bare.clone(), sample.clone());
            let call = move |number| shared.clone().list(tasks.clone(), number);
            self.measure(Program::Bare, "`list` of 100", commits, call).await?;
        }
        let shared = bare.clone();
        let call = move |_| shared.clone().submit_one();
        self.measure(Program::Bare, "`submit`", commits, call).await?;
        let shared = bare.clone();
        let call = move |_| shared.clone().life_cycle();
        self.measure(Program::Bare, "life cycle", commits, call).await
    }
}
