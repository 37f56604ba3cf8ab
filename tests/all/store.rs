//! The store's methods one by one: refusals and their order, limits, takeover, and expiry to the
//! nanosecond. The conformance suite tests random histories.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tasklife::{
    ApplyError, Change, Claimed, Completion, EventKind, ListError, ListQuery, LocalStore, MAX_TIME,
    Retention, Scope, StoreConfig, SubmitError, Submitted, Swept, Target, Task, TaskEvent,
    TaskStatus,
};

use crate::support::{account, at, id, nanosecond, second, submission};

const LIFE: i64 = 10;

fn config() -> StoreConfig {
    StoreConfig::default()
        .with_retention(Retention::since_submission(Duration::from_secs(LIFE.unsigned_abs())))
}

fn submit(store: &mut LocalStore, name: &str, number: u128, seconds: i64) -> Task {
    match store.submit(submission(name, number), second(seconds)) {
        Ok(Submitted::New(task)) => task,
        other => panic!("expected a new task, got {other:?}"),
    }
}

fn apply(store: &mut LocalStore, task: &Task, event: TaskEvent, seconds: i64) -> Task {
    store.apply(Target::exactly(task), event, second(seconds)).unwrap().into_task()
}

fn claim(store: &mut LocalStore, seconds: i64) -> Option<(String, u128)> {
    let task = store.claim(Scope::Any, second(seconds)).unwrap()?.into_work().expect("work");
    Some((task.account().to_string(), task.id().as_uuid().as_u128()))
}

fn listed(store: &LocalStore, name: &str, seconds: i64) -> Vec<u128> {
    let page = store.list(&account(name), &ListQuery::default(), second(seconds)).unwrap();
    page.tasks().iter().map(|task| task.id().as_uuid().as_u128()).collect()
}

#[test]
fn a_task_lives_from_its_submission_to_its_sweep() {
    let mut store = LocalStore::new(config());
    let task = submit(&mut store, "acme", 1, 0);
    assert_eq!((task.status(), task.attempts()), (TaskStatus::Received, 0));

    let claimed = store.claim(Scope::Any, second(1)).unwrap().unwrap();
    let started = claimed.change();
    assert_eq!((started.from(), started.event()), (TaskStatus::Received, EventKind::Start));
    assert_eq!(started.task().attempts(), 1);
    let done = apply(&mut store, started.task(), TaskEvent::complete(Completion::of(7)), 2);
    assert_eq!(store.get(&account("acme"), id(1), second(3)).unwrap(), Some(done));

    let end = second(LIFE);
    assert!(store.get(&account("acme"), id(1), end - nanosecond()).unwrap().is_some());
    assert!(store.get(&account("acme"), id(1), end).unwrap().is_none());
    assert_eq!(store.sweep(9, end - nanosecond()).unwrap().dropped, 0);
    assert_eq!(store.sweep(9, end).unwrap().dropped, 1);
    assert!(store.is_empty());
}

/// Each request brings its own copy of the account's id. A store keeps one of them.
#[test]
fn the_tasks_of_an_account_share_its_id() {
    let mut store = LocalStore::new(config());
    for number in 0..3 {
        submit(&mut store, "acme", number, 0);
    }
    let saved = serde_json::to_string(&store.snapshot()).unwrap();
    let saved = serde_json::from_str(&saved).unwrap();
    let restored = LocalStore::restore(config(), saved, second(0)).unwrap();
    for store in [store, restored] {
        let page = store.list(&account("acme"), &ListQuery::default(), second(0)).unwrap();
        let copies = page.tasks().iter().map(|task| task.account().as_str().as_ptr());
        assert_eq!(copies.collect::<std::collections::BTreeSet<_>>().len(), 1);
    }
}

#[test]
fn an_expired_task_is_invisible_to_every_method_before_a_sweep() {
    let mut store = LocalStore::new(config());
    let task = submit(&mut store, "acme", 1, 0);
    let acme = account("acme");
    let end = second(LIFE);
    assert!(matches!(
        store.apply(Target::exactly(&task), TaskEvent::start(), end),
        Err(ApplyError::NotFound)
    ));
    assert_eq!(store.claim(Scope::Any, end).unwrap(), None);
    assert_eq!(store.claim(Scope::Account(&acme), end).unwrap(), None);
    assert!(store.list(&acme, &ListQuery::default(), end).unwrap().tasks().is_empty());
    // For a clock that is behind, it is still visible and can be claimed.
    assert_eq!(claim(&mut store, LIFE - 1), Some(("acme".to_owned(), 1)));
}

#[test]
fn a_task_that_expired_at_the_horizon_is_invisible_to_clocks_behind() {
    let mut store = LocalStore::new(config());
    submit(&mut store, "acme", 1, 0);
    let swept = store.sweep(0, second(LIFE)).unwrap();
    assert_eq!((swept.dropped, swept.more), (0, true));
    assert_eq!(store.get(&account("acme"), id(1), second(1)).unwrap(), None);
    assert_eq!(claim(&mut store, 1), None);
    assert!(matches!(store.submit(submission("acme", 2), second(0)), Err(SubmitError::Expired)));
    let replaced = submit(&mut store, "acme", 1, 1);
    assert_eq!(replaced.submitted_at(), second(1));
    assert_eq!(store.len(), 1);
    let swept = store.sweep(9, second(LIFE)).unwrap();
    assert_eq!((swept.dropped, swept.more), (0, false));
}

#[test]
fn a_repeat_returns_the_existing_task_and_another_request_conflicts() {
    let mut store = LocalStore::new(config().with_max_tasks(1).with_max_open(1).with_max_input(3));
    let first = submission("acme", 1).with_input(*b"in");
    let task = store.submit(first.clone(), second(0)).unwrap().into_task();
    for repeat in [first.clone(), first.clone().initialized()] {
        assert_eq!(store.submit(repeat, second(5)).unwrap(), Submitted::Existing(task.clone()));
    }
    for other in [submission("acme", 1), first.with_input(*b"far too much")] {
        assert!(matches!(store.submit(other, second(5)), Err(SubmitError::Conflict)));
    }
    assert_eq!(store.len(), 1);
}

#[test]
fn submissions_are_refused_in_the_stated_order() {
    let mut store = LocalStore::new(config().with_max_tasks(1).with_max_open(1).with_max_input(3));
    submit(&mut store, "acme", 1, 0);
    store.sweep(0, second(5)).unwrap();
    let born_expired = second(5 - LIFE);
    let large = || submission("acme", 2).with_input(*b"large");

    let refused = store.submit(large(), born_expired).unwrap_err();
    assert!(matches!(refused, SubmitError::InputTooLarge { limit: 3 }), "{refused}");
    let refused = store.submit(submission("acme", 2), born_expired).unwrap_err();
    assert!(matches!(refused, SubmitError::Expired), "{refused}");
    let refused = store.submit(submission("acme", 2), second(6)).unwrap_err();
    assert!(matches!(refused, SubmitError::StoreFull), "{refused}");
    assert_eq!(store.len(), 1, "a full store drops nothing that is visible");
}

#[test]
fn s7_a_full_store_drops_the_task_that_expired_first_and_no_other() {
    let mut store = LocalStore::new(config().with_max_tasks(3));
    for (number, seconds) in [(1, 4), (2, 2), (3, 6)] {
        submit(&mut store, "acme", number, seconds);
    }
    let refused = store.submit(submission("other", 9), second(2 + LIFE) - nanosecond());
    assert!(matches!(refused, Err(SubmitError::StoreFull)));
    // A clock that is far ahead costs one task. Other callers still see the tasks that expire later.
    submit(&mut store, "other", 9, 900 + LIFE);
    assert_eq!((store.len(), listed(&store, "acme", 7)), (3, vec![3, 1]));
    assert_eq!(store.sweep(9, second(0)).unwrap(), Swept::default(), "nothing else is due");
    // The horizon has moved exactly to the expiry of the dropped task.
    submit(&mut store, "other", 8, 4 + LIFE);
    assert_eq!(listed(&store, "acme", 7), [3]);
    let end = second(4 + LIFE);
    let born_expired = store.submit(submission("acme", 5), second(4)).unwrap_err();
    assert!(matches!(born_expired, SubmitError::Expired), "{born_expired}");
    assert!(store.get(&account("other"), id(8), end).unwrap().is_some());
}

#[test]
fn s7_a_full_store_drops_tasks_left_by_a_sweep_before_others() {
    let mut store = LocalStore::new(config().with_max_tasks(3));
    for (number, seconds) in [(1, 0), (2, 1), (3, 9)] {
        submit(&mut store, "acme", number, seconds);
    }
    assert!(store.sweep(1, second(1 + LIFE)).unwrap().more);
    submit(&mut store, "acme", 4, 2 + LIFE);
    submit(&mut store, "acme", 5, 2 + LIFE);
    assert_eq!(listed(&store, "acme", 0), [5, 4, 3], "the sweep's own horizon hides no more");
    assert_eq!(store.sweep(9, second(0)).unwrap().dropped, 0);
}

#[test]
fn s7_a_refused_submission_drops_nothing() {
    let mut store = LocalStore::new(config().with_max_tasks(2).with_max_open(1).with_max_input(3));
    submit(&mut store, "acme", 1, 0);
    submit(&mut store, "other", 1, 5);
    let before = store.snapshot();
    let full = store.submit(submission("other", 2), second(LIFE)).unwrap_err();
    assert!(matches!(full, SubmitError::AccountFull), "{full}");
    let large = submission("acme", 2).with_input(*b"large");
    let large = store.submit(large, second(LIFE)).unwrap_err();
    assert!(matches!(large, SubmitError::InputTooLarge { .. }), "{large}");
    assert!(matches!(store.submit(submission("other", 1), second(6)), Ok(Submitted::Existing(_))));
    assert_eq!(store.snapshot(), before);
}

#[test]
fn s7_the_last_task_of_an_account_makes_room_for_its_next() {
    let mut store = LocalStore::new(config().with_max_tasks(1));
    let first = submit(&mut store, "acme", 1, 0);
    let next = submit(&mut store, "acme", 2, LIFE);
    assert!(next.revision() > first.revision());
    assert_eq!(listed(&store, "acme", 1), [2]);
    let other = submit(&mut store, "other", 1, 2 * LIFE);
    assert_eq!(claim(&mut store, 2 * LIFE), Some(("other".to_owned(), 1)));
    assert!(store.get(other.account(), other.id(), second(2 * LIFE)).unwrap().is_some());
    assert_eq!(store.len(), 1);
}

#[test]
fn the_default_store_holds_at_most_100_000_tasks() {
    let config = StoreConfig::default();
    assert_eq!(config.max_tasks(), 100_000);
    let mut store = LocalStore::new(config.with_retention(self::config().retention()));
    for number in 0..200_000 {
        let now = i64::try_from(number / 5_000).unwrap();
        submit(&mut store, "acme", number, now * LIFE / 10);
    }
    assert_eq!(store.len(), 100_000, "and nobody swept");
}

#[test]
fn a_submission_replaces_an_expired_task_with_the_same_id() {
    let mut store = LocalStore::new(config().with_max_tasks(2).with_max_open(1));
    submit(&mut store, "acme", 1, 0);
    submit(&mut store, "other", 1, 5);
    let again = submit(&mut store, "acme", 1, LIFE);
    assert_eq!(again.revision().get(), 2, "a new task, on the account's clock");
    assert_eq!(store.len(), 2);

    let mut store = LocalStore::new(config().with_max_open(1));
    submit(&mut store, "acme", 1, 0);
    submit(&mut store, "acme", 2, LIFE);
    let refused = store.submit(submission("acme", 1), second(LIFE)).unwrap_err();
    assert!(matches!(refused, SubmitError::AccountFull), "over an expired id too: {refused}");
}

#[test]
fn open_tasks_are_counted_while_visible() {
    let mut store = LocalStore::new(config().with_max_open(2));
    let first = submit(&mut store, "acme", 1, 0);
    submit(&mut store, "acme", 2, 1);
    let refused = store.submit(submission("acme", 3), second(2)).unwrap_err();
    assert!(matches!(refused, SubmitError::AccountFull), "{refused}");
    submit(&mut store, "other", 1, 2);

    apply(&mut store, &first, TaskEvent::fail(tasklife::TaskError::new("CODE", "Words.")), 3);
    submit(&mut store, "acme", 3, 3);
    assert!(store.submit(submission("acme", 4), second(4)).is_err());
    submit(&mut store, "acme", 4, LIFE + 1); // the second has expired
    assert!(store.submit(submission("acme", 5), second(LIFE + 2)).is_err());

    let mut closed = LocalStore::new(config().with_max_open(0));
    assert!(matches!(
        closed.submit(submission("acme", 1), second(0)),
        Err(SubmitError::AccountFull)
    ));
    assert!(closed.is_empty());
}

#[test]
fn events_are_refused_in_the_stated_order_and_change_nothing() {
    let mut store = LocalStore::new(config().with_max_in_progress(NonZeroU32::MIN));
    let old = submit(&mut store, "acme", 1, 0);
    let second_task = submit(&mut store, "acme", 2, 0);
    let running = apply(&mut store, &old, TaskEvent::start(), 1);
    let before = store.snapshot();

    let acme = account("acme");
    let unknown = store.apply(Target::latest(&acme, id(9)), TaskEvent::start(), second(2));
    assert!(matches!(unknown, Err(ApplyError::NotFound)));
    let complete = || TaskEvent::complete(Completion::default());
    match store.apply(Target::exactly(&old), TaskEvent::receive(), second(2)) {
        Err(ApplyError::Stale { current }) => assert_eq!(current, running),
        other => panic!("expected a stale target, got {other:?}"),
    }
    match store.apply(Target::exactly(&second_task), complete(), second(2)) {
        Err(ApplyError::Transition(error)) => assert_eq!(error.status(), TaskStatus::Received),
        other => panic!("expected a refused transition, got {other:?}"),
    }
    let busy = store.apply(Target::exactly(&second_task), TaskEvent::start(), second(2));
    assert!(matches!(busy, Err(ApplyError::LaneFull)));
    assert_eq!(store.claim(Scope::Any, second(2)).unwrap(), None);
    assert_eq!(store.snapshot(), before);

    apply(&mut store, &running, complete(), 3);
    apply(&mut store, &second_task, TaskEvent::start(), 3);
}

#[test]
fn an_expired_task_frees_its_place_in_the_lane() {
    let mut store = LocalStore::new(config().with_max_in_progress(NonZeroU32::MIN));
    submit(&mut store, "acme", 1, 0);
    submit(&mut store, "acme", 2, 5);
    assert_eq!(claim(&mut store, 6), Some(("acme".to_owned(), 1)));
    assert_eq!(claim(&mut store, LIFE - 1), None);
    assert_eq!(claim(&mut store, LIFE), Some(("acme".to_owned(), 2)));
}

#[test]
fn an_account_starts_tasks_in_the_order_they_were_received() {
    let mut store = LocalStore::new(config());
    let late = store.submit(submission("acme", 1).initialized(), second(0)).unwrap().into_task();
    submit(&mut store, "acme", 2, 0);
    apply(&mut store, &late, TaskEvent::receive(), 1);
    submit(&mut store, "acme", 3, 1);
    let order: Vec<_> = (0..4).map_while(|_| claim(&mut store, 2)).map(|(_, id)| id).collect();
    assert_eq!(order, [2, 1, 3]);
}

#[test]
fn accounts_take_turns_and_a_claim_of_one_account_is_not_a_turn() {
    let mut store = LocalStore::new(config());
    for number in 1..=4 {
        submit(&mut store, "a", number, 0);
    }
    for name in ["b", "c"] {
        submit(&mut store, name, 1, 0);
        submit(&mut store, name, 2, 0);
    }
    assert!(store.claim(Scope::Account(&account("a")), second(1)).unwrap().unwrap().is_work());
    let order: Vec<_> = (0..9).map_while(|_| claim(&mut store, 1)).map(|(name, _)| name).collect();
    assert_eq!(order, ["a", "b", "c", "a", "b", "c", "a"]);
}

#[test]
fn a_task_is_taken_over_after_the_silence_and_its_old_worker_is_fenced() {
    let config = config().with_takeover_after(Duration::from_secs(2));
    let mut store = LocalStore::new(config.with_max_in_progress(NonZeroU32::MIN));
    submit(&mut store, "acme", 1, 0);
    submit(&mut store, "acme", 2, 0);
    let started = store.claim(Scope::Any, second(1)).unwrap().unwrap().into_work().unwrap();
    let reported = apply(&mut store, &started, TaskEvent::report().with_description("Half."), 2);

    assert_eq!(claim(&mut store, 4), None, "silent for exactly 2 seconds");
    let later = second(4) + nanosecond();
    let claimed = store.claim(Scope::Any, later).unwrap().unwrap();
    let taken = claimed.change();
    assert_eq!(
        (taken.from(), taken.event()),
        (TaskStatus::ProcessingInProgress, EventKind::Report)
    );
    assert_eq!((taken.task().id(), taken.task().attempts()), (id(1), 2));
    assert_eq!(taken.task().description(), Some("Half."));
    let stale = store.apply(Target::exactly(&reported), TaskEvent::report(), second(5));
    assert!(matches!(stale, Err(ApplyError::Stale { .. })));

    let done = apply(&mut store, taken.task(), TaskEvent::complete(Completion::default()), 5);
    assert_eq!((done.attempts(), claim(&mut store, 5)), (2, Some(("acme".to_owned(), 2))));
}

#[test]
fn a_takeover_within_a_leap_second_does_not_delay_another() {
    let config = config().with_takeover_after(Duration::from_secs(1));
    let mut store = LocalStore::new(config);
    for (number, begin) in [(1, "2016-12-31T23:59:59.9Z"), (2, "2016-12-31T23:59:60.5Z")] {
        store.submit(submission("acme", number), at(begin)).unwrap();
        assert!(store.claim(Scope::Any, at(begin)).unwrap().unwrap().is_work());
    }
    let page = store.list(&account("acme"), &ListQuery::default(), at("2017-01-01T00:00:00Z"));
    let tasks = page.unwrap().into_tasks();
    let after = |task: &Task| config.takeover_at(task).unwrap();
    assert_eq!(
        tasks.iter().map(after).collect::<Vec<_>>(),
        [at("2017-01-01T00:00:01Z"), at("2017-01-01T00:00:00.9Z"),]
    );
    for tenth in 0..15 {
        let now = at("2017-01-01T00:00:00.05Z") + chrono::TimeDelta::milliseconds(100 * tenth);
        let is_due = tasks.iter().any(|task| config.takeover_due(task, now));
        for scope in [Scope::Any, Scope::Account(&account("acme"))] {
            let claimed = store.clone().claim(scope, now).unwrap();
            assert_eq!(claimed.is_some(), is_due, "{now}");
        }
    }
}

#[test]
fn a_task_that_has_used_all_attempts_is_given_up() {
    let takeover = config().with_takeover_after(Duration::from_secs(1));
    let config = takeover.with_max_attempts(NonZeroU32::new(3).unwrap());
    let mut store = LocalStore::new(config.with_max_in_progress(NonZeroU32::MIN));
    submit(&mut store, "acme", 1, 0);
    submit(&mut store, "acme", 2, 0);
    for attempt in 1..=3 {
        let work = store.claim(Scope::Any, second(2 * i64::from(attempt) - 1)).unwrap().unwrap();
        let work = work.into_work().unwrap();
        assert_eq!((work.id(), work.attempts()), (id(1), attempt));
    }
    assert_eq!(store.claim(Scope::Any, second(6)).unwrap(), None, "silent for exactly a second");
    let claimed = store.claim(Scope::Any, second(7)).unwrap().unwrap();
    assert!(matches!(claimed, Claimed::GivenUp(_)), "{claimed:?}");
    let change = claimed.change();
    assert_eq!(
        (change.from(), change.event(), change.task().status(), change.task().attempts()),
        (TaskStatus::ProcessingInProgress, EventKind::Fail, TaskStatus::ProcessingError, 3)
    );
    let error = change.task().outcome().unwrap().unwrap_err().clone();
    assert_eq!((error.code(), error.status()), ("TOO_MANY_ATTEMPTS", "500 INTERNAL_SERVER_ERROR"));
    assert_eq!(store.get(&account("acme"), id(1), second(7)).unwrap(), Some(change.task().clone()));
    assert_eq!(claimed.clone().into_work(), None);
    assert_eq!(claim(&mut store, 7), Some(("acme".to_owned(), 2)), "the lane is free");
}

#[test]
fn a_single_attempt_is_not_repeated_and_a_report_is_not_an_attempt() {
    let takeover = config().with_takeover_after(Duration::from_secs(2));
    let mut store = LocalStore::new(takeover.with_max_attempts(NonZeroU32::MIN));
    submit(&mut store, "acme", 1, 0);
    let mut task = store.claim(Scope::Any, second(0)).unwrap().unwrap().into_work().unwrap();
    for seconds in 1..=5 {
        assert_eq!(claim(&mut store, seconds), None);
        task = apply(&mut store, &task, TaskEvent::report(), seconds);
    }
    let acme = account("acme");
    let claimed = store.claim(Scope::Account(&acme), second(8)).unwrap().unwrap();
    assert!(!claimed.is_work());
    let late = store.apply(Target::exactly(&task), TaskEvent::report(), second(8));
    assert!(matches!(late, Err(ApplyError::Stale { .. })), "its worker is refused");
}

#[test]
fn by_default_a_task_is_taken_over_four_times() {
    let mut store = LocalStore::default();
    store.submit(submission("acme", 1), second(0)).unwrap();
    let half_an_hour = chrono::TimeDelta::minutes(30) + nanosecond();
    let mut now = second(0);
    for _ in 0..5 {
        assert!(store.claim(Scope::Any, now).unwrap().unwrap().is_work());
        assert_eq!(store.claim(Scope::Any, now + half_an_hour - nanosecond()).unwrap(), None);
        now += half_an_hour;
    }
    assert!(!store.claim(Scope::Any, now).unwrap().unwrap().is_work());
}

#[test]
fn turns_between_accounts_come_before_takeovers() {
    let mut store = LocalStore::new(config().with_takeover_after(Duration::from_secs(2)));
    submit(&mut store, "acme", 1, 0);
    submit(&mut store, "other", 1, 0);
    assert_eq!(claim(&mut store, 0), Some(("acme".to_owned(), 1)));
    submit(&mut store, "acme", 2, 1);
    let order: Vec<_> = (0..4).map_while(|_| claim(&mut store, 3)).collect();
    let expected = [("other", 1), ("acme", 1), ("acme", 2)].map(|(name, id)| (name.to_owned(), id));
    assert_eq!(order, expected, "in an account, takeovers come before what was received");
}

#[test]
fn without_takeover_no_task_is_taken_over() {
    let mut store = LocalStore::new(StoreConfig::default().without_takeover());
    submit(&mut store, "acme", 1, 0);
    claim(&mut store, 0).unwrap();
    assert_eq!(claim(&mut store, 800_000), None);
}

#[test]
fn a_clock_that_is_behind_wakes_a_parked_account() {
    let mut store = LocalStore::new(config());
    submit(&mut store, "acme", 1, 0);
    assert_eq!(claim(&mut store, LIFE), None);
    assert_eq!(claim(&mut store, LIFE - 1), Some(("acme".to_owned(), 1)));
}

#[test]
fn a_list_has_the_latest_update_first_and_pages_without_gaps() {
    let mut store = LocalStore::new(config());
    let tasks: Vec<_> = (1..=5).map(|number| submit(&mut store, "acme", number, 0)).collect();
    apply(&mut store, &tasks[1], TaskEvent::start(), 1);
    assert_eq!(listed(&store, "acme", 1), [2, 5, 4, 3, 1]);
    assert_eq!(listed(&store, "other", 1), []);

    let acme = account("acme");
    let query = ListQuery::new(NonZeroUsize::new(2).unwrap());
    let first = store.list(&acme, &query, second(1)).unwrap();
    let cursor = first.next().unwrap();
    apply(&mut store, &tasks[4], TaskEvent::start(), 2); // the task at the cursor moves away
    let rest = store.list(&acme, &query.clone().after(cursor), second(2)).unwrap();
    let ids: Vec<_> = rest.tasks().iter().map(|task| task.id().as_uuid().as_u128()).collect();
    assert_eq!(ids, [4, 3]);
    let last = store.list(&acme, &query.clone().after(rest.next().unwrap()), second(2)).unwrap();
    assert_eq!((last.tasks().len(), last.next()), (1, None));

    let changed = ListQuery::default().changed_since(first.revision());
    let changed = store.list(&acme, &changed, second(2)).unwrap();
    assert_eq!(changed.tasks().len(), 1);
    assert_eq!(changed.tasks()[0].id(), id(5));

    let foreign = store.list(&account("other"), &query.after(cursor), second(2));
    assert!(matches!(foreign, Err(ListError::Cursor(_))));
}

#[test]
fn a_forgotten_account_goes_on_with_higher_revisions() {
    let mut store = LocalStore::new(config());
    let task = submit(&mut store, "acme", 1, 100);
    let last = apply(&mut store, &task, TaskEvent::start(), 100).revision();
    store.sweep(9, second(100 + LIFE)).unwrap();
    let page = store.list(&account("acme"), &ListQuery::default(), second(101)).unwrap();
    assert!(page.revision() >= last);
    let again = store.submit(submission("acme", 1), second(105)).unwrap().into_task();
    assert!(again.revision() > page.revision());
    assert_eq!(again.updated_at(), second(105), "its clock may start anew");
}

#[test]
fn extreme_clocks_delay_update_times_but_no_call_fails() {
    let mut store = LocalStore::new(StoreConfig::default());
    let far = DateTime::<Utc>::MAX_UTC;
    assert!(matches!(store.submit(submission("acme", 1), far), Err(SubmitError::Expired)));
    let task = store.submit(submission("acme", 1), DateTime::<Utc>::MIN_UTC).unwrap().into_task();
    let now = task.submitted_at();
    let change: Change = store.apply(Target::exactly(&task), TaskEvent::start(), now).unwrap();
    store.apply(Target::exactly(change.task()), TaskEvent::report(), second(0)).unwrap_err();

    let mut store = LocalStore::new(StoreConfig::default());
    let task = submit(&mut store, "acme", 1, 0);
    let ahead = apply(&mut store, &task, TaskEvent::start(), 500_000);
    let pinned = apply(&mut store, &ahead, TaskEvent::report(), 1);
    assert_eq!(pinned.updated_at(), second(500_000));
    store.sweep(0, far).unwrap();
    assert!(
        store.list(&account("acme"), &ListQuery::default(), MAX_TIME).unwrap().tasks().is_empty()
    );
    assert!(matches!(store.submit(submission("acme", 2), second(0)), Err(SubmitError::Expired)));
}
