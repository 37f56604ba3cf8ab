//! Many callers at once on one account, beside a bare script that only writes.

use std::sync::Arc;

use tasklife::{AsyncTaskStore, Target, TaskEvent};
use tasklife_redis::{Redis, RedisStore};
use tasklife_test_support::RedisServer;

use crate::measure::{CONCURRENCY, Outcome, account, config, id, now, print_row, submission};

pub(crate) async fn measure() -> Outcome<()> {
    const EACH: u64 = 4_000;
    const BARE: &str = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return 1";
    let server = RedisServer::start(&[]);
    let redis = Redis::server(&server.address())?;
    let store = RedisStore::new(redis.clone(), config());
    println!("one account\n");
    println!("| call | one at a time, a second | {CONCURRENCY} at once, a second | round trips |");
    println!("|---|---|---|---|");
    let value = Arc::new("x".repeat(500));
    let bare = |number: u64| {
        let (redis, value) = (redis.clone(), value.clone());
        async move {
            redis.call(&["EVAL", BARE, "1", "bare", &number.to_string(), &value]).await?;
            Ok(())
        }
    };
    let submit = |number: u64| {
        let store = store.clone();
        async move {
            store.submit(submission(0, number), now(number)).await?;
            Ok(())
        }
    };
    let start = |number: u64| {
        let store = store.clone();
        async move {
            let (own, id) = (account(0), id(number));
            store.apply(Target::latest(&own, id), TaskEvent::start(), now(number)).await?;
            Ok(())
        }
    };
    // Three rounds, so that other programs disturb each row alike.
    for round in 0..3 {
        let from = round * 5 * EACH;
        print_row(&server, "bare script that writes 500 bytes", EACH, |number| bare(from + number))
            .await?;
        print_row(&server, "`submit`", EACH, |number| submit(from + number)).await?;
        print_row(&server, "`apply` of a start", EACH, |number| start(from + number)).await?;
    }
    println!();
    Ok(())
}
