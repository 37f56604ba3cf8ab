//! The memory that a task takes, in accounts of different sizes.

use tasklife::AsyncTaskStore;
use tasklife_redis::{Redis, RedisStore};
use tasklife_test_support::RedisServer;

use crate::measure::{CONCURRENCY, Outcome, config, now, rate, submission};

pub(crate) async fn measure(tasks: u64) -> Outcome<()> {
    println!("| memory of {tasks} tasks | bytes a task |\n|---|---|");
    for accounts in [tasks / 1_000, tasks / 100, tasks / 10, tasks] {
        let server = RedisServer::start(&[]);
        let store = RedisStore::new(Redis::server(&server.address())?, config());
        let before = used_memory(&server);
        let submit = |number: u64| {
            let store = store.clone();
            async move {
                store.submit(submission(number % accounts, number), now(number)).await?;
                Ok(())
            }
        };
        rate(tasks, CONCURRENCY, submit).await?;
        let bytes = (used_memory(&server) - before) / tasks;
        println!("| {} in each account | {bytes} |", tasks / accounts);
    }
    println!();
    Ok(())
}

fn used_memory(server: &RedisServer) -> u64 {
    let info = server.call(&["INFO", "memory"]).unwrap_or_default();
    let bytes = |line: &str| line.trim().strip_prefix("used_memory:")?.parse().ok();
    info.lines().find_map(bytes).unwrap_or_default()
}
