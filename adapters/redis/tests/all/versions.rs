//! Every later version reads the data that this version writes to Redis.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use redis::{Client, Commands, Connection, cmd};
use tasklife::{
    AsyncTaskStore, Completion, ListQuery, Progress, Scope, StoreConfig, SubmitError, Target, Task,
    TaskError, TaskEvent, TaskRecord, TaskStatus,
};
use tasklife_redis::{Redis, RedisStore};

use crate::support::{Connect, RedisServer, account, block_on, id, second, submission};

/// The commands that write the data of version 1, one a line, and the records of its tasks. Never
/// change these files: a later version adds its own.
const COMMANDS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/version-1/commands.jsonl");
const RECORDS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/version-1/records.jsonl");

fn config() -> StoreConfig {
    StoreConfig::default()
        .with_max_in_progress(NonZeroU32::MIN)
        .with_takeover_after(Duration::from_mins(1))
        .with_max_tasks(9)
}

fn open(redis: Redis) -> RedisStore {
    RedisStore::new(redis, config()).with_grace(None)
}

fn connect(server: &RedisServer) -> Connection {
    Client::open(server.address()).unwrap().get_connection().unwrap()
}

fn lines<T: serde::de::DeserializeOwned>(path: &str) -> Vec<T> {
    let lines = BufReader::new(File::open(path).unwrap()).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

/// Fills a store with tasks in every status. The lane of `acme` is full, `initech` waits for its
/// turn, one account is forgotten, and the horizon is at 100 seconds.
async fn fill(store: &RedisStore) {
    let submit = async |name: &str, number, at| {
        store.submit(submission(name, number), second(at)).await.unwrap().into_task()
    };
    let apply = async |task: &Task, event, at| {
        store.apply(Target::exactly(task), event, second(at)).await.unwrap().into_task()
    };
    submit("gone", 1, -864_000).await;
    let done = submit("acme", 1, 10).await;
    let done = apply(&done, TaskEvent::start(), 11).await;
    let completion = Completion::of(1206)
        .with_additional_resource_id("eu-1")
        .with_resource(&std::collections::BTreeMap::from([("plan", "small")]))
        .unwrap();
    apply(&done, TaskEvent::complete(completion), 12).await;
    let failed = submit("acme", 2, 20).await;
    let error = TaskError::new("SUBSCRIPTION_PI_NOT_FOUND", "no such payment method")
        .with_status("404 NOT_FOUND")
        .with_additional_info("id 7");
    apply(&failed, TaskEvent::fail(error), 21).await;
    let running = submission("acme", 3).with_input([0, 159, 146, 150]);
    let running = store.submit(running, second(30)).await.unwrap().into_task();
    let running = apply(&running, TaskEvent::start(), 31).await;
    let report = TaskEvent::report_of(Progress::of(1, 3)).with_description("a third");
    apply(&running, report, 32).await;
    let waiting = submission("acme", 4).with_input("ünïcode".as_bytes());
    store.submit(waiting, second(40)).await.unwrap();
    store.submit(submission("acme", 5).initialized(), second(50)).await.unwrap();
    submit("initech", 1, 60).await;
    submit("initech", 2, 61).await;
    assert_eq!(store.sweep(10, second(100)).await.unwrap().dropped, 1);
}

/// Writes the files. Run it by hand, once for each version.
#[test]
#[ignore = "writes the files that the test below reads"]
fn write_fixtures() {
    let server = RedisServer::start(&[]);
    let store = open(server.redis());
    block_on(fill(&store));
    let mut connection = connect(&server);
    let mut keys: Vec<String> = connection.keys("*").unwrap();
    keys.sort();
    let mut commands = File::create(COMMANDS).unwrap();
    for key in keys {
        let kind: String = cmd("TYPE").arg(&key).query(&mut connection).unwrap();
        let mut command = match kind.as_str() {
            "string" => vec!["SET".into(), key.clone()],
            "hash" => vec!["HSET".into(), key.clone()],
            "zset" => vec!["ZADD".into(), key.clone()],
            other => panic!("expected string, hash or zset, got {other}"),
        };
        match kind.as_str() {
            "string" => command.push(connection.get::<_, String>(&key).unwrap()),
            "hash" => command.extend(connection.hgetall::<_, Vec<String>>(&key).unwrap()),
            _ => {
                let members: Vec<String> = connection.zrange(&key, 0, -1).unwrap();
                command.extend(members.into_iter().flat_map(|member| ["0".into(), member]));
            }
        }
        writeln!(commands, "{}", serde_json::to_string(&command).unwrap()).unwrap();
    }
    let mut records = File::create(RECORDS).unwrap();
    let all = ListQuery::new(NonZeroUsize::MAX);
    for name in ["acme", "initech", "gone"] {
        for task in block_on(store.list(&account(name), &all, second(100))).unwrap() {
            let record = serde_json::to_string(&TaskRecord::from(&task)).unwrap();
            writeln!(records, "{record}").unwrap();
        }
    }
}

#[test]
fn version_1_is_read() {
    let server = RedisServer::start(&[]);
    let mut connection = connect(&server);
    for command in lines::<Vec<String>>(COMMANDS) {
        cmd(&command[0]).arg(&command[1..]).exec(&mut connection).unwrap();
    }
    let store = open(server.redis());
    block_on(async {
        let records: Vec<TaskRecord> = lines(RECORDS);
        assert_eq!(records.len(), 7);
        let mut listed = Vec::new();
        for name in ["acme", "initech", "gone"] {
            let page =
                store.list(&account(name), &ListQuery::default(), second(100)).await.unwrap();
            for task in page {
                let read = store.get(task.account(), task.id(), second(100)).await.unwrap();
                assert_eq!(read.as_ref(), Some(&task));
                listed.push(TaskRecord::from(&task));
            }
        }
        assert_eq!(listed, records);
        let statuses =
            records.iter().map(|record| Task::try_from(record.clone()).unwrap().status());
        for status in TaskStatus::ALL {
            assert!(statuses.clone().any(|known| known == status), "{status}");
        }
        // The horizon, and the number of tasks.
        let early = store.submit(submission("hooli", 1), second(100 - 864_000)).await;
        assert!(matches!(early, Err(SubmitError::Expired)), "{early:?}");
        for number in 1..=2 {
            store.submit(submission("hooli", number), second(101)).await.unwrap();
        }
        let full = store.submit(submission("hooli", 3), second(101)).await;
        assert!(matches!(full, Err(SubmitError::StoreFull)), "{full:?}");
        // Turns: the lane of `acme` is full, until a task is taken over after a minute of silence.
        let mut turns = Vec::new();
        for at in [102, 102, 102, 92, 93] {
            let claimed = store.claim(Scope::Any, second(at)).await.unwrap();
            turns.push(claimed.map(|claimed| {
                let task = claimed.change().task();
                (task.account().to_string(), task.id(), task.attempts())
            }));
        }
        let turn = |name: &str, number, attempts| Some((name.to_owned(), id(number), attempts));
        turns.sort();
        let mut expected =
            [turn("acme", 3, 2), turn("initech", 1, 1), turn("hooli", 1, 1), None, None];
        expected.sort();
        assert_eq!(turns, expected);
    });
}
