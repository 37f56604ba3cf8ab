//! Scripts: progress reports, faults, and tasks that disappear after their end.

use std::time::Duration;

use http::Response;
use tasklife::{MAX_TIME, Progress, ProgressError, TaskStatus, TaskStore};
use tasklife_mock::{Fault, FaultKind, Pace, Script, TransportFault};

use super::{CREATE, Client, DATABASE, acme, api, document, error, listed, request, second, value};

fn after(seconds: u64) -> Pace {
    Pace::After(Duration::from_secs(seconds))
}

fn transport_fault(response: &Response<String>) -> Option<(u64, bool)> {
    let found: Option<&TransportFault> = response.extensions().get();
    found.map(|it| (it.delay.as_secs(), it.is_cut_short))
}

#[test]
fn progress_is_reported_in_equal_parts_of_the_time() {
    let api = api();
    api.on(CREATE, Script::in_steps(after(10), after(30)).reporting([10, 50, 90])).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let seen = [9.9, 10.0, 19.9, 20.0, 29.9, 30.0, 39.9, 40.0].map(|at| {
        let task = document(&api.get(&task, at));
        (task.progress().map(Progress::percent), task.timestamp().unwrap())
    });
    let expected = [
        (None, second(0.0)),
        (Some(10), second(10.0)),
        (Some(10), second(10.0)),
        (Some(50), second(20.0)),
        (Some(50), second(20.0)),
        (Some(90), second(30.0)),
        (Some(90), second(30.0)),
    ];
    assert_eq!(seen[..7], expected);
    assert_eq!(seen[7].1, second(40.0));
    assert_eq!(api.status(&task, 40.0), "processing-completed");
}

/// The reads are divided equally among the reports. If there are too many of either, none is lost.
#[test]
fn progress_is_reported_with_reads() {
    for (reads, reports, expected) in [
        (3, &[10, 50, 90][..], &[10, 50, 90][..]),
        (6, &[10, 50, 90], &[10, 10, 50, 50, 90, 90]),
        (4, &[10, 90], &[10, 10, 90, 90]),
        (1, &[10, 50, 90], &[90]),
        (2, &[1, 2, 3, 4], &[2, 4]),
        (5, &[40], &[40, 40, 40, 40, 40]),
        (3, &[70, 20, 80], &[70, 70, 80]),
    ] {
        let api = api();
        let script = Script::in_steps(Pace::Reads(1), Pace::Reads(reads));
        api.on(CREATE, script.reporting(reports.iter().copied())).unwrap();
        let task = api.submit("/v1/subscriptions", "{}", 0.0);
        for (at, percent) in expected.iter().enumerate() {
            let shown = document(&api.get(&task, 0.0));
            let percent = Some(*percent);
            let shown = shown.progress().map(Progress::percent);
            assert_eq!(shown, percent, "read {at} of {reads}, {reports:?}");
        }
        assert_eq!(api.status(&task, 0.0), "processing-completed", "{reads}, {reports:?}");
    }
}

#[test]
fn a_task_that_never_ends_reports_once_and_an_immediate_one_reports_all() {
    let api = api();
    api.on(CREATE, Script::in_steps(Pace::Immediate, Pace::Never).reporting([40, 80])).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    for at in [0.0, 800_000.0] {
        let shown = document(&api.get(&task, at));
        assert_eq!(shown.progress().map(Progress::percent), Some(40));
    }
    api.on(CREATE, Script::new(Pace::Immediate).reporting([40, 80])).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let id = task.rsplit_once('/').unwrap().1.parse().unwrap();
    assert_eq!(api.status(&task, 0.0), "processing-completed");
    let task = api.store().get(&acme(), id, second(0.0)).unwrap().unwrap();
    assert_eq!(task.progress(), Progress::try_from(80).ok());
}

#[test]
fn a_read_with_a_faulty_status_has_no_effect() {
    let api = api();
    let busy = Fault::status(429).with_retry_after(Duration::from_millis(4_001)).on_read(2);
    let script = Script::new(Pace::Reads(3)).with_fault(busy);
    api.on(CREATE, script.with_fault(Fault::status(500).on_reads(3..=4))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let answers = [(); 6].map(|()| api.get(&task, 0.0));
    let seen = answers.each_ref().map(|answer| match answer.status().as_u16() {
        200 => document(answer).status().to_string(),
        other => other.to_string(),
    });
    let (received, running) = ("received", "processing-in-progress");
    assert_eq!(seen, [received, "429", "500", "500", running, "processing-completed"]);
    assert_eq!(answers[1].headers()["retry-after"], "5");
    assert!(error(&answers[1]).1.contains("script"));
    assert!(!answers[2].headers().contains_key("retry-after"));
    // A HEAD, a list, and a read of another task are not reads of this task.
    let other = api.submit("/v1/subscriptions", "{}", 0.0);
    api.get(&other, 0.0);
    api.get("/v1/tasks", 0.0);
    assert_eq!(api.call("HEAD", &other, "", 0.0).status(), 200);
    assert_eq!(api.status(&other, 0.0), "429");
    let faults: Vec<_> =
        api.journal().into_iter().map(|x| (x.faults, x.task_status.is_some())).collect();
    assert_eq!(faults[2], (vec![FaultKind::Status], false));
    assert_eq!(faults[1], (vec![], true));
}

#[test]
fn reads_count_from_when_the_task_can_be_read() {
    let api = api().with_visibility_lag(Pace::Reads(2));
    api.on(CREATE, Script::new(Pace::Never).with_fault(Fault::status(503).on_read(1))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.statuses(&task, [0.0; 4]), ["404", "404", "503", "received"]);
}

#[test]
fn a_spoiled_body_does_not_keep_the_task_from_moving() {
    let api = api();
    let script = Script::new(Pace::Reads(3)).with_fault(Fault::cut_short().on_read(1));
    let script = script.with_fault(Fault::not_json().on_reads([2]));
    api.on(CREATE, script).unwrap();
    let task = api.submit("/v1/subscriptions", r#"{"name": "€"}"#, 0.0);
    let cut = api.get(&task, 0.0);
    assert_eq!((cut.status().as_u16(), transport_fault(&cut)), (200, Some((0, true))));
    assert!(
        cut.body().len() > 20 && serde_json::from_str::<serde_json::Value>(cut.body()).is_err()
    );
    let page = api.get(&task, 0.0);
    assert_eq!((page.status().as_u16(), transport_fault(&page)), (200, None));
    assert_eq!(page.headers()["content-type"], "text/html");
    assert!(page.body().starts_with("<html>"));
    assert_eq!(api.status(&task, 0.0), "processing-completed");
    for exchange in &api.journal()[1..3] {
        let line = serde_json::to_string(exchange).unwrap();
        assert_eq!(serde_json::from_str::<tasklife_mock::Exchange>(&line).unwrap(), *exchange);
        assert!(line.contains("textBody") && exchange.task_status.is_none(), "{line}");
    }
}

#[test]
fn faults_on_one_answer_add_up() {
    let api = api();
    let script = Script::new(Pace::Never)
        .with_fault(Fault::not_json().on_read(1))
        .with_fault(Fault::delay(Duration::from_secs(2)))
        .with_fault(Fault::status(502).on_read(1))
        .with_fault(Fault::delay(Duration::from_secs(3)).on_read(1));
    api.on(CREATE, script).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let first = api.get(&task, 0.0);
    // The page of a gateway that is down.
    assert_eq!((first.status().as_u16(), transport_fault(&first)), (502, Some((5, false))));
    assert!(first.body().starts_with("<html>"));
    let second = api.get(&task, 0.0);
    assert_eq!((second.status().as_u16(), transport_fault(&second)), (200, Some((2, false))));
    let faults: Vec<_> = api.journal().into_iter().map(|x| x.faults).collect();
    assert_eq!(faults[1], [FaultKind::Status, FaultKind::NotJson, FaultKind::Delay]);
    assert_eq!(faults[2], [FaultKind::Delay]);
    // An empty body cannot be cut.
    api.on(CREATE, Script::new(Pace::Never).with_fault(Fault::cut_short())).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let seen = api.call("HEAD", &task, "", 0.0).headers()["etag"].to_str().unwrap().to_owned();
    let mut again = request("GET", &task, "");
    again.headers_mut().insert("if-none-match", seen.parse().unwrap());
    let unchanged = api.handle(&again, super::second(0.0));
    assert_eq!((unchanged.status().as_u16(), transport_fault(&unchanged)), (304, None));
    let told = api.journal().pop().unwrap();
    assert_eq!((told.faults, told.task_status), (vec![], Some(TaskStatus::Received)));
}

#[test]
fn the_first_fault_of_a_kind_counts_and_a_status_sets_the_wait() {
    let api = api();
    let wait = |fault: Fault, seconds| fault.with_retry_after(Duration::from_secs(seconds));
    let script = Script::new(Pace::Never)
        .with_fault(wait(Fault::delay(Duration::ZERO), 9).on_read(1))
        .with_fault(Fault::not_json())
        .with_fault(wait(Fault::cut_short(), 8))
        .with_fault(wait(Fault::status(503), 7).on_read(1))
        .with_fault(wait(Fault::status(500), 6).on_read(1));
    api.on(CREATE, script).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let [one, two] = [(); 2].map(|()| api.get(&task, 0.0));
    assert_eq!((one.status().as_u16(), one.headers()["retry-after"].to_str().unwrap()), (503, "7"));
    assert!(
        two.status() == 200 && two.body().starts_with("<html>") && transport_fault(&two).is_none()
    );
}

#[test]
fn a_faulty_submission_is_refused_or_its_answer_is_lost() {
    let api = api();
    let script = Script::new(Pace::Immediate).with_fault(Fault::status(503).on_submission(1));
    api.on(CREATE, script.with_fault(Fault::cut_short().on_submission(2))).unwrap();
    let submit = |key: &str| {
        let mut request = request("POST", "/v1/subscriptions", "{}");
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        api.handle(&request, second(0.0))
    };
    assert_eq!(submit("one").status(), 503);
    assert_eq!(listed(&api.get("/v1/tasks", 0.0)).len(), 0);
    let lost = submit("one");
    assert_eq!((lost.status().as_u16(), transport_fault(&lost)), (202, Some((0, true))));
    let again = submit("one");
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(listed(&api.get("/v1/tasks", 0.0)).len(), 1);
    // A script that is set again counts from 1.
    api.on(CREATE, Script::new(Pace::Immediate).with_fault(Fault::status(503).on_submission(1)))
        .unwrap();
    assert_eq!(submit("two").status(), 503);
    assert_eq!(submit("two").status(), 202);
}

#[test]
fn submissions_are_counted_by_account_and_a_reset_restarts_its_count() {
    let api = api().with_account("other", "secret", "umbrella".parse().unwrap());
    let script = Script::new(Pace::Immediate).with_fault(Fault::status(503).on_submission(2));
    api.on(CREATE, script).unwrap();
    let submit = |key: &'static str| {
        let mut request = request("POST", "/v1/subscriptions", "{}");
        request.headers_mut().insert("x-api-key", http::HeaderValue::from_static(key));
        api.handle(&request, second(0.0)).status().as_u16()
    };
    assert_eq!([submit("key"), submit("other"), submit("key")], [202, 202, 503]);
    api.reset(tasklife::Scope::Account(&acme()));
    assert_eq!([submit("key"), submit("other"), submit("key")], [202, 503, 503]);
    api.reset(tasklife::Scope::Any);
    assert_eq!([submit("key"), submit("other"), submit("other")], [202, 202, 503]);
}

/// A new task under the same id does not inherit the script of the first.
#[test]
fn a_task_created_again_does_not_disappear_with_the_first() {
    const DAY: f64 = 86_400.0;
    let api = api();
    let submit = |at: f64| {
        let mut request = request("POST", "/v1/subscriptions", "{}");
        request.headers_mut().insert("idempotency-key", "one".parse().unwrap());
        api.handle(&request, second(at));
        api.journal().pop().unwrap().task_id.unwrap()
    };
    let status = |id, at| api.status(&format!("/v1/tasks/{id}"), at);
    api.on(CREATE, Script::new(Pace::Immediate).gone_after(after(20 * 86_400))).unwrap();
    let first = submit(0.0);
    assert_eq!(status(first, 0.0), "processing-completed");
    // The first one expired before it disappeared.
    api.on(CREATE, Script::new(Pace::Never)).unwrap();
    assert_eq!(submit(11.0 * DAY), first);
    assert_eq!(status(first, 20.5 * DAY), "received");
    // Or it was removed in the store.
    api.on(CREATE, Script::new(Pace::Immediate).gone_after(after(60))).unwrap();
    api.store().remove(&acme(), first);
    submit(20.6 * DAY);
    assert_eq!(status(first, 20.6 * DAY), "processing-completed");
    api.store().remove(&acme(), first);
    api.on(CREATE, Script::new(Pace::Never)).unwrap();
    submit(20.6 * DAY + 30.0);
    assert_eq!(status(first, 20.6 * DAY + 3_600.0), "received");
    // A task that was submitted in the store in its place has no script.
    api.on(CREATE, Script::new(after(100))).unwrap();
    let third = api.submit("/v1/subscriptions", r#"{"n": 3}"#, 21.0 * DAY);
    let third = third.rsplit_once('/').unwrap().1.parse().unwrap();
    api.store().remove(&acme(), third);
    let by_hand = tasklife::Submission::new(acme(), third, CREATE);
    api.store().submit(by_hand, second(21.0 * DAY + 1.0)).unwrap();
    assert_eq!(status(third, 21.0 * DAY + 5_000.0), "received");
}

#[test]
fn disappeared_tasks_make_room_for_other_accounts() {
    let config = tasklife::StoreConfig::default().with_max_tasks(1);
    let api = api().with_config(config);
    let api = api.with_account("other", "secret", "umbrella".parse().unwrap());
    api.on_any(Script::new(Pace::Immediate).gone_after(after(5))).unwrap();
    api.submit("/v1/subscriptions", "{}", 0.0);
    let submit = |at| {
        let mut request = request("POST", "/v1/subscriptions", "{}");
        request.headers_mut().insert("x-api-key", "other".parse().unwrap());
        api.handle(&request, second(at)).status().as_u16()
    };
    assert_eq!([submit(4.0), submit(5.0)], [503, 202]);
}

#[test]
fn ids_of_disappeared_tasks_are_not_reused() {
    let api = api();
    api.on_any(Script::new(Pace::Immediate).gone_after(Pace::Immediate)).unwrap();
    let first = api.submit("/v1/subscriptions", "{}", 0.0);
    for number in 0..1_100 {
        api.submit("/v1/subscriptions", &format!(r#"{{"n": {number}}}"#), 1.0);
    }
    assert_ne!(api.submit("/v1/subscriptions", "{}", 2.0), first);
}

#[test]
fn a_share_of_reads_is_accurate_and_reproducible() {
    let spoiled = |seed, share| {
        let api = api();
        let fault = Fault::status(500).on_share_of_reads(share, seed);
        api.on(CREATE, Script::new(Pace::Never).with_fault(fault)).unwrap();
        let task = api.submit("/v1/subscriptions", "{}", 0.0);
        (0..1_000).map(|_| api.get(&task, 0.0).status() == 500).collect::<Vec<bool>>()
    };
    let one = spoiled(1, 0.25);
    let count = |all: &[bool]| all.iter().filter(|it| **it).count();
    assert!((200..300).contains(&count(&one)), "{}", count(&one));
    assert_eq!(spoiled(1, 0.25), one);
    assert_ne!(spoiled(2, 0.25), one);
    assert_eq!((count(&spoiled(1, 0.0)), count(&spoiled(1, 1.0))), (0, 1_000));
}

#[test]
fn a_task_disappears_some_time_after_its_end() {
    let api = api();
    api.on(CREATE, Script::new(after(10)).gone_after(after(5))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(
        api.statuses(&task, [10.0, 14.9, 15.0]),
        ["processing-completed", "processing-completed", "404"]
    );
    assert_eq!(listed(&api.get("/v1/tasks", 15.0)).len(), 0);
    let subscriptions = value(&api.get("/v1/subscriptions", 20.0));
    assert_eq!(
        subscriptions["subscriptions"].as_array().unwrap().len(),
        1,
        "what it has made stays"
    );
    // Also without a read in the meantime.
    let unseen = api.submit("/v1/subscriptions", "{}", 100.0);
    assert_eq!(api.status(&unseen, 115.0), "404");
}

#[test]
fn an_end_is_shown_a_limited_number_of_times() {
    for (pace, times) in
        [(Pace::Reads(1), 1), (Pace::Reads(3), 3), (Pace::Immediate, 0), (Pace::Reads(0), 0)]
    {
        for moving in [Pace::Reads(2), Pace::Immediate] {
            let api = api();
            api.on(CREATE, Script::new(moving).gone_after(pace)).unwrap();
            let task = api.submit("/v1/subscriptions", "{}", 0.0);
            let seen: Vec<_> = (0..10).map(|_| api.status(&task, 0.0)).collect();
            let shown = seen.iter().filter(|status| *status == "processing-completed").count();
            assert_eq!(shown, times, "{pace:?} {moving:?} {seen:?}");
            assert_eq!(seen[9], "404");
            let journal = api.journal();
            assert_eq!(journal[9].status, 404);
        }
    }
}

#[test]
fn the_key_of_a_disappeared_task_can_be_used_again() {
    let api = api();
    api.on(CREATE, Script::new(Pace::Immediate).gone_after(Pace::Immediate)).unwrap();
    let submit = || {
        let mut request = request("POST", "/v1/subscriptions", "{}");
        request.headers_mut().insert("idempotency-key", "one".parse().unwrap());
        api.handle(&request, second(0.0))
    };
    let [first, second] = [submit(), submit()];
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (202, 202));
    assert!(!second.headers().contains_key("idempotent-replayed"));
}

#[test]
fn scripts_of_one_account_do_not_apply_to_others() {
    let umbrella = "umbrella".parse().unwrap();
    let api = api().with_account("other", "secret", umbrella);
    api.on_any(Script::new(Pace::Never)).unwrap();
    api.on_any(Script::new(Pace::Immediate).for_account(acme())).unwrap();
    let other = || {
        let mut request = request("POST", "/v1/subscriptions", "{}");
        request.headers_mut().insert("x-api-key", "other".parse().unwrap());
        api.handle(&request, second(0.0));
        let task = api.journal().pop().unwrap().task_id.unwrap();
        api.advance(second(0.0));
        let task = api.store().get(&"umbrella".parse().unwrap(), task, second(0.0));
        task.unwrap().unwrap().status().to_string()
    };
    assert_eq!(other(), "received");
    let own = || api.status(&api.submit("/v1/subscriptions", "{}", 0.0), 0.0);
    assert_eq!(own(), "processing-completed");
    // Scripts for the account come first, then those for the command type.
    api.on(CREATE, Script::new(Pace::Never)).unwrap();
    assert_eq!((own().as_str(), other().as_str()), ("processing-completed", "received"));
    api.on(CREATE, Script::new(Pace::Never).for_account(acme())).unwrap();
    assert_eq!(own(), "received");
    api.on(CREATE, Script::new(Pace::Immediate).for_account(acme())).unwrap();
    assert_eq!((own().as_str(), other().as_str()), ("processing-completed", "received"));
    api.on(CREATE, Script::new(Pace::Immediate)).unwrap();
    assert_eq!(other(), "processing-completed");
    api.on_any(Script::new(Pace::Never)).unwrap();
    assert_eq!(other(), "processing-completed");
    api.on(CREATE, Script::new(Pace::Never)).unwrap();
    api.clear_scripts(tasklife::Scope::Account(&acme()));
    assert_eq!(own(), "received");
    api.clear_scripts(tasklife::Scope::Any);
    assert_eq!(own(), "processing-completed");
}

#[test]
fn an_invalid_script_is_refused_and_changes_nothing() {
    let api = api();
    let never = Script::new(Pace::Never);
    let expected = "0 to 100";
    assert!(
        Progress::try_from(101)
            .is_err_and(|fault: ProgressError| fault.to_string().contains(expected))
    );
    for (script, message) in [
        (
            never.clone().reporting([1, 101]),
            "expected a report of 0 to 100 percent in a script, got 101",
        ),
        (
            never.clone().with_fault(Fault::status(200)),
            "expected a status of 400 to 599 in faults[0] of a script, got 200",
        ),
        (
            never.clone().with_fault(Fault::cut_short().on_share_of_reads(1.5, 1)),
            "expected a share of 0 to 1 in faults[0] of a script, got 1.5",
        ),
        (
            never
                .clone()
                .with_fault(Fault::not_json())
                .with_fault(Fault::cut_short().on_share_of_reads(f64::NAN, 1)),
            "expected a share of 0 to 1 in faults[1] of a script, got NaN",
        ),
        (
            never.with_fault(Fault::cut_short().on_submission(0)),
            "expected numbers of reads or submissions from 1 on in faults[0] of a script, got 0",
        ),
        (
            Script::new(Pace::Never).reporting(std::iter::repeat(5)),
            "expected at most 101 reports in a script, got more",
        ),
    ] {
        assert_eq!(api.on_any(script.clone()).unwrap_err().to_string(), message);
        assert_eq!(api.on(DATABASE, script.clone()).unwrap_err().to_string(), message);
        assert_eq!(api.on_if(CREATE, |_| true, script).unwrap_err().to_string(), message);
    }
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.status(&task, 0.0), "processing-completed");
}

#[test]
fn extreme_values_are_accepted() {
    let api = api();
    let script = Script::in_steps(Pace::After(Duration::MAX), Pace::Reads(u32::MAX))
        .reporting([1; 101])
        .gone_after(Pace::After(Duration::MAX))
        .with_fault(Fault::delay(Duration::MAX).with_retry_after(Duration::MAX))
        .with_fault(Fault::delay(Duration::MAX).on_reads(1..));
    api.on(CREATE, script).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let read = api.get(&task, 0.0);
    assert_eq!(transport_fault(&read).unwrap().0, u64::MAX);
    let stuck = Script::in_steps(Pace::Immediate, Pace::After(Duration::MAX)).reporting([1; 101]);
    api.on(CREATE, stuck).unwrap();
    api.submit("/v1/subscriptions", "{}", 0.0);
    api.handle(&request("GET", &task, ""), MAX_TIME);
}
