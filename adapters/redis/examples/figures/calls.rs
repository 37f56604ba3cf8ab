//! Each kind of call, on one server with many tasks of 1,000 accounts.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use chrono::TimeDelta;
use tasklife::{AsyncTaskStore, Completion, ListQuery, Scope, Target, Task, TaskEvent};
use tasklife_redis::{Redis, RedisStore};
use tasklife_test_support::RedisServer;

use crate::measure::{
    CONCURRENCY, Outcome, account, commands, config, id, now, print_row, rate, submission,
};

pub(crate) async fn measure(tasks: u64) -> Outcome<()> {
    const ACCOUNTS: u64 = 1_000;
    const EACH: u64 = 2_000;
    let server = RedisServer::start(&[]);
    let redis = Redis::server(&server.address())?;
    let store = RedisStore::new(redis.clone(), config());
    println!("one server with {tasks} tasks of {ACCOUNTS} accounts\n");
    println!("| call | one at a time, a second | {CONCURRENCY} at once, a second | round trips |");
    println!("|---|---|---|---|");
    let value = Arc::new("x".repeat(500));
    let set = |number: u64| {
        let (redis, value) = (redis.clone(), value.clone());
        async move {
            redis.call(&["SET", &format!("bare:{number}"), &value]).await?;
            Ok(())
        }
    };
    let get = |number: u64| {
        let redis = redis.clone();
        async move {
            redis.call(&["GET", &format!("bare:{number}")]).await?;
            Ok(())
        }
    };
    print_row(&server, "bare `SET` of 500 bytes", EACH, set).await?;
    print_row(&server, "bare `GET`", EACH, get).await?;

    let submit = |number: u64| {
        let store = store.clone();
        async move {
            store.submit(submission(number % ACCOUNTS, number), now(number)).await?;
            Ok(())
        }
    };
    rate(tasks - 5 * EACH, CONCURRENCY, |number| submit(5 * EACH + number)).await?;
    print_row(&server, "`submit`", EACH, submit).await?;
    let read = |number: u64| {
        let store = store.clone();
        async move {
            store.get(&account(number % ACCOUNTS), id(number), now(number)).await?;
            Ok(())
        }
    };
    print_row(&server, "`get`", EACH, read).await?;
    let list = |number: u64| {
        let store = store.clone();
        async move {
            let query = ListQuery::default();
            let page = store.list(&account(number % ACCOUNTS), &query, now(number)).await?;
            assert!(!page.tasks().is_empty());
            Ok(())
        }
    };
    print_row(&server, "`list` of 100", EACH / 5, list).await?;

    let started: Arc<[Mutex<Option<Task>>]> = (0..5 * EACH).map(|_| Mutex::new(None)).collect();
    let slot = |number: u64| usize::try_from(number).unwrap_or_default();
    let claim = |number: u64| {
        let (store, started) = (store.clone(), started.clone());
        async move {
            let claimed = store.claim(Scope::Any, now(tasks)).await?.ok_or("nothing waits")?;
            *started[slot(number)].lock().map_err(|_| "poisoned")? = claimed.into_work();
            Ok(())
        }
    };
    print_row(&server, "`claim` from any account", EACH, claim).await?;
    for (what, complete) in [("`apply` of a report", false), ("`apply` of the end", true)] {
        let apply = |number: u64| {
            let (store, started) = (store.clone(), started.clone());
            async move {
                let task = started[slot(number)].lock().map_err(|_| "poisoned")?.take();
                let task = task.ok_or("not started")?;
                let event = if complete {
                    TaskEvent::complete(Completion::of(77_899))
                } else {
                    TaskEvent::report()
                };
                let change = store.apply(Target::exactly(&task), event, now(tasks)).await?;
                *started[slot(number)].lock().map_err(|_| "poisoned")? = Some(change.into_task());
                Ok(())
            }
        };
        print_row(&server, what, EACH, apply).await?;
    }
    let begin = Instant::now();
    let before = commands(&server);
    let mut dropped = 0;
    loop {
        let swept = store.sweep(1_000, now(tasks) + TimeDelta::days(10)).await?;
        dropped += swept.dropped;
        if !swept.more {
            break;
        }
    }
    let rate = dropped as f64 / begin.elapsed().as_secs_f64();
    let each = (commands(&server) - before) as f64 / dropped as f64;
    println!("| `sweep`, for each task dropped | | {rate:.0} | {each:.2} |\n");
    Ok(())
}
