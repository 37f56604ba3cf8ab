//! The calls of `tasklife-postgres`.

use std::num::NonZeroUsize;
use std::time::Instant;

use tasklife::chrono::{DateTime, TimeDelta};
use tasklife::uuid::Uuid;
use tasklife::{
    AccountId, AsyncTaskStore, Claimed, CommandType, Completion, ListQuery, Timestamp, Scope,
    StoreConfig, Submission, Target, Task, TaskEvent, TaskId,
};
use tasklife_postgres::{PostgresOptions, PostgresStore};

use crate::bench::CONNECTIONS;
use crate::outcome::Outcome;
use crate::size::{INPUT, Sample, Size, index, mix, new_number};

const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

pub async fn open(url: &str) -> Outcome<PostgresStore> {
    let options = PostgresOptions::new().with_connections(CONNECTIONS as usize);
    Ok(options.connect(url, StoreConfig::default().with_max_tasks(usize::MAX)).await?)
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let nanos = i64::try_from(since.as_nanos()).unwrap_or_default();
    DateTime::from_timestamp_nanos(nanos)
}

fn id(number: u64) -> TaskId {
    let high = mix(number ^ u64::from(std::process::id()) << 40);
    Uuid::from_u64_pair(high, mix(high)).into()
}

pub async fn submit(store: &PostgresStore, account: &str, number: u64) -> Outcome<()> {
    let submission =
        Submission::new(account.parse()?, id(number), CREATE).with_input(INPUT.as_bytes());
    store.submit(submission, now()).await?;
    Ok(())
}

pub async fn submit_one(store: PostgresStore, size: Size) -> Outcome<bool> {
    let number = new_number();
    submit(&store, &format!("account-{}", size.account(number)), number).await?;
    Ok(true)
}

pub async fn claim(store: &PostgresStore, scope: Scope<'_>) -> Outcome<Option<Task>> {
    Ok(store.claim(scope, now()).await?.and_then(Claimed::into_work))
}

pub async fn claim_one(store: PostgresStore) -> Outcome<bool> {
    Ok(claim(&store, Scope::Any).await?.is_some())
}

pub async fn end(store: &PostgresStore, task: &Task) -> Outcome<()> {
    let end = TaskEvent::complete(Completion::of(77_899));
    store.apply(Target::exactly(task), end, now()).await?;
    Ok(())
}

/// Submits a task, claims one over all accounts, and completes that one.
pub async fn life_cycle(store: PostgresStore, size: Size) -> Outcome<bool> {
    submit_one(store.clone(), size).await?;
    let task = claim(&store, Scope::Any).await?.ok_or("nothing waits")?;
    end(&store, &task).await?;
    Ok(true)
}

/// Submits, claims and completes a task of one account.
pub async fn life_cycle_of_one(store: PostgresStore) -> Outcome<bool> {
    let account: AccountId = "account-0".parse()?;
    submit(&store, "account-0", new_number()).await?;
    let task = claim(&store, Scope::Account(&account)).await?.ok_or("nothing waits")?;
    end(&store, &task).await?;
    Ok(true)
}

pub async fn get(store: PostgresStore, sample: Sample, number: u64) -> Outcome<bool> {
    let (account, id) = &sample[index(number, sample.len())];
    let found = store.get(&account.parse()?, (*id).into(), now()).await?;
    assert!(found.is_some());
    Ok(true)
}

pub async fn list(store: PostgresStore, sample: Sample, number: u64) -> Outcome<bool> {
    let (account, _) = &sample[index(number, sample.len())];
    let query = ListQuery::new(NonZeroUsize::MIN.saturating_add(99));
    let page = store.list(&account.parse()?, &query, now()).await?;
    assert_eq!(page.tasks().len(), 100);
    Ok(true)
}

/// Drops expired tasks, and returns how many per second.
#[expect(clippy::cast_precision_loss, reason = "figures are rounded")]
pub async fn sweep(store: &PostgresStore, tasks: usize) -> Outcome<f64> {
    let begin = Instant::now();
    let swept = store.sweep(tasks, now() + TimeDelta::days(200)).await?;
    assert_eq!(swept.dropped, tasks);
    Ok(swept.dropped as f64 / begin.elapsed().as_secs_f64())
}
