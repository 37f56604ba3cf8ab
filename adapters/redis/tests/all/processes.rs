//! Two processes that submit and claim the same tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::num::{NonZeroU32, NonZeroUsize};
use std::process::{Command, Stdio};
use std::str::{FromStr, Split};
use std::time::Duration;

use tasklife::{
    AccountId, AsyncTaskStore, Completion, ListQuery, Revision, Scope, StoreConfig, Submitted,
    Target, Task, TaskEvent, TaskId, TaskStatus,
};
use tasklife_redis::{Redis, RedisStore};

use crate::support::{Connect, RedisCluster, RedisServer, account, block_on, second, submission};

const SERVERS: &str = "TASKLIFE_REDIS_TEST_SERVERS";
const ACCOUNTS: [&str; 3] = ["acme", "umbrella", "}{"];
const TASKS: u64 = 40;
const WORKERS: usize = 4;
const LANE: u32 = 2;

#[test]
fn two_processes_share_one_server() {
    let server = RedisServer::start(&[]);
    check_history(&server.address(), &server.redis());
}

#[test]
fn two_processes_share_a_cluster() {
    let cluster = RedisCluster::start(&[]);
    let addresses: Vec<String> = cluster.nodes.iter().map(RedisServer::address).collect();
    check_history(&addresses.join(","), &cluster.redis());
}

fn store(redis: Redis) -> RedisStore {
    let lane = NonZeroU32::new(LANE).unwrap();
    let config = StoreConfig::default().with_max_in_progress(lane).with_max_tasks(10_000);
    RedisStore::new(redis, config)
}

/// Runs two processes that submit the same tasks and work on them concurrently. Each prints the
/// changes that it made; together these must be one history.
fn check_history(servers: &str, redis: &Redis) {
    let processes = [0, 1].map(|_| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "processes::one_of_two"]);
        command.env(SERVERS, servers).stdout(Stdio::piped()).spawn().unwrap()
    });
    let mut changes = Vec::new();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success());
        let before = changes.len();
        changes.extend(String::from_utf8(output.stdout).unwrap().lines().filter_map(parse));
        assert!(changes.len() > before, "a process did nothing");
    }

    // Each task was submitted once, started once, reported once, ended once.
    let total = ACCOUNTS.len() * usize::try_from(TASKS).unwrap();
    for event in ["submit", "start", "report", "complete"] {
        let of = changes.iter().filter(|change| change.event == event);
        let tasks: BTreeSet<_> = of.clone().map(|change| (&change.account, change.id)).collect();
        assert_eq!((of.count(), tasks.len()), (total, total), "{event}");
    }
    // In the order of revisions, it is a valid history: no revision occurs twice, each task moves
    // step by step, no lane is too full, and tasks start in the order in which they were received.
    let by_revision: BTreeMap<(&AccountId, Revision), &PrintedChange> =
        changes.iter().map(|change| ((&change.account, change.revision), change)).collect();
    assert_eq!(by_revision.len(), changes.len());
    let mut steps: BTreeMap<(&AccountId, TaskId), TaskStatus> = BTreeMap::new();
    let mut received: BTreeMap<&AccountId, BTreeSet<(Revision, TaskId)>> = BTreeMap::new();
    for change in by_revision.values() {
        let waiting = received.entry(&change.account).or_default();
        let before = steps.insert((&change.account, change.id), change.status);
        match change.event.as_str() {
            "submit" => {
                assert_eq!(before, None);
                waiting.insert((change.revision, change.id));
            }
            "start" => {
                assert_eq!(waiting.pop_first().map(|(_, id)| id), Some(change.id));
                let running = steps.iter().filter(|((account, _), status)| {
                    **account == change.account && **status == TaskStatus::ProcessingInProgress
                });
                assert!(
                    running.count() <= LANE as usize,
                    "the lane of {} is too full",
                    change.account
                );
            }
            _ => assert_eq!(before, Some(TaskStatus::ProcessingInProgress)),
        }
    }
    block_on(async {
        let store = store(redis.clone());
        assert_eq!(store.claim(Scope::Any, second(0)).await.unwrap(), None);
        let swept = store.sweep(usize::MAX, second(10_000_000)).await.unwrap();
        assert_eq!(swept.dropped, total);
    });
}

/// A change as a process prints it.
struct PrintedChange {
    event: String,
    account: AccountId,
    id: TaskId,
    revision: Revision,
    status: TaskStatus,
}

fn print_change(event: &str, task: &Task) {
    println!(
        "change {event} {} {} {} {}",
        task.account(),
        task.id(),
        task.revision(),
        task.status()
    );
}

fn parse(line: &str) -> Option<PrintedChange> {
    // The test harness may print something before it on the same line.
    let mut words = line.split_once("change ")?.1.split(' ');
    Some(PrintedChange {
        event: next(&mut words)?,
        account: next(&mut words)?,
        id: next(&mut words)?,
        revision: next(&mut words)?,
        status: next(&mut words)?,
    })
}

fn next<T: FromStr>(words: &mut Split<'_, char>) -> Option<T> {
    words.next()?.parse().ok()
}

#[test]
#[ignore = "one of the two processes of the tests above"]
fn one_of_two() {
    let Ok(servers) = env::var(SERVERS) else { return };
    let redis = match servers.split(',').collect::<Vec<_>>()[..] {
        [one] => Redis::server(one),
        ref several => Redis::cluster(several.iter().copied()),
    };
    let store = store(redis.unwrap());
    block_on(async {
        let submitting = tokio::spawn(submit_all(store.clone()));
        let workers: Vec<_> = (0..WORKERS).map(|_| tokio::spawn(work(store.clone()))).collect();
        submitting.await.unwrap();
        for worker in workers {
            worker.await.unwrap();
        }
    });
}

async fn submit_all(store: RedisStore) {
    for number in 0..TASKS {
        for name in ACCOUNTS {
            if let Submitted::New(task) =
                store.submit(submission(name, number), second(0)).await.unwrap()
            {
                print_change("submit", &task);
            }
        }
    }
}

async fn work(store: RedisStore) {
    loop {
        if let Some(started) = store.claim(Scope::Any, second(0)).await.unwrap() {
            complete(&store, started.into_work().unwrap()).await;
        } else if all_are_completed(&store).await {
            return;
        } else {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn all_are_completed(store: &RedisStore) -> bool {
    let completed = ListQuery::new(NonZeroUsize::MAX).with_status(TaskStatus::ProcessingCompleted);
    for name in ACCOUNTS {
        let page = store.list(&account(name), &completed, second(0)).await.unwrap();
        if (page.tasks().len() as u64) < TASKS {
            return false;
        }
    }
    true
}

async fn complete(store: &RedisStore, started: Task) {
    print_change("start", &started);
    let target = Target::exactly(&started);
    let reported = store.apply(target, TaskEvent::report(), second(0)).await.unwrap();
    print_change("report", reported.task());
    tokio::task::yield_now().await;
    let end = TaskEvent::complete(Completion::default());
    let ended = store.apply(Target::exactly(reported.task()), end, second(0)).await.unwrap();
    print_change("complete", ended.task());
}
