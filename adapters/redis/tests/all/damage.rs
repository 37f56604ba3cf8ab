//! Damaged data in Redis. An error names it and says how to repair it, and other accounts go on.

use tasklife::{
    ApplyError, AsyncTaskStore, BackendError, ListError, ListQuery, Scope, StoreConfig,
    SubmitError, Target, TaskEvent,
};
use tasklife_redis::RedisStore;

use crate::support::{
    Connect, RedisServer, account, block_on, causes, fresh, id, keys, second, submission,
};

const TASK: &str = "00000000000040008000000000000001";

/// A server, a store with two tasks in each of two accounts, and a function that completes a key's
/// name.
fn store() -> (RedisServer, RedisStore, impl Fn(&str) -> String) {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default());
    block_on(async {
        for name in ["acme", "umbrella"] {
            for number in [1, 2] {
                store.submit(submission(name, number), second(0)).await.unwrap();
            }
        }
    });
    let tasks = &keys(&server, "*{acme}:tasks")[0];
    let prefix = tasks.trim_end_matches("{acme}:tasks").to_owned();
    (server, store, move |rest| format!("{prefix}{rest}"))
}

fn assert_says(error: &BackendError, expected: &[&str]) {
    let message = causes(error);
    for part in expected {
        assert!(message.contains(part), "expected {part:?} in {message:?}");
    }
}

async fn list(store: &RedisStore, name: &str) -> Result<usize, BackendError> {
    match store.list(&account(name), &ListQuery::default(), second(1)).await {
        Ok(page) => Ok(page.tasks().len()),
        Err(ListError::Backend(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_damaged_task_is_named_and_can_be_removed() {
    let (server, store, key) = store();
    let tasks = key("{acme}:tasks");
    let value = server.call(&["HGET", &tasks, TASK]).unwrap();
    let value = value.lines().nth(1).unwrap().to_owned();
    let other = server.call(&["HGET", &key("{umbrella}:tasks"), TASK]).unwrap();
    let damages = [
        String::new(),
        "no task".into(),
        "9".repeat(22),
        value[..60].into(),
        format!("{}4{}", &value[..41], &value[42..]),
        other.lines().nth(1).unwrap().into(),
    ];
    block_on(async {
        for damage in &damages {
            server.call(&["HSET", &tasks, TASK, damage]).unwrap();
            let acme = account("acme");
            let look = format!("redis-cli HGET '{tasks}' {TASK}");
            let expected = [&*look, "redis-cli HDEL", "account acme", TASK];
            let error = store.get(&acme, id(1), second(1)).await.unwrap_err();
            assert_says(&error, &expected);
            assert!(!error.is_unknown());
            assert_says(&list(&store, "acme").await.unwrap_err(), &expected);
            let one = Scope::Account(&acme);
            assert_says(&store.claim(one, second(1)).await.unwrap_err(), &expected);
            match store.submit(submission("acme", 1), second(1)).await {
                Err(SubmitError::Backend(error)) => assert_says(&error, &expected),
                other => panic!("{damage:?}: {other:?}"),
            }
            match store.apply(Target::latest(&acme, id(1)), TaskEvent::start(), second(1)).await {
                Err(ApplyError::Backend(error)) => assert_says(&error, &expected),
                other => panic!("{damage:?}: {other:?}"),
            }
            // Other tasks can still be read.
            assert!(store.get(&acme, id(2), second(1)).await.unwrap().is_some());
            assert_eq!(list(&store, "umbrella").await.unwrap(), 2);
        }
        server.call(&["HDEL", &tasks, TASK]).unwrap();
        assert_eq!(list(&store, "acme").await.unwrap(), 1);
        let claimed = store.claim(Scope::Account(&account("acme")), second(1)).await.unwrap();
        assert_eq!(claimed.unwrap().change().task().id(), id(2));
        store.submit(submission("acme", 1), second(1)).await.unwrap();
        assert_eq!(list(&store, "acme").await.unwrap(), 2);
    });
}

#[test]
fn a_damaged_task_does_not_block_other_accounts() {
    let (server, store, key) = store();
    server.call(&["HSET", &key("{acme}:tasks"), TASK, "no task"]).unwrap();
    block_on(async {
        for number in [1, 2] {
            let claimed = store.claim(Scope::Any, second(1)).await.unwrap().unwrap();
            let task = claimed.change().task();
            assert_eq!((task.account().as_str(), task.id()), ("umbrella", id(number)));
        }
        let error = store.claim(Scope::Any, second(1)).await.unwrap_err();
        assert_says(&error, &["account acme", TASK, "redis-cli HDEL"]);
        // A sweep drops it like any other task.
        assert_eq!(store.sweep(10, second(10_000_000)).await.unwrap().dropped, 4);
        assert_eq!(store.claim(Scope::Any, second(1)).await.unwrap(), None);
        assert_eq!(list(&store, "acme").await.unwrap(), 0);
    });
}

#[test]
fn a_damaged_account_is_named_and_does_not_block_others() {
    let (server, store, key) = store();
    let meta = key("{acme}:account");
    block_on(async {
        let acme = account("acme");
        for field in ["r", "u", "h"] {
            let before = server.call(&["HGET", &meta, field]).unwrap();
            server.call(&["HSET", &meta, field, "damaged"]).unwrap();
            let remove = format!("redis-cli HDEL '{meta}' {field}");
            let error = match store.submit(submission("acme", 3), second(1)).await {
                Err(SubmitError::Backend(error)) => error,
                other => panic!("{field}: {other:?}"),
            };
            assert_says(&error, &["account acme", &remove]);
            server.call(&["HDEL", &meta, field]).unwrap();
            if let Some(before) = before.lines().nth(1) {
                server.call(&["HSET", &meta, field, before]).unwrap();
            }
        }
        // No decision depends on these fields.
        server.call(&["HSET", &meta, "c", "damaged", "d", "damaged", "b", "damaged"]).unwrap();
        store.submit(submission("acme", 3), second(1)).await.unwrap();

        let order = key("{acme}:order:received");
        server.call(&["SET", &order, "of another type"]).unwrap();
        assert_says(
            &list(&store, "acme").await.unwrap_err(),
            &["account acme", "{acme}:*'", "redis-cli DEL"],
        );
        let claimed = store.claim(Scope::Any, second(1)).await.unwrap().unwrap();
        assert_eq!(claimed.change().task().account().as_str(), "umbrella");
        // The other accounts are swept before the error is returned.
        let error = store.sweep(10, second(10_000_000)).await.unwrap_err();
        assert_says(&error, &["account acme", "redis-cli DEL"]);
        assert!(error.is_unknown());
        let left = server.call(&["HLEN", &key("{umbrella}:tasks")]).unwrap();
        assert_eq!(left.trim(), ":0");
        server.call(&["DEL", &order]).unwrap();
        assert!(store.sweep(10, second(10_000_000)).await.is_ok());
        assert_eq!(list(&store, "acme").await.unwrap(), 0);
        let gone = store.get(&acme, id(3), second(1)).await.unwrap();
        assert_eq!(gone, None);
    });
}

#[test]
fn a_damaged_registry_is_named_or_rebuilt() {
    let (server, store, key) = store();
    let ready = key("{*}:ready");
    block_on(async {
        // Invalid names of accounts, damaged entries, and an account that is queued twice.
        for name in ["junk", "0000000000000000", "0000000000000000\\255"] {
            let add = format!("return redis.call('ZADD', KEYS[1], 0, '{name}')");
            assert_eq!(server.call(&["EVAL", &add, "1", &ready]).unwrap().trim(), ":1");
        }
        server.call(&["HSET", &key("{*}:queue"), "acme", "damaged"]).unwrap();
        server.call(&["ZADD", &ready, "0", "0000000000000001umbrella"]).unwrap();
        server.call(&["HSET", &key("{*}:bounds"), "acme", "damaged"]).unwrap();
        for number in [1, 2] {
            for name in ["acme", "umbrella"] {
                let claimed = store.claim(Scope::Any, second(1)).await.unwrap().unwrap();
                let task = claimed.change().task();
                assert_eq!((task.account().as_str(), task.id()), (name, id(number)));
            }
        }
        let error = store.claim(Scope::Any, second(1)).await.unwrap_err();
        assert_says(&error, &[&ready, "redis-cli ZREM", "the name of an account"]);
        assert_eq!(store.sweep(10, second(10_000_000)).await.unwrap().dropped, 4);

        server.call(&["HSET", &key("{*}:counts"), "acme", "damaged"]).unwrap();
        match store.submit(submission("acme", 3), second(10_000_000)).await {
            Ok(_) => {} // it is written, and its reservation counts for it
            other => panic!("{other:?}"),
        }
        let error = store.sweep(10, second(20_000_000)).await.unwrap_err();
        assert_says(&error, &["{[*]}:*'", "{*}:counts of acme", "RedisStore::repair"]);
        server.call(&["SET", &key("{*}:horizon"), "damaged"]).unwrap();
        let error = store.claim(Scope::Any, second(1)).await.unwrap_err();
        assert_says(&error, &["{[*]}:*'", "expected an instant"]);
    });
}
