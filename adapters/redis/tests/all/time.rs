//! Times and revisions keep all digits, and only the caller's `now` counts.

use std::time::Duration;

use chrono::TimeDelta;
use tasklife::{
    ApplyError, AsyncTaskStore, ListQuery, MAX_TIME, MIN_TIME, Retention, Revision, Scope,
    StoreConfig, Target, Task, TaskEvent, TaskId, TaskStatus, Timestamp,
};

use crate::support::{
    Connect, RedisServer, account, at, block_on, fresh, id, keys, second, submission, time_to_live,
};

#[test]
fn a_task_is_visible_until_the_nanosecond_before_its_expiry() {
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
fn times_saturate_at_the_end_of_the_year_9999() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default());
    block_on(async {
        let task =
            store.submit(submission("acme", 1), MAX_TIME - TimeDelta::days(1)).await.unwrap();
        assert_eq!(task.task().expires_at(), MAX_TIME);
        let beyond = Timestamp::MAX_UTC;
        assert_eq!(store.get(&account("acme"), id(1), beyond).await.unwrap(), None);
        assert_eq!(store.sweep(1, beyond).await.unwrap().dropped, 1);
        // From now on every submission would be expired at birth.
        assert!(store.submit(submission("acme", 2), second(0)).await.is_err());
    });
}

/// Doubles above 2⁵³ are even, and above 2⁵⁸ multiples of 64.
#[test]
fn revisions_beyond_the_precision_of_doubles_stay_distinct() {
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

/// A failover loses the latest writes. Here the keys are restored by hand.
#[test]
fn revisions_lost_in_a_failover_are_not_given_out_again() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default());
    block_on(async {
        let task = store.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
        let before = keys(&server, "*");
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
        assert_eq!(back, Some(task), "the later events are lost");
        // The worker of the lost history is refused, before any other event and afterwards.
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

/// The callers' times are years before and years after the server's: it deletes nothing early.
#[test]
fn the_servers_clock_does_not_matter() {
    let server = RedisServer::start(&[]);
    for now in [second(0), MIN_TIME, at("9000-01-01T00:00:00Z")] {
        // Without grace, Redis may delete a task at its expiry.
        let store = fresh(&server.redis(), StoreConfig::default()).with_grace(Some(Duration::ZERO));
        block_on(async {
            let task = store.submit(submission("acme", 1), now).await.unwrap().into_task();
            let nearly = task.expires_at() - TimeDelta::seconds(1);
            let found = store.get(task.account(), task.id(), nearly).await.unwrap();
            assert_eq!(found, Some(task), "{now}");
        });
    }
    for key in keys(&server, "*") {
        let left = time_to_live(&server, &key);
        if key.ends_with(":account") || key.contains("{*}") {
            assert_eq!(left, -1, "{key}");
        } else {
            assert!((9 * DAY..=10 * DAY).contains(&left), "{key}: {left} ms");
        }
    }
}

/// Without sweeps, Redis deletes expired tasks itself.
#[test]
fn a_store_works_after_redis_deleted_its_tasks() {
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
        // It is visible, because the caller's time stands still.
        assert!(store.get(&acme, id(1), second(0)).await.unwrap().is_some());
        // It is invisible at its expiry, though Redis still has it.
        assert!(store.get(&acme, id(1), first.expires_at()).await.unwrap().is_none());
        assert!(keys(&server, "*").iter().any(|key| key.ends_with(":tasks")));

        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert!(
            keys(&server, "*").iter().all(|key| !key.ends_with(":tasks")),
            "{:?}",
            keys(&server, "*")
        );
        let query = ListQuery::default().with_status(TaskStatus::ProcessingInProgress);
        assert!(store.list(&acme, &query, second(0)).await.unwrap().tasks().is_empty());
        assert_eq!(store.claim(Scope::Any, second(1)).await.unwrap(), None);
        assert_eq!(store.sweep(10, second(1)).await.unwrap().dropped, 0);
        // The places of the deleted tasks are free again, and revisions continue.
        for number in [1, 3] {
            let new = store.submit(submission("acme", number), second(1)).await.unwrap();
            assert!(new.task().revision() > task.revision());
        }
        assert_eq!(store.sweep(10, second(10)).await.unwrap().dropped, 2);
    });
}
