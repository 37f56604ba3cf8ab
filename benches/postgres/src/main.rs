//! Measures `tasklife-postgres` beside bare statements, `graphile_worker` and `apalis-postgres` on a server of its own,
//! in turns, and prints tables in Markdown.
//!
//! ```text
//! benches/postgres/run                               everything, in some 6 minutes
//! benches/postgres/run small one trips               the parts that are named (`Bench` has them all)
//!     --rounds 3         how often each program is measured, in turns
//!     --seconds 0.4      how long a row is measured each time
//! ```

mod apalis;
mod bare;
mod bench;
mod graphile;
mod ours;
mod proxy;
mod server;

use std::time::{Duration, Instant};

use bench::{MANY, Outcome, Program, Rows, rate};
use proxy::Proxy;
use server::{COMMITS, Server, Size};

const SMALL: Size = Size { tasks: 20_000, each: 200 };
const LARGE: Size = Size { tasks: 1_000_000, each: 1_000 };
const ACCOUNTS: Size = Size { tasks: 100_000, each: 1 };
const WEIGHED: Size = Size { tasks: 100_000, each: 100 };

struct Bench {
    server: Server,
    rounds: usize,
    seconds: f64,
    rows: Rows,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut bench =
        Bench { server: Server::start(), rounds: 3, seconds: 0.4, rows: Rows::default() };
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
        let all = ["small", "one", "trips", "bytes", "accounts", "snapshot", "large"];
        parts = all.map(Into::into).into();
    }
    for part in parts {
        let begin = Instant::now();
        match part.as_str() {
            "small" => bench.small().await?,
            "one" => bench.one().await?,
            "trips" => bench.trips().await?,
            "bytes" => bench.bytes().await?,
            "accounts" => bench.accounts().await?,
            "snapshot" => bench.snapshot().await?,
            "large" => bench.large().await?,
            part => return Err(format!("there is no part {part}").into()),
        }
        eprintln!("{part} took {:.0?}", begin.elapsed());
    }
    Ok(())
}

/// A row of one caller and of many.
macro_rules! measure {
    ($bench:ident, $program:ident, $commits:ident, $($call:literal => $make:expr),+ $(,)?) => {
        $(for callers in [1, MANY] {
            let value = rate($bench.seconds, callers, $make).await?;
            $bench.rows.add(Program::$program, $call, callers, $commits, value);
        })+
    };
}

impl Bench {
    fn print(&mut self, title: &str) {
        std::mem::take(&mut self.rows).print(title);
    }

    async fn small(&mut self) -> Outcome<()> {
        let size = SMALL;
        self.server.fill("filled", size).await?;
        self.server.create("filled_apalis");
        let pool = apalis::open(&self.server.url("filled_apalis")).await?;
        apalis::fill(&pool, size).await?;
        pool.close().await;
        for round in 0..self.rounds {
            for commits in COMMITS {
                self.server.set_commits(commits);
                // Those who come first are others in each round.
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
        let (size, url) = (SMALL, self.server.url("turn"));
        self.server.copy("filled", "turn");
        let sample = self.server.sample("turn").await?;
        let store = ours::open(&url).await?;
        let store = || store.clone();
        if commits == "on" {
            let sample = || sample.clone();
            measure!(self, Ours, commits,
                "`get`" => { let (store, sample) = (store(), sample()); move |number| ours::get(store.clone(), sample.clone(), number) },
                "`list` of 100" => { let (store, sample) = (store(), sample()); move |number| ours::list(store.clone(), sample.clone(), number) },
            );
        }
        measure!(self, Ours, commits,
            "`submit`" => { let store = store(); move |_| ours::submit_one(store.clone(), size) },
            "a life" => { let store = store(); move |_| ours::life(store.clone(), size) },
        );
        let value = ours::sweep(&store(), 10_000).await?;
        self.rows.add(Program::Ours, "`sweep`, a task", 1, commits, value);
        Ok(())
    }

    async fn small_bare(&mut self, commits: &'static str) -> Outcome<()> {
        let (size, url) = (SMALL, self.server.url("turn"));
        self.server.copy("filled", "turn");
        let sample = self.server.sample("turn").await?;
        let bare = bare::open(&url, size)?;
        let store = || bare.clone();
        if commits == "on" {
            let sample = || sample.clone();
            measure!(self, Bare, commits,
                "`get`" => { let (store, sample) = (store(), sample()); move |number| store.clone().get(sample.clone(), number) },
                "`list` of 100" => { let (store, sample) = (store(), sample()); move |number| store.clone().list(sample.clone(), number) },
            );
        }
        measure!(self, Bare, commits,
            "`submit`" => { let store = store(); move |_| store.clone().submit_one() },
            "a life" => { let store = store(); move |_| store.clone().life() },
        );
        let value = bare.sweep(10_000).await?;
        self.rows.add(Program::Bare, "`sweep`, a task", 1, commits, value);
        Ok(())
    }

    async fn small_graphile(&mut self, commits: &'static str) -> Outcome<()> {
        let url = self.server.url("turn");
        self.server.create("turn");
        let graphile = graphile::open(&url, false).await?;
        measure!(self, Graphile, commits,
            "`submit`" => { let utils = graphile.utils.clone(); move |_| graphile::submit(utils.clone()) },
        );
        drop(graphile);
        self.server.create("turn");
        let graphile = graphile::open(&url, true).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        measure!(self, Graphile, commits,
            "a life" => { let utils = graphile.utils.clone(); move |_| graphile::life(utils.clone()) },
        );
        Ok(())
    }

    async fn small_apalis(&mut self, commits: &'static str) -> Outcome<()> {
        let (size, url) = (SMALL, self.server.url("turn"));
        self.server.copy("filled_apalis", "turn");
        let pool = apalis::open(&url).await?;
        let queue = || pool.clone();
        if commits == "on" {
            measure!(self, Apalis, commits,
                "`get`" => { let pool = queue(); move |number| apalis::get(pool.clone(), size, number) },
                "`list` of 100" => { let pool = queue(); move |number| apalis::list(pool.clone(), size, number) },
            );
        }
        measure!(self, Apalis, commits,
            "`submit`" => { let pool = queue(); move |_| apalis::submit(pool.clone(), size) },
        );
        pool.close().await;
        self.server.create("turn");
        let pool = apalis::open(&url).await?;
        let worker = apalis::work(&pool);
        tokio::time::sleep(Duration::from_millis(200)).await;
        measure!(self, Apalis, commits,
            "a life" => { let pool = pool.clone(); move |_| apalis::life(pool.clone()) },
        );
        worker.abort();
        pool.close().await;
        Ok(())
    }

    /// Many callers, all on one account.
    async fn one(&mut self) -> Outcome<()> {
        const ALONE: Size = Size { tasks: 1_000, each: 1_000 };
        self.server.fill("filled_one", ALONE).await?;
        for round in 0..self.rounds {
            for commits in COMMITS {
                self.server.set_commits(commits);
                for turn in 0..2 {
                    self.server.copy("filled_one", "turn");
                    let url = self.server.url("turn");
                    if (round + turn) % 2 == 0 {
                        let store = ours::open(&url).await?;
                        measure!(self, Ours, commits,
                            "`submit`" => { let store = store.clone(); move |_| ours::submit_one(store.clone(), ALONE) },
                            "a life" => { let store = store.clone(); move |_| ours::life_of_one(store.clone()) },
                        );
                    } else {
                        let bare = bare::open(&url, ALONE)?;
                        measure!(self, Bare, commits,
                            "`submit`" => { let bare = bare.clone(); move |_| bare.clone().submit_to_one() },
                            "a life" => { let bare = bare.clone(); move |_| bare.clone().life_of_one() },
                        );
                    }
                }
            }
        }
        self.server.drop("turn");
        self.print("All on one account, which has 1,000 tasks");
        Ok(())
    }

    /// How many round trips a call takes, of one caller.
    async fn trips(&mut self) -> Outcome<()> {
        const CALLS: u64 = 300;
        let size = SMALL;
        self.server.set_commits("off");
        self.server.fill("turn", size).await?;
        let proxy = Proxy::start(self.server.port()).await?;
        let url =
            |database: &str| format!("postgres://tasklife@127.0.0.1:{}/{database}", proxy.port);
        println!("\n| program | call | round trips | and of hints |\n|---|---|---|---|");
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
        print(Program::Ours, "`apply` of the end", CALLS);
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
        graphile::life(graphile.utils.clone()).await?;
        pause().await;
        proxy.counts.take();
        for _ in 0..CALLS {
            graphile::life(graphile.utils.clone()).await?;
        }
        pause().await;
        print(Program::Graphile, "a life", CALLS);
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
            apalis::life(pool.clone()).await?;
        }
        pause().await;
        proxy.counts.take();
        for _ in 0..CALLS {
            apalis::life(pool.clone()).await?;
        }
        pause().await;
        print(Program::Apalis, "a life", CALLS);
        worker.abort();
        pool.close().await;
        Ok(())
    }

    /// What a task takes on the disk.
    async fn bytes(&mut self) -> Outcome<()> {
        let size = WEIGHED;
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
                        ours::submit(&store, &account, bench::new_number()).await?;
                    }
                    Ok(number < size.tasks)
                }
            }
        };
        // A row may take no longer than half a minute.
        while rate(25.0, MANY, submit.clone()).await? > 100.0 && begin.elapsed().as_secs() < 300 {}
        drop(store);
        let held = self.server.sql("turn", "SELECT count(*) FROM tasklife.tasks");
        assert_eq!(held.parse::<u64>()?, size.tasks);
        print(Program::Ours, self.server.bytes("turn", "tasklife").await?);
        let sql = "SELECT relname, pg_relation_size(oid) / 100000.0 FROM pg_class
            WHERE relnamespace = 'tasklife'::regnamespace AND relkind IN ('r', 'i') ORDER BY 2 DESC LIMIT 8";
        eprintln!("{}", self.server.sql("turn", sql));
        let sql = "SELECT avg(length(record))::integer FROM tasklife.tasks";
        println!("\nof which its record in JSON: {}\n", self.server.sql("turn", sql));

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

    /// Claims over all accounts, where there are many.
    async fn accounts(&mut self) -> Outcome<()> {
        let size = ACCOUNTS;
        self.server.set_commits("off");
        self.server.fill("filled_accounts", size).await?;
        for round in 0..self.rounds {
            for commits in COMMITS {
                self.server.set_commits(commits);
                for turn in 0..2 {
                    self.server.copy("filled_accounts", "turn");
                    let url = self.server.url("turn");
                    if (round + turn) % 2 == 0 {
                        let store = ours::open(&url).await?;
                        measure!(self, Ours, commits,
                            "`claim`" => { let store = store.clone(); move |_| ours::claim_one(store.clone()) },
                        );
                    } else {
                        let bare = bare::open(&url, size)?;
                        measure!(self, Bare, commits,
                            "`claim`" => { let bare = bare.clone(); move |_| bare.clone().claim_one() },
                        );
                    }
                }
            }
        }
        self.server.drop("turn");
        self.print("100,000 accounts with a task each");
        Ok(())
    }

    /// The same, while another transaction keeps what is dead from being cleaned up.
    async fn snapshot(&mut self) -> Outcome<()> {
        self.server.set_commits("off");
        self.server.fill("turn", ACCOUNTS).await?;
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

    async fn large(&mut self) -> Outcome<()> {
        let size = LARGE;
        self.server.set_commits("on");
        let begin = Instant::now();
        self.server.fill("large_ours", size).await?;
        eprintln!("filled in {:.0?}", begin.elapsed());
        self.server.copy("large_ours", "large_bare");
        let sample = self.server.sample("large_ours").await?;
        let commits = "on";
        for round in 0..self.rounds {
            for turn in 0..2 {
                if (round + turn) % 2 == 0 {
                    let store = ours::open(&self.server.url("large_ours")).await?;
                    measure!(self, Ours, commits,
                        "`get`" => { let (store, sample) = (store.clone(), sample.clone()); move |number| ours::get(store.clone(), sample.clone(), number) },
                        "`list` of 100" => { let (store, sample) = (store.clone(), sample.clone()); move |number| ours::list(store.clone(), sample.clone(), number) },
                        "`submit`" => { let store = store.clone(); move |_| ours::submit_one(store.clone(), size) },
                        "a life" => { let store = store.clone(); move |_| ours::life(store.clone(), size) },
                    );
                } else {
                    let bare = bare::open(&self.server.url("large_bare"), size)?;
                    measure!(self, Bare, commits,
                        "`get`" => { let (bare, sample) = (bare.clone(), sample.clone()); move |number| bare.clone().get(sample.clone(), number) },
                        "`list` of 100" => { let (bare, sample) = (bare.clone(), sample.clone()); move |number| bare.clone().list(sample.clone(), number) },
                        "`submit`" => { let bare = bare.clone(); move |_| bare.clone().submit_one() },
                        "a life" => { let bare = bare.clone(); move |_| bare.clone().life() },
                    );
                }
            }
        }
        let store = ours::open(&self.server.url("large_ours")).await?;
        let value = ours::sweep(&store, 10_000).await?;
        self.rows.add(Program::Ours, "`sweep`, a task", 1, commits, value);
        let bare = bare::open(&self.server.url("large_bare"), size)?;
        let value = bare.sweep(10_000).await?;
        self.rows.add(Program::Bare, "`sweep`, a task", 1, commits, value);
        self.server.drop("large_ours");
        self.server.drop("large_bare");
        self.print("1,000,000 tasks in 1,000 accounts");
        Ok(())
    }
}
