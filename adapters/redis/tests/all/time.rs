//! Times and revisions keep all their digits, and `now` is the caller's.

use std::time::Duration;

use chrono::TimeDelta;
use tasklife::{
    ApplyError, AsyncTaskStore, ListQuery, MAX_TIME, MIN_TIME, Now, Retention, Revision, Scope,
    StoreConfig, Target, Task, TaskEvent, TaskId, TaskStatus,
};

use crate::support::{Connect, RedisServer, account, at, block_on, fresh, id, second, submission};

#[test]
fn a_nanosecond_is_the_last_of_a_tasks_life() {
    let server = RedisServer::start(&[]);
    let nanosecond = TimeDelta::nanoseconds(1);
    for now in [
        MIN_TIME,
        at("1969-12-31T23:59:59.999999999Z"),
        at("2016-12-31T23:59:60.5Z"),
        at("9999-12-01T00:00:00.000000001Z"),
    ] {
        let retention =
            Retention::since_submission(Duration::from_hours(240) + Duration::from_nanos(1));
        let store = fresh(&server.redis(), StoreConfig::default().with_retention(retention));
        block_on(async {
            let task = store.submit(submission("acme", 1), now).await.unwrap().into_task();
            assert_eq!((task.submitted_at(), task.updated_at()), (now, now));
            let last = task.expires_at() - nanosecond;
            let acme = account("acme");
            assert_eq!(store.get(&acme, id(1), last).await.unwrap(), Some(task.clone()));
            assert_eq!(store.get(&acme, id(1), task.expires_at()).await.unwrap(), None);
            assert_eq!(store.sweep(1, last).await.unwrap().dropped, 0);
            assert_eq!(store.get(&acme, id(1), now).await.unwrap(), Some(task.clone()));
            assert_eq!(store.sweep(1, task.expires_at()).await.unwrap().dropped, 1);
            assert_eq!(store.get(&acme, id(1), now).await.unwrap(), None);
        });
    }
}

#[test]
fn tasks_at_the_end_of_time_are_kept_as_long_as_any() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default());
    block_on(async {
        let task =
            store.submit(submission("acme", 1), MAX_TIME - TimeDelta::days(1)).await.unwrap();
        assert_eq!(task.task().expires_at(), MAX_TIME);
        let beyond = Now::MAX_UTC;
        assert_eq!(store.get(&account("acme"), id(1), beyond).await.unwrap(), None);
        assert_eq!(store.sweep(1, beyond).await.unwrap().dropped, 1);
        // From now on every submission would be expired at birth.
        assert!(store.submit(submission("acme", 2), second(0)).await.is_err());
    });
}

/// Doubles would merge them: above 2⁵³ they are even, above 2⁵⁸ multiples of 64.
#[test]
fn revisions_beyond_doubles_stay_apart() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default());
    block_on(async {
        store.submit(submission("acme", 0), second(0)).await.unwrap();
        let mut revisions = Vec::new();
        for number in 1..=4 {
            let new = store.submit(submission("acme", number), second(0)).await.unwrap();
            revisions.push(new.task().revision().get());
        }
        let first = Revision::unreached_by(second(0)).get() + 2;
        assert!(first > 1 << 58, "{first}");
        assert_eq!(revisions, [first, first + 1, first + 2, first + 3]);

        let started = store.claim(Scope::Any, second(1)).await.unwrap().unwrap();
        let [first_start, next_start] =
            [started, store.claim(Scope::Any, second(1)).await.unwrap().unwrap()].map(|started| {
                (started.change().task().id(), started.change().task().revision().get())
            });
        let later = Revision::unreached_by(second(1)).get() + 1;
        assert_eq!([first_start, next_start], [(id(0), later), (id(1), later + 1)]);
        let ids = |query: ListQuery| {
            let store = store.clone();
            async move {
                let page = store.list(&account("acme"), &query, second(1)).await.unwrap();
                page.tasks().iter().map(Task::id).collect::<Vec<TaskId>>()
            }
        };
        let all = ListQuery::default();
        assert_eq!(ids(all.clone()).await, [1, 0, 4, 3, 2].map(id));
        let since =
            store.get(&account("acme"), id(3), second(1)).await.unwrap().unwrap().revision();
        assert_eq!(ids(all.changed_since(since)).await, [1, 0, 4].map(id));
        let stale = store.get(&account("acme"), id(2), second(1)).await.unwrap().unwrap();
        store.apply(Target::exactly(&stale), TaskEvent::start(), second(2)).await.unwrap();
        assert!(store.apply(Target::exactly(&stale), TaskEvent::start(), second(2)).await.is_err());
    });
}

/// A primary that dies takes with it what it had not passed on. Here it is taken back by hand.
#[test]
fn what_a_fail_over_took_back_is_not_given_out_for_something_else() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default());
    block_on(async {
        let task = store.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
        let before = keys(&server);
        for key in &before {
            server.call(&["COPY", key, &format!("saved {key}")]).unwrap();
        }
        let lost = store.apply(Target::exactly(&task), TaskEvent::start(), second(1)).await;
        let lost = lost.unwrap().into_task();
        let lost =
            store.apply(Target::exactly(&lost), TaskEvent::report(), second(1)).await.unwrap();
        for key in &before {
            server.call(&["COPY", &format!("saved {key}"), key, "REPLACE"]).unwrap();
        }
        let back = store.get(task.account(), task.id(), second(2)).await.unwrap();
        assert_eq!(back, Some(task), "as it was");
        // The worker of the lost history, before anything else has happened and afterwards.
        for seconds in [2, 3, 4] {
            let late =
                store.apply(Target::exactly(lost.task()), TaskEvent::report(), second(seconds));
            assert!(matches!(late.await, Err(ApplyError::Stale { .. })));
            if seconds < 4 {
                let target = Target::latest(lost.task().account(), lost.task().id());
                let event = if seconds == 2 { TaskEvent::start() } else { TaskEvent::report() };
                let new = store.apply(target, event, second(seconds)).await.unwrap();
                assert!(new.task().revision() > lost.task().revision());
            }
        }
    });
}

/// A day in milliseconds.
const DAY: i64 = 86_400_000;

/// To the server, the callers' time is years ago, or years ahead: it collects nothing early.
#[test]
fn whatever_time_the_server_has_is_no_matter() {
    let server = RedisServer::start(&[]);
    for now in [second(0), MIN_TIME, at("9000-01-01T00:00:00Z")] {
        // Without grace: as strict as can be.
        let store = fresh(&server.redis(), StoreConfig::default()).with_grace(Some(Duration::ZERO));
        block_on(async {
            let task = store.submit(submission("acme", 1), now).await.unwrap().into_task();
            let nearly = task.expires_at() - TimeDelta::seconds(1);
            let found = store.get(task.account(), task.id(), nearly).await.unwrap();
            assert_eq!(found, Some(task), "{now}");
        });
    }
    for key in keys(&server) {
        let left = server.call(&["PTTL", &key]).unwrap();
        let left: i64 = left.trim_start_matches(':').trim().parse().unwrap();
        if key.ends_with(":account") || key.contains("{*}") {
            assert_eq!(left, -1, "{key}");
        } else {
            assert!((9 * DAY..=10 * DAY).contains(&left), "{key}: {left} ms");
        }
    }
}

/// What Redis has collected because no sweep came was expired for everyone, and leaves no trace.
#[test]
fn what_redis_collects_leaves_a_store_that_works() {
    let server = RedisServer::start(&[]);
    let retention = Retention::since_submission(Duration::from_millis(300));
    let config = StoreConfig::default().with_retention(retention).with_max_tasks(2);
    let store = fresh(&server.redis(), config).with_grace(Some(Duration::from_millis(200)));
    block_on(async {
        let acme = account("acme");
        let first = store.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
        let latest = Target::latest(&acme, id(1));
        let task = store.apply(latest, TaskEvent::start(), second(0)).await.unwrap().into_task();
        store.submit(submission("acme", 2), second(0)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        // The law says: still there, as the caller's time stands still. So it is.
        assert!(store.get(&acme, id(1), second(0)).await.unwrap().is_some());
        // And that it is gone, though Redis still has it.
        assert!(store.get(&acme, id(1), first.expires_at()).await.unwrap().is_none());
        assert!(keys(&server).iter().any(|key| key.ends_with(":tasks")));

        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert!(keys(&server).iter().all(|key| !key.ends_with(":tasks")), "{:?}", keys(&server));
        let query = ListQuery::default().with_status(TaskStatus::ProcessingInProgress);
        assert!(store.list(&acme, &query, second(0)).await.unwrap().tasks().is_empty());
        assert_eq!(store.claim(Scope::Any, second(1)).await.unwrap(), None);
        assert_eq!(store.sweep(10, second(1)).await.unwrap().dropped, 0);
        // The places of those that were collected are free, and revisions go on.
        for number in [1, 3] {
            let new = store.submit(submission("acme", number), second(1)).await.unwrap();
            assert!(new.task().revision() > task.revision());
        }
        assert_eq!(store.sweep(10, second(10)).await.unwrap().dropped, 2);
    });
}

fn keys(server: &RedisServer) -> Vec<String> {
    let answer = server.call(&["KEYS", "*"]).unwrap();
    answer.lines().filter(|line| line.contains(':')).map(String::from).collect()
}
