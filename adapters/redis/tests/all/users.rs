//! Redis users with a password, and only the rights that the README lists.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tasklife::{
    AsyncTaskStore, BackendError, Completion, ListQuery, Notifies, Retention, Scope, StoreConfig,
    SubmitError, Target, TaskEvent,
};
use tasklife_redis::{Redis, RedisStore};
use tokio::time::timeout;

use crate::support::{
    RedisCluster, RedisServer, account, block_on, causes, fresh, id, second, submission,
};

/// The README, which lists the rights in shell commands.
const README: &str = include_str!("../../README.md");

const PASSWORD: &str = "p@ss:w/%#?é ";
const ENCODED: &str = "p%40ss%3Aw%2F%25%23%3F%C3%A9%20";

/// The rights in the README's command after a line such as `# for one server`.
fn rights(heading: &str) -> Vec<&'static str> {
    let begin = README.find(heading).unwrap_or_else(|| panic!("expected {heading} in the README"));
    let lines = README[begin..].lines().skip(1).take_while(|line| !line.starts_with("```"));
    let lines = lines.take_while(|line| !line.starts_with('#'));
    let words = lines.flat_map(|line| line.split_whitespace()).map(|word| word.trim_matches('\''));
    words.filter(|word| word.starts_with(['+', '~', '&'])).collect()
}

/// Gives a user exactly these rights.
fn set_user(server: &RedisServer, name: &str, rights: &[&str]) {
    let password = format!(">{PASSWORD}");
    let mut command = vec!["ACL", "SETUSER", name, "reset", "on", &password];
    command.extend(rights);
    assert_eq!(server.call(&command).unwrap(), "+OK\r\n", "{rights:?}");
}

fn address(server: &RedisServer, name: &str, password: &str) -> String {
    server.address().replace("://", &format!("://{name}:{password}@"))
}

/// Makes every call of a store.
async fn use_store(redis: &Redis) -> Result<(), BackendError> {
    let backend = |error: SubmitError| match error {
        SubmitError::Backend(error) => error,
        other => panic!("{other}"),
    };
    let retention = Retention::since_submission(Duration::from_secs(100));
    let config = StoreConfig::default()
        .with_retention(retention)
        .with_max_tasks(3)
        .with_max_in_progress(NonZeroU32::MIN)
        .with_max_open(2);
    let store = RedisStore::new(redis.clone(), config);
    // Removes what an earlier store with this prefix has left.
    store.sweep(100, second(0)).await?;
    let (acme, now) = (account("acme"), second(10));
    for (name, number) in [("acme", 1), ("acme", 2), ("umbrella", 3)] {
        store.submit(submission(name, number), now).await.map_err(backend)?;
        if number == 2 {
            // A stale reservation, which the next submission reclaims.
            redis.call(&["HSET", "tasklife:{*}:reservations", "17", "0 acme"]).await?;
        }
    }
    let full = store.submit(submission("umbrella", 4), now).await;
    match full {
        Err(SubmitError::StoreFull) => {}
        other => drop(other.map_err(backend)?),
    }
    while let Some(claimed) = store.claim(Scope::Any, now).await? {
        let Some(task) = claimed.into_work() else { continue };
        let target = Target::exactly(&task);
        let end = TaskEvent::complete(Completion::of(7));
        if let Err(tasklife::ApplyError::Backend(error)) = store.apply(target, end, now).await {
            return Err(error);
        }
    }
    store.get(&acme, id(1), now).await?;
    match store.list(&acme, &ListQuery::default(), now).await {
        Ok(page) => assert_eq!(page.tasks().len(), 2),
        Err(tasklife::ListError::Backend(error)) => return Err(error),
        Err(other) => panic!("{other}"),
    }
    // The full store makes room.
    store.submit(submission("acme", 5), second(111)).await.map_err(backend)?;
    store.repair().await?;
    assert!(store.sweep(100, second(1_000)).await?.dropped > 0);
    // Without limits, the second submission uses the cached state.
    let config = StoreConfig::default().with_max_tasks(usize::MAX).with_max_open(usize::MAX);
    let unlimited = RedisStore::new(redis.clone(), config);
    for number in [6, 7] {
        unlimited.submit(submission("acme", number), second(1_000)).await.map_err(backend)?;
    }
    Ok(())
}

/// Whether hints arrive.
async fn receives_hints(redis: &Redis) -> bool {
    let store = RedisStore::new(redis.clone(), StoreConfig::default());
    let wait = |notified| async { timeout(Duration::from_millis(300), notified).await.is_ok() };
    if !wait(store.notified()).await {
        return false;
    }
    let notified = store.notified();
    store.submit(submission("hears", 1), second(0)).await.unwrap();
    wait(notified).await
}

fn impatient(redis: Redis) -> Redis {
    redis.with_retry_time(Duration::from_millis(50))
}

#[test]
fn the_documented_rights_for_one_server_are_all_needed_and_suffice() {
    let server = RedisServer::start(&[]);
    let rights = rights("# for one server");
    set_user(&server, "app", &rights);
    let all_rights = impatient(Redis::server(&address(&server, "app", ENCODED)).unwrap());
    block_on(use_store(&all_rights)).unwrap_or_else(|error| panic!("{}", causes(&error)));
    assert!(block_on(receives_hints(&all_rights)));
    let mut superfluous = Vec::new();
    for right in &rights {
        server.call(&["FLUSHALL"]).unwrap();
        server.call(&["SCRIPT", "FLUSH"]).unwrap();
        let others: Vec<_> = rights.iter().copied().filter(|other| other != right).collect();
        set_user(&server, "other", &others);
        let one_right_less = impatient(Redis::server(&address(&server, "other", ENCODED)).unwrap());
        let is_for_hints =
            ["+publish", "+subscribe", "+ping"].contains(right) || right.starts_with('&');
        match block_on(use_store(&one_right_less)) {
            // Without hints, every write still succeeds.
            Ok(()) if is_for_hints => {}
            Ok(()) => superfluous.push(right),
            Err(error) => {
                assert!(!is_for_hints, "without {right}: {}", causes(&error));
                let causes = causes(&error);
                let refusals = ["NOPERM", "permission", "can't run this command"];
                assert!(refusals.iter().any(|words| causes.contains(words)), "{causes}");
                assert!(!causes.contains("damaged"), "{causes}");
            }
        }
        if is_for_hints && *right != "+ping" {
            assert!(!block_on(receives_hints(&one_right_less)), "hints need no {right}");
        }
    }
    assert!(superfluous.is_empty(), "nothing needs these rights: {superfluous:?}");
}

#[test]
fn the_documented_rights_for_a_cluster_suffice() {
    let cluster = RedisCluster::start(&[]);
    let rights: Vec<_> = [rights("# for one server"), rights("# in a cluster, also")].concat();
    for node in &cluster.nodes {
        set_user(node, "app", &rights);
    }
    let addresses: Vec<_> =
        cluster.nodes.iter().map(|node| address(node, "app", ENCODED)).collect();
    let redis = impatient(Redis::cluster(addresses.iter().map(String::as_str)).unwrap());
    block_on(use_store(&redis)).unwrap_or_else(|error| panic!("{}", causes(&error)));
    assert!(block_on(receives_hints(&redis)));
}

#[test]
fn a_wrong_password_is_refused_at_once_and_appears_in_no_message() {
    let cluster = RedisCluster::start(&[]);
    for node in &cluster.nodes {
        set_user(node, "app", &["+@all", "~*"]);
    }
    let addresses: Vec<_> =
        cluster.nodes.iter().map(|node| address(node, "app", "s3cret")).collect();
    let server = Redis::server(&addresses[0]).unwrap();
    let cluster = Redis::cluster(addresses.iter().map(String::as_str)).unwrap();
    for redis in [server, cluster] {
        let store = fresh(&redis, StoreConfig::default());
        let begin = Instant::now();
        let refused = block_on(store.submit(submission("acme", 1), second(0)));
        assert!(begin.elapsed() < Duration::from_secs(3), "expected no retries");
        let Err(SubmitError::Backend(error)) = refused else { panic!("submitted: {refused:?}") };
        assert!(!error.is_unknown());
        let causes = causes(&error);
        assert!(causes.contains("authentication failed"), "{causes}");
        for message in [causes, format!("{error:?}"), format!("{store:?}")] {
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
    for wrong in [
        "redis://app:s3cret@",
        "redis://app:s3cret#@a",
        "http://app:s3cret@a",
        "redis://app:s3cret@a/x",
    ] {
        let error = Redis::server(wrong).unwrap_err();
        assert!(!format!("{error:?}{}", causes(&error)).contains("s3cret"));
    }
}
