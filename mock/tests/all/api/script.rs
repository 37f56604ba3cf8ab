//! How tasks move: paces, scripts, lanes, and the lag before a task can be read.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use tasklife::{
    Completion, ListQuery, StoreConfig, Submission, Target, TaskError, TaskEvent, TaskId, TaskStore,
};
use tasklife_mock::{Pace, Script};

use super::{CREATE, Client, DATABASE, acme, api, document, listed, second, value};

const RECEIVED: &str = "received";
const RUNNING: &str = "processing-in-progress";
const COMPLETED: &str = "processing-completed";
const FAILED: &str = "processing-error";

fn after(seconds: u64) -> Pace {
    Pace::After(Duration::from_secs(seconds))
}

fn id(task: &str) -> TaskId {
    task.rsplit_once('/').unwrap().1.parse().unwrap()
}

#[test]
fn an_immediate_task_ends_before_the_first_read() {
    let api = api();
    let response = api.call("POST", "/v1/subscriptions", "{}", 0.0);
    assert_eq!(document(&response).status().as_str(), RECEIVED);
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.status(&task, 0.0), COMPLETED);
}

#[test]
fn a_pace_counts_from_the_start_of_a_status() {
    let api = api();
    api.on(CREATE, Script::new(after(10))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 1.0);
    let seen = api.statuses(&task, [1.0, 5.999, 6.0, 10.999, 11.0, 99.0]);
    assert_eq!(seen, [RECEIVED, RECEIVED, RUNNING, RUNNING, COMPLETED, COMPLETED]);
    assert_eq!(document(&api.get(&task, 99.0)).timestamp(), Some(second(11.0)));

    api.on(CREATE, Script::in_steps(after(1), after(2)).initialized(after(3))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 100.0);
    let seen = api.statuses(&task, [102.999, 103.0, 103.999, 104.0, 105.999, 106.0]);
    assert_eq!(seen, ["initialized", RECEIVED, RECEIVED, RUNNING, RUNNING, COMPLETED]);
}

#[test]
fn steps_have_their_own_times_even_if_read_an_hour_later() {
    let api = api();
    api.on(CREATE, Script::new(after(10))).unwrap();
    api.on(DATABASE, Script::in_steps(after(2), after(60))).unwrap();
    let slow = api.with_subscription(-100.0);
    let database = api.submit(&format!("{slow}/databases"), "{}", 0.0);
    let quick = api.submit("/v1/subscriptions", "{}", 1.0);
    // Without calls in between, the list is still in the order of the steps.
    let list = api.get("/v1/tasks?limit=2", 3_600.0);
    assert_eq!(listed(&list), [database.clone(), quick.clone()]);
    let timestamp = |task| document(&api.get(task, 3_600.0)).timestamp().unwrap();
    assert_eq!((timestamp(&database), timestamp(&quick)), (second(62.0), second(11.0)));
    // The quick task ended after the slow one had started.
    let revision = |task: &str| {
        let task = api.store().get(&acme(), id(task), second(3_600.0)).unwrap().unwrap();
        task.revision()
    };
    assert!(revision(&quick) < revision(&database));
}

#[test]
fn a_read_is_a_get_that_returns_the_task() {
    for reads in 0..=5_u32 {
        let api = api();
        api.on(CREATE, Script::new(Pace::Reads(reads))).unwrap();
        let task = api.submit("/v1/subscriptions", "{}", 0.0);
        for _ in 0..3 {
            api.get("/v1/tasks", 0.0);
            assert_eq!(api.call("HEAD", &task, "", 0.0).status(), 200);
            assert_eq!(
                api.get("/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e", 0.0).status(),
                404
            );
        }
        let seen: Vec<String> = (0..6).map(|_| api.status(&task, 0.0)).collect();
        let shown = usize::try_from(reads.max(1)).unwrap();
        assert!(seen[shown - 1..].iter().all(|status| status == COMPLETED), "{reads}: {seen:?}");
        assert!(seen[..shown - 1].iter().all(|status| status != COMPLETED), "{reads}: {seen:?}");
        if reads >= 3 {
            assert_eq!((&*seen[0], &*seen[shown - 2]), (RECEIVED, RUNNING), "{reads}");
        }
    }
    // In steps, reads are counted from the start of each status.
    let api = api();
    api.on(CREATE, Script::in_steps(Pace::Reads(2), Pace::Reads(3))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let seen = api.statuses(&task, [0.0; 5]);
    assert_eq!(seen, [RECEIVED, RUNNING, RUNNING, RUNNING, COMPLETED]);
    // Reads of one task do not count for another.
    let other = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.status(&other, 0.0), RECEIVED);
}

#[test]
fn a_read_with_a_304_counts() {
    let api = api();
    api.on(CREATE, Script::new(Pace::Reads(4))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let mut tag = api.get(&task, 0.0).headers()["etag"].clone();
    let statuses = [(); 3].map(|()| {
        let mut request = super::request("GET", &task, "");
        request.headers_mut().insert("if-none-match", tag.clone());
        let response = api.handle(&request, second(0.0));
        tag = response.headers()["etag"].clone();
        response.status().as_u16()
    });
    assert_eq!(statuses, [200, 304, 200]);
    assert_eq!(api.status(&task, 0.0), COMPLETED);
}

#[test]
fn a_task_that_never_moves_can_be_moved_in_the_store() {
    let api = api();
    api.on(CREATE, Script::new(Pace::Never)).unwrap();
    let task = api.submit("/v1/subscriptions", r#"{"name": "by hand"}"#, 0.0);
    assert_eq!(api.status(&task, 1e7 / 1e2), RECEIVED);
    let acme = acme();
    let target = Target::latest(&acme, id(&task));
    api.store().apply(target, TaskEvent::start(), second(1.0)).unwrap();
    assert_eq!(api.status(&task, 1.0), RUNNING);
    let end = TaskEvent::complete(Completion::of(5));
    api.store().apply(target, end, second(2.0)).unwrap();
    let body = value(&api.get("/v1/subscriptions/5", 3.0));
    assert_eq!(body["name"], "by hand");
    assert_eq!(body["status"], "active");

    // The script continues from the status that was set in the store.
    api.on(CREATE, Script::in_steps(Pace::Never, after(10))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 10.0);
    let target = Target::latest(&acme, id(&task));
    api.store().apply(target, TaskEvent::start(), second(20.0)).unwrap();
    assert_eq!(api.statuses(&task, [29.9, 30.0]), [RUNNING, COMPLETED]);

    // A report does not end a status.
    let task = api.submit("/v1/subscriptions", "{}", 40.0);
    let target = Target::latest(&acme, id(&task));
    api.store().apply(target, TaskEvent::start(), second(40.0)).unwrap();
    assert_eq!(api.status(&task, 41.0), RUNNING);
    api.store().apply(target, TaskEvent::report(), second(45.0)).unwrap();
    assert_eq!(api.statuses(&task, [49.9, 50.0]), [RUNNING, COMPLETED]);
}

#[test]
fn the_latest_matching_script_applies_also_at_run_time() {
    let api = api();
    let error =
        |code: &'static str| Script::new(Pace::Immediate).failing(TaskError::new(code, "No."));
    let end = |body: &str| {
        let task = api.submit("/v1/subscriptions", body, 0.0);
        let body = value(&api.get(&task, 0.0));
        body["response"]["error"]["type"].as_str().unwrap_or(COMPLETED).to_owned()
    };
    assert_eq!(end("{}"), COMPLETED);
    api.on_any(error("ANY")).unwrap();
    assert_eq!(end("{}"), "ANY");
    api.on(DATABASE, error("DATABASE")).unwrap();
    api.on_if(CREATE, |body| body["name"] == "b", error("FIRST")).unwrap();
    assert_eq!((end("{}"), end(r#"{"name": "b"}"#)), ("ANY".into(), "FIRST".into()));
    api.on_if(CREATE, |body| body.get("name").is_some(), error("SECOND")).unwrap();
    assert_eq!((end("{}"), end(r#"{"name": "b"}"#)), ("ANY".into(), "SECOND".into()));
    api.on(CREATE, Script::new(Pace::Immediate)).unwrap();
    assert_eq!((end("{}"), end(r#"{"name": "b"}"#)), (COMPLETED.into(), COMPLETED.into()));

    // A task keeps the script with which it was submitted.
    api.on(CREATE, Script::new(after(10))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    api.on(CREATE, error("LATER")).unwrap();
    assert_eq!(api.status(&task, 10.0), COMPLETED);
}

#[test]
fn a_script_for_an_unknown_command_type_is_an_error() {
    let api = api();
    let typo = tasklife::CommandType::from_static("databaseCreateReqest");
    let faults = [
        api.on(typo.clone(), Script::new(Pace::Never)).unwrap_err(),
        api.on_if(typo.clone(), |_| true, Script::new(Pace::Never)).unwrap_err(),
        api.with_accepted(typo, http::StatusCode::CREATED).unwrap_err(),
    ];
    for fault in faults {
        let message = fault.to_string();
        let expected =
            "expected one of the 83 command types of the API, such as databaseCreateRequest, ";
        assert!(message.starts_with(expected), "{message}");
        assert!(message.ends_with("; got \"databaseCreateReqest\""), "{message}");
    }
}

#[test]
fn a_condition_and_a_function_may_use_the_api_and_may_panic() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Arc, Weak};

    let api = Arc::new(api());
    let inner: Weak<_> = Arc::downgrade(&api);
    let look = inner.clone();
    api.on_if(
        CREATE,
        move |body| {
            look.upgrade().unwrap().on(DATABASE, Script::new(Pace::Never)).unwrap();
            body["name"] == "panic"
        },
        Script::new(Pace::Immediate).completing(move |_| {
            assert!(inner.upgrade().unwrap().journal().len() < 2, "a panic");
            Completion::of(1)
        }),
    )
    .unwrap();
    let post = || api.submit("/v1/subscriptions", r#"{"name": "panic"}"#, 0.0);
    assert_eq!(api.made(&post(), 0.0), 1);
    catch_unwind(AssertUnwindSafe(post)).unwrap_err();
    assert_eq!(listed(&api.get("/v1/tasks", 0.0)).len(), 1);
}

#[test]
fn a_task_ends_as_its_script_says() {
    let api = api();
    let error = TaskError::new("DATABASE_NOT_ACTIVE", "The database is not active.")
        .with_status("409 CONFLICT")
        .with_additional_info("Wait.");
    api.on_if(CREATE, |body| body["name"] == "broken", Script::new(Pace::Immediate).failing(error))
        .unwrap();
    let task = api.submit("/v1/subscriptions", r#"{"name": "broken"}"#, 0.0);
    let body = value(&api.get(&task, 0.0));
    assert_eq!(body["status"], FAILED);
    let expected = serde_json::json!({
        "error": {
            "type": "DATABASE_NOT_ACTIVE",
            "status": "409 CONFLICT",
            "description": "The database is not active.",
        },
        "additionalInfo": "Wait.",
    });
    assert_eq!(body["response"], expected);
    assert_eq!(value(&api.get("/v1/subscriptions", 0.0))["subscriptions"], serde_json::json!([]));

    api.on(
        CREATE,
        Script::new(Pace::Immediate).completing(|body| {
            let completion = Completion::of(body["wanted"].as_i64().unwrap_or(3));
            completion.with_resource(&serde_json::json!({ "said": body["name"] })).unwrap()
        }),
    )
    .unwrap();
    let task = api.submit("/v1/subscriptions", r#"{"name": "n", "wanted": 51000}"#, 0.0);
    let body = value(&api.get(&task, 0.0));
    let expected = serde_json::json!({ "resourceId": 51000, "resource": { "said": "n" } });
    assert_eq!(body["response"], expected);
    assert_eq!(value(&api.get("/v1/subscriptions/51000", 0.0))["name"], "n");
}

#[test]
fn a_lane_of_one_runs_tasks_in_the_order_in_which_they_were_received() {
    let config = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let api = api().with_config(config);
    api.on(CREATE, Script::in_steps(after(1), after(10))).unwrap();
    let tasks = [0.0, 0.25, 0.5, 30.0]
        .map(|at| api.submit("/v1/subscriptions", &format!(r#"{{"name": "{at}"}}"#), at));
    // Each task started when the one before had ended, although they are only read at the end.
    let ended = tasks.each_ref().map(|task| document(&api.get(task, 100.0)).timestamp());
    assert_eq!(ended, [11.0, 21.0, 31.0, 41.0].map(|at| Some(second(at))));

    let api = super::api().with_config(config);
    api.on(CREATE, Script::in_steps(after(1), after(10))).unwrap();
    let tasks = [0.0, 0.25].map(|at| api.submit("/v1/subscriptions", "{}", at));
    assert_eq!(
        api.statuses(&tasks[1], [10.9, 11.0, 20.9, 21.0]),
        [RECEIVED, RUNNING, RUNNING, COMPLETED]
    );

    // A task that never ends keeps the lane until it expires.
    api.on(CREATE, Script::in_steps(Pace::Immediate, Pace::Never)).unwrap();
    let stuck = api.submit("/v1/subscriptions", "{}", 100.0);
    api.on(CREATE, Script::in_steps(after(1), after(10))).unwrap();
    let next = api.submit("/v1/subscriptions", "{}", 200.0);
    let days = TimeDelta::days(10).as_seconds_f64();
    assert_eq!(api.statuses(&next, [201.0, days + 99.0]), [RECEIVED, RECEIVED]);
    let seen = api.statuses(&next, [days + 100.0, days + 109.9, days + 110.0]);
    assert_eq!(seen, [RUNNING, RUNNING, COMPLETED]);
    assert_eq!(api.status(&stuck, days + 100.0), "404");

    // A read that would start a task while the lane is full is not lost.
    api.on(CREATE, Script::in_steps(Pace::Immediate, after(10))).unwrap();
    let at = days + 1_000.0;
    api.submit("/v1/subscriptions", "{}", at);
    api.on(CREATE, Script::new(Pace::Reads(2))).unwrap();
    let read = api.submit("/v1/subscriptions", "{}", at);
    assert_eq!(api.statuses(&read, [at, at + 9.0]), [RECEIVED, RECEIVED]);
    assert_eq!(api.statuses(&read, [at + 10.0, at + 10.0]), [COMPLETED, COMPLETED]);
}

#[test]
fn waiting_tasks_start_in_the_order_of_receipt_not_submission() {
    let api = api().with_config(StoreConfig::default().with_max_in_progress(NonZeroU32::MIN));
    api.on(CREATE, Script::in_steps(Pace::Immediate, after(10))).unwrap();
    api.submit("/v1/subscriptions", "{}", 0.0);
    api.on(CREATE, Script::in_steps(Pace::Immediate, after(10)).initialized(after(5))).unwrap();
    let late = api.submit("/v1/subscriptions", "{}", 1.0);
    api.on(CREATE, Script::in_steps(Pace::Immediate, after(10))).unwrap();
    let early = api.submit("/v1/subscriptions", "{}", 2.0);
    let ended = [early, late].map(|task| document(&api.get(&task, 100.0)).timestamp());
    assert_eq!(ended, [20.0, 30.0].map(|at| Some(second(at))));
}

#[test]
fn simultaneous_steps_happen_in_the_order_of_submission() {
    let api = api();
    api.on(CREATE, Script::new(after(10))).unwrap();
    let mut tasks: Vec<String> = (0..20)
        .map(|n| api.submit("/v1/subscriptions", &format!(r#"{{"name": {n}}}"#), 0.0))
        .collect();
    tasks.reverse();
    assert_eq!(listed(&api.get("/v1/tasks", 10.0)), tasks);
    let made: Vec<i64> = tasks.iter().map(|task| api.made(task, 10.0)).collect();
    assert!(made.iter().rev().copied().eq(77_899..77_919), "{made:?}");
}

#[test]
fn a_pace_round_trips_through_text() {
    let nanos = |nanos| Pace::After(Duration::from_nanos(nanos));
    for (pace, text) in [
        (Pace::Immediate, "immediate"),
        (Pace::Never, "never"),
        (Pace::Reads(0), "reads:0"),
        (Pace::Reads(u32::MAX), "reads:4294967295"),
        (nanos(0), "0"),
        (nanos(60_000_000_000), "60"),
        (nanos(1_500_000_000), "1.5"),
        (nanos(1), "0.000000001"),
        (nanos(1_020_000_000), "1.02"),
        (Pace::After(Duration::MAX), "18446744073709551615.999999999"),
    ] {
        assert_eq!(pace.to_string(), text);
        assert_eq!(text.parse(), Ok(pace));
        let json = serde_json::to_string(&pace).unwrap();
        assert_eq!(serde_json::from_str::<Pace>(&json).unwrap(), pace);
    }
    assert_eq!("007.500".parse(), Ok(nanos(7_500_000_000)));
    for text in [
        "",
        "at-once",
        "Immediate",
        "-1",
        "+1",
        "1.",
        ".5",
        "1.5.5",
        "1e3",
        "1s",
        " 1",
        "reads:",
        "reads:-1",
        "reads:+1",
        "reads:4294967296",
        "0.0000000001",
        "18446744073709551616",
        "1._5",
        "\u{661}",
    ] {
        let error = text.parse::<Pace>().unwrap_err().to_string();
        assert!(error.ends_with(&format!("got {text:?}")), "{error}");
    }
}

#[test]
fn a_task_in_the_lane_that_a_test_started_is_waited_for() {
    let config = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let api = api().with_config(config);
    api.on(CREATE, Script::new(Pace::Immediate)).unwrap();
    let (acme, id) = (acme(), TaskId::for_key(&acme(), "foreign"));
    let foreign = Submission::new(acme.clone(), id, CREATE);
    api.store().submit(foreign, second(0.0)).unwrap();
    let target = Target::latest(&acme, id);
    api.store().apply(target, TaskEvent::start(), second(0.0)).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 1.0);
    assert_eq!(api.status(&task, 5.0), RECEIVED);
    let end = TaskEvent::complete(Completion::default());
    api.store().apply(target, end, second(6.0)).unwrap();
    assert_eq!(api.status(&task, 7.0), COMPLETED);
}

#[test]
fn a_revealed_task_counts_as_changed_since() {
    for lag in [Pace::Reads(1), after(10)] {
        let api = api().with_visibility_lag(lag);
        let hidden = api.submit("/v1/subscriptions", r#"{"name": "hidden"}"#, 0.0);
        let submit =
            |name: usize| api.submit("/v1/subscriptions", &format!(r#"{{"n": {name}}}"#), 0.0);
        let seen: Vec<String> = (0..5).map(submit).collect();
        api.advance(second(0.0));
        if lag == Pace::Reads(1) {
            for task in &seen {
                api.statuses(task, [0.0, 0.0]);
            }
        }
        let list = api.store().list(&acme(), &ListQuery::default(), second(0.0)).unwrap();
        let latest = list.revision().get();
        let changed = |since: u64, limit: usize, at: f64| {
            let mut all = Vec::new();
            let mut path = format!("/v1/tasks?changedSince={since}&limit={limit}");
            loop {
                let page = api.get(&path, at);
                all.extend(listed(&page));
                let Some(next) = page.headers().get("link") else { return all };
                let next = next.to_str().unwrap().split_once("example.com").unwrap().1;
                path = next.split_once('>').unwrap().0.to_owned();
            }
        };
        if lag == Pace::Reads(1) {
            assert!(!changed(latest, 100, 10.0).contains(&hidden), "hidden still");
            assert_eq!(api.statuses(&hidden, [10.0, 10.0])[0], "404");
        }
        for limit in [1, 2, 100] {
            let found = changed(latest, limit, 10.0);
            assert!(found.contains(&hidden), "{lag}: {found:?}");
            assert_eq!(changed(0, limit, 10.0).len(), 6, "{lag}");
        }
        // A client that has seen later revisions does not get it again.
        let later = api.submit("/v1/subscriptions", "{}", 20.0);
        api.statuses(&later, [30.0, 30.0]);
        assert!(changed(latest, 100, 30.0).contains(&hidden), "{lag}");
        let list = api.store().list(&acme(), &ListQuery::default(), second(30.0)).unwrap();
        assert!(!changed(list.revision().get(), 100, 30.0).contains(&hidden), "{lag}");
    }
}

#[test]
fn a_new_task_is_hidden_for_the_lag() {
    let api = api().with_visibility_lag(Pace::Reads(2));
    let first = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(listed(&api.get("/v1/tasks", 0.0)), [] as [String; 0]);
    assert_eq!(api.call("HEAD", &first, "", 0.0).status(), 404);
    let unknown = api.get("/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e", 0.0);
    let hidden = api.get(&first, 0.0);
    let path = |body: &str| body.replace(first.rsplit_once('/').unwrap().1, "");
    let unknown = unknown.body().replace("36d4b04d-72d4-4404-8600-a223120a553e", "");
    assert_eq!(path(hidden.body()), unknown);
    assert_eq!(api.get("/v1/tasks", 0.0).body(), "{}");
    assert_eq!(api.statuses(&first, [0.0, 0.0]), ["404", COMPLETED]);
    assert_eq!(listed(&api.get("/v1/tasks", 0.0)), [first]);

    let api = super::api().with_visibility_lag(after(3));
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.statuses(&task, [2.999, 3.0]), ["404", COMPLETED]);
    let task = api.submit("/v1/subscriptions", "{}", 10.0);
    assert_eq!(listed(&api.get("/v1/tasks", 12.9)).len(), 1);
    assert!(listed(&api.get("/v1/tasks", 13.0)).contains(&task));

    // Reads that get a 404 do not move it.
    let api = super::api().with_visibility_lag(Pace::Reads(3));
    api.on(CREATE, Script::new(Pace::Reads(2))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.statuses(&task, [0.0; 5]), ["404", "404", "404", RUNNING, COMPLETED]);

    // A repeated submission gets the task even if it is hidden.
    let api = super::api().with_visibility_lag(Pace::Never);
    let keyed = || {
        let mut request = super::request("POST", "/v1/subscriptions", "{}");
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        let response = api.handle(&request, second(0.0));
        assert_eq!(response.status(), 202);
        document(&response).task_id().to_owned()
    };
    let id = keyed();
    assert_eq!(keyed(), id);
    assert_eq!(api.status(&format!("/v1/tasks/{id}"), 1e6), "404");
}

#[test]
fn a_clock_that_goes_back_undoes_nothing() {
    let api = api();
    api.on(CREATE, Script::new(after(10))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 100.0);
    assert_eq!(api.statuses(&task, [110.0, 0.0, 104.0]), [COMPLETED; 3]);
    let early = api.submit("/v1/subscriptions", "{}", 50.0);
    assert_eq!(api.statuses(&early, [49.0, 59.9, 60.0]), [RECEIVED, RUNNING, COMPLETED]);
    for now in [tasklife::MIN_TIME, tasklife::MAX_TIME] {
        let request = super::request("POST", "/v1/subscriptions", "{}");
        assert!([202, 503].contains(&api.handle(&request, now).status().as_u16()));
        api.advance(now);
    }
    let api = super::api();
    api.on(
        CREATE,
        Script::in_steps(Pace::Immediate, Pace::After(Duration::MAX)).initialized(after(u64::MAX)),
    )
    .unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.status(&task, 1e5), "initialized");
}

trait Subscribed: Client {
    /// The path of an active subscription.
    fn with_subscription(&self, seconds: f64) -> String {
        let task = self.submit("/v1/subscriptions", r#"{"name": "old"}"#, seconds);
        format!("/v1/subscriptions/{}", self.made(&task, seconds + 50.0))
    }
}

impl<C: Client> Subscribed for C {}
