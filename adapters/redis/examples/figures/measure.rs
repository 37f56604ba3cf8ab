//! The measuring tools, and the accounts and tasks that are measured.

use std::error::Error;
use std::time::Instant;

use chrono::TimeDelta;
use tasklife::{AccountId, CommandType, StoreConfig, Submission, TaskId, Timestamp};
use tasklife_test_support::RedisServer;
use tokio::task::JoinSet;

const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
const INPUT: &[u8] = br#"{"name": "My example subscription", "memoryStorage": "ram"}"#;
/// The number of concurrent calls.
pub(crate) const CONCURRENCY: u64 = 64;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A store without a limit of tasks. The README says what a limit costs.
pub(crate) fn config() -> StoreConfig {
    StoreConfig::default().with_max_tasks(usize::MAX)
}

/// The time of a call: ten calls a second, so that nothing expires before the sweep.
pub(crate) fn now(number: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::milliseconds(number.cast_signed() * 100)
}

pub(crate) fn account(number: u64) -> AccountId {
    format!("account-{number}").parse().expect("a name")
}

pub(crate) fn id(number: u64) -> TaskId {
    format!("00000000-0000-4000-8000-{number:012x}").parse().expect("a UUID")
}

pub(crate) fn submission(owner: u64, number: u64) -> Submission {
    Submission::new(account(owner), id(number), CREATE).with_input(INPUT)
}

/// Makes calls numbered from 0, at most `concurrency` at a time. Returns the number of calls a
/// second.
pub(crate) async fn rate<F>(calls: u64, concurrency: u64, call: impl Fn(u64) -> F) -> Outcome<f64>
where
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let call = |number| call(number);
    let begin = Instant::now();
    let (mut running, mut next) = (JoinSet::new(), 0);
    while next < calls || !running.is_empty() {
        if next < calls && (running.len() as u64) < concurrency {
            running.spawn(call(next));
            next += 1;
        } else if let Some(ended) = running.join_next().await {
            ended??;
        }
    }
    Ok(calls as f64 / begin.elapsed().as_secs_f64())
}

/// The number of scripts and pings that clients have sent, from the server's statistics.
pub(crate) fn commands(server: &RedisServer) -> u64 {
    let stats = server.call(&["INFO", "commandstats"]).unwrap_or_default();
    let counted = ["cmdstat_evalsha:", "cmdstat_eval:", "cmdstat_ping:"];
    let calls = |line: &str| {
        let line = line.trim();
        let rest = counted.iter().find_map(|name| line.strip_prefix(name))?;
        rest.strip_prefix("calls=")?.split(',').next()?.parse::<u64>().ok()
    };
    stats.lines().filter_map(calls).sum()
}

/// Makes `each` calls one at a time and four times as many concurrently. Prints a row of the table:
/// the two rates, and the round trips of a call.
pub(crate) async fn print_row<F>(
    server: &RedisServer,
    what: &str,
    each: u64,
    call: impl Fn(u64) -> F + Copy,
) -> Outcome<()>
where
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let before = commands(server);
    let one_at_a_time = rate(each, 1, call).await?;
    let concurrent = rate(4 * each, CONCURRENCY, |number| call(each + number)).await?;
    let sent = (commands(server) - before) as f64 / (5 * each) as f64;
    // `commands` counts no bare command.
    let sent = if sent < 0.5 { "1 (itself)".to_owned() } else { format!("{sent:.2}") };
    println!("| {what} | {one_at_a_time:.0} | {concurrent:.0} | {sent} |");
    Ok(())
}
