//! Bugs that users reported in other pollers, each tried on this one.
//!
//! | report | test |
//! |---|---|
//! | Azure/azure-sdk-for-java #22884: polls forever, since it does not distinguish a failed read from a failed operation | [`a_failed_read_and_a_failed_operation_are_different_errors`] |
//! | azure-sdk-for-java #11809: `Retry-After` is read only from the first reply | [`each_answer_sets_the_wait_and_so_does_the_accepting_one`] |
//! | azure-sdk-for-net #44147: `Retry-After` is not read at all | the same |
//! | autorest.csharp #1674: `Retry-After` is ignored before the first poll | the same |
//! | go-azure-sdk #913: a 404 right after the start aborts polling; Redis Cloud's Go client tolerates five | [`a_404_right_after_the_start_is_not_the_end`] |
//! | azure-sdk-for-net #3396: a 200 whose body says "failed" counts as success | [`a_200_that_says_failed_is_a_failure_in_every_format`] |
//! | autorest #98: cancelled and failed are not distinguished | [`cancelled_and_failed_are_different_errors`] |
//! | autorest.powershell #875: after a failed poll, the 404 of an extra read hides the real error | [`no_read_after_the_end_hides_its_error`] |
//! | autorest-clientruntime-for-java #669: a poller can't be resumed after a dropped connection | [`polling_continues_in_another_process_after_dropped_connections`] |
//! | KUMA-DefuzeX #89: the first reply fixes the interval, so there are 70 polls in 77 seconds | [`long_work_is_polled_less_and_less_often`] |
//! | MCPJam/inspector #3518: the shortest interval of several tasks applies to all | [`each_task_is_polled_at_its_own_pace`] |
//! | the same: a user's setting overrides the server's longer wait | [`the_least_wait_never_shortens_the_wait_of_the_server`] |
//! | terraform-provider-rediscloud #77: an error asks for the task's id but doesn't show it | [`every_error_shows_the_id`] |
//! | terraform-provider-rediscloud #124: the time that tasks wait for each other counts against each one's deadline | [`time_in_the_queue_does_not_count_against_the_processing_limit`] |
//! | redisctl #929: an error that is an object, where the client expects a string, becomes a "connection error" | [`an_error_is_read_as_a_code_and_as_an_object`] |
//! | hand-written mocks with statuses that the API never sends | [`an_unknown_status_is_still_running`] |
//! | the live API: 400 requests a minute; its Go client waits for the next window, and repeats a request up to ten times after a 429 | [`a_known_rate_limit_is_kept_and_an_unknown_one_is_waited_for`] |

use std::num::NonZeroU32;
use std::time::Duration;

use http::Response;
use tasklife::format::AzureOperation;
use tasklife::poll::{Backoff, PollError, Poller, ReadFailure, RequestLimit, Step};
use tasklife::{ErrorForm, ReportedError, StoreConfig, TaskError, TaskStatus};
use tasklife_mock::{Conduct, Fault, Pace, Script};

use super::{BASE, follow, formats, send, speaking, submit};
use crate::api::{CREATE, api, second};

const ID: &str = "36d4b04d-72d4-4404-8600-a223120a553e";

fn poller() -> Poller {
    Poller::new(BASE).unwrap()
}

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn error() -> TaskError {
    TaskError::new("NO_PLACE", "There is no place for it.")
}

#[test]
fn a_failed_read_and_a_failed_operation_are_different_errors() {
    let api = api();
    let failing = Script::new(Pace::Reads(2)).failing(error());
    api.on(CREATE, Script::new(Pace::Immediate).with_fault(Fault::status(500))).unwrap();
    api.on_if(CREATE, |body| body["name"] == "fails", failing).unwrap();
    let mut now = second(0.0);
    let mut unread = poller().started_by(&without_body(submit(&api, "{}", now)), now).unwrap();
    let end = follow(&api, &mut unread, &mut now).unwrap_err();
    let PollError::ReadFailed(unread) = end else { panic!("expected a failed read: {end:?}") };
    assert_eq!(unread.failure().and_then(ReadFailure::status).unwrap(), 500);

    let accepted = submit(&api, r#"{"name": "fails"}"#, now);
    let mut failed = poller().started_by(&accepted, now).unwrap();
    let end = follow(&api, &mut failed, &mut now).unwrap_err();
    let PollError::Failed(failed) = end else { panic!("expected a failed operation: {end:?}") };
    assert_eq!(failed.error().and_then(ReportedError::code), Some("NO_PLACE"));
}

/// The accepting answer with only its address, so that the client has to read the task.
fn without_body(accepted: Response<String>) -> Response<String> {
    accepted.map(|_| String::new())
}

#[test]
fn each_answer_sets_the_wait_and_so_does_the_accepting_one() {
    let api = api().with_replies(|replies| replies.with_retry_after(seconds(7)..=seconds(90)));
    let busy = Fault::status(503).with_retry_after(seconds(40)).on_read(2);
    api.on(CREATE, Script::new(Pace::After(seconds(300))).with_fault(busy)).unwrap();
    let mut now = second(0.0);
    let mut task = poller().started_by(&submit(&api, "{}", now), now).unwrap();
    assert!(follow(&api, &mut task, &mut now).is_ok());
    let journal = api.journal();
    let at: Vec<i64> =
        journal.iter().map(|exchange| (exchange.at - second(0.0)).num_seconds()).collect();
    // 7 s before the first read. Then the server asks for half the age of the task, from 7 to 90 s.
    // After the 503 it is 40 s.
    assert_eq!(at, [0, 7, 14, 54, 81, 121, 181, 271, 361]);
    assert_eq!(Conduct::of(&journal).too_early, []);
}

#[test]
fn a_404_right_after_the_start_is_not_the_end() {
    for lag in [Pace::Reads(1), Pace::Reads(5), Pace::After(seconds(29))] {
        for format in 0..formats().len() {
            let (api, poller) = speaking(api().with_visibility_lag(lag), format);
            let mut now = second(0.0);
            let mut task = poller.started_by(&without_end(submit(&api, "{}", now)), now).unwrap();
            let end = follow(&api, &mut task, &mut now);
            assert!(end.is_ok(), "{lag} {format}: {end:?}");
            assert!(api.journal().iter().any(|exchange| exchange.status == 404));
        }
    }
    let api = api().with_visibility_lag(Pace::Never);
    let mut now = second(0.0);
    let mut task = poller().started_by(&without_body(submit(&api, "{}", now)), now).unwrap();
    let end = follow(&api, &mut task, &mut now);
    assert!(
        matches!(end, Err(PollError::Gone(_))),
        "expected the end after the window, got {end:?}"
    );
}

/// The accepting answer without the end of the task. Google's has its address only in the body, so the
/// body stays and says that the task is still running.
fn without_end(accepted: Response<String>) -> Response<String> {
    let is_google = accepted.status() == 200;
    accepted.map(|body| {
        if is_google { body.replace(r#""done":true"#, r#""done":false"#) } else { String::new() }
    })
}

#[test]
fn a_200_that_says_failed_is_a_failure_in_every_format() {
    for format in 0..formats().len() {
        let (api, poller) = speaking(api(), format);
        api.on(CREATE, Script::new(Pace::Reads(3)).failing(error())).unwrap();
        let mut now = second(0.0);
        let mut task = poller.started_by(&submit(&api, "{}", now), now).unwrap();
        let end = follow(&api, &mut task, &mut now).unwrap_err();
        let PollError::Failed(failed) = end else { panic!("expected a failure: {end:?}") };
        assert_eq!(failed.error().and_then(ReportedError::code), Some("NO_PLACE"));
        assert_eq!(api.journal().last().unwrap().status, 200);
        assert_eq!(failed.document().status().known(), Some(TaskStatus::ProcessingError));
    }
}

#[test]
fn cancelled_and_failed_are_different_errors() {
    for (status, is_cancelled) in [("Canceled", true), ("Failed", false)] {
        let now = second(0.0);
        let address = format!("{BASE}/operations/{ID}");
        let mut task = poller().with_format(AzureOperation).following(&address, now).unwrap();
        assert!(matches!(task.next(now), Step::Send(_)));
        task.answered(&Response::new(format!(r#"{{"id": "{ID}", "status": "{status}"}}"#)), now);
        let Step::Done(Err(error)) = task.next(now) else { panic!("expected an end") };
        assert_eq!(matches!(error, PollError::Cancelled(_)), is_cancelled);
        assert_eq!(matches!(error, PollError::Failed(_)), !is_cancelled);
    }
}

#[test]
fn no_read_after_the_end_hides_its_error() {
    let api = api();
    let script = Script::new(Pace::Reads(2)).failing(error()).gone_after(Pace::Reads(1));
    api.on(CREATE, script).unwrap();
    let mut now = second(0.0);
    let mut task = poller().started_by(&submit(&api, "{}", now), now).unwrap();
    let end = follow(&api, &mut task, &mut now);
    assert!(
        matches!(&end, Err(PollError::Failed(failed)) if failed.error() == Some(&ReportedError::Object {
            code: Some("NO_PLACE".into()),
            status: Some(error().status().into()),
            description: Some("There is no place for it.".into()),
        })),
        "{end:?}"
    );
    assert!(Conduct::of(&api.journal()).polls.values().all(|polls| polls.after_end == 0));
    assert_eq!(follow(&api, &mut task, &mut now), end, "expected the same outcome again");
}

#[test]
fn polling_continues_in_another_process_after_dropped_connections() {
    for format in 0..formats().len() {
        let (api, poller) = speaking(api(), format);
        api.on(CREATE, Script::new(Pace::After(seconds(100)))).unwrap();
        let mut now = second(0.0);
        let mut task = poller.started_by(&submit(&api, "{}", now), now).unwrap();
        let mut until = now;
        for is_dropped in [false, true, true] {
            while let Step::Wait(later) = task.next(now) {
                (now, until) = (later, later);
            }
            if is_dropped {
                task.unanswered(now);
            }
        }
        // The only thing that the process stored.
        let address = task.task().address().unwrap().to_string();
        drop(task);
        let mut resumed = poller.following(&address, now).unwrap();
        resumed.wait_until(until, now);
        let end = follow(&api, &mut resumed, &mut now).unwrap();
        assert!(address.ends_with(end.task().id().unwrap()));
    }
}

#[test]
fn long_work_is_polled_less_and_less_often() {
    let api = api().with_replies(|replies| replies.with_retry_after(seconds(1)..=seconds(1)));
    api.on(CREATE, Script::new(Pace::After(seconds(77)))).unwrap();
    let mut now = second(0.0);
    let mut task = poller().started_by(&submit(&api, "{}", now), now).unwrap();
    assert!(follow(&api, &mut task, &mut now).is_ok());
    let polls = Conduct::of(&api.journal()).polls.into_values().next().unwrap();
    assert_eq!(polls.total, 7, "expected polls after 1, 3, 7, 15, 31, 61 and 91 s");
}

#[test]
fn each_task_is_polled_at_its_own_pace() {
    let api = api().with_replies(|replies| replies.with_retry_after(seconds(1)..=seconds(1)));
    let slow = Fault::status(503).with_retry_after(seconds(50));
    api.on(CREATE, Script::new(Pace::Never)).unwrap();
    api.on_if(CREATE, |body| body["name"] == "slow", Script::new(Pace::Never).with_fault(slow))
        .unwrap();
    let every_second = poller().with_backoff(Backoff::new(seconds(1), seconds(1)));
    let (mut now, mut counts) = (second(0.0), [0, 0]);
    let mut tasks = ["fast", "slow"].map(|name| {
        let accepted = submit(&api, &format!(r#"{{"name": "{name}"}}"#), now);
        every_second.started_by(&accepted, now).unwrap()
    });
    while now < second(101.5) {
        for (task, count) in tasks.iter_mut().zip(&mut counts) {
            if let Step::Send(request) = task.next(now) {
                *count += 1;
                task.answered(&send(&api, request, now), now);
            }
        }
        now += seconds(1);
    }
    assert_eq!(counts, [101, 3], "expected one each second, and the other after 1, 51 and 101 s");
}

#[test]
fn the_least_wait_never_shortens_the_wait_of_the_server() {
    let api = api().with_replies(|replies| replies.with_retry_after(seconds(20)..=seconds(20)));
    api.on(CREATE, Script::new(Pace::Never)).unwrap();
    let quick = poller().with_backoff(Backoff::new(Duration::ZERO, Duration::ZERO));
    for (least, expected) in [(0, 20), (5, 20), (45, 45)] {
        let (poller, now) = (quick.clone().with_least_wait(seconds(least)), second(0.0));
        let mut task = poller.started_by(&submit(&api, "{}", now), now).unwrap();
        let until = now + seconds(expected);
        assert!(matches!(task.next(now), Step::Wait(at) if at == until), "{least}");
    }
}

#[test]
fn every_error_shows_the_id() {
    for (script, is_expected) in [
        (
            Script::new(Pace::Reads(1)).failing(error()),
            (|error| matches!(error, PollError::Failed(_))) as fn(&PollError) -> bool,
        ),
        (Script::new(Pace::Never), |error| matches!(error, PollError::TimedOut(_))),
        (Script::new(Pace::Never).with_fault(Fault::status(410)), |error| {
            matches!(error, PollError::Gone(_))
        }),
        (Script::new(Pace::Never).with_fault(Fault::not_json()), |error| {
            matches!(error, PollError::ReadFailed(_))
        }),
        (Script::new(Pace::Never).with_fault(Fault::status(403)), |error| {
            matches!(error, PollError::ReadFailed(_))
        }),
    ] {
        let api = api();
        api.on(CREATE, script).unwrap();
        let mut now = second(0.0);
        let accepted = submit(&api, "{}", now);
        let address = accepted.headers()["location"].to_str().unwrap().to_owned();
        let mut task = poller().started_by(&accepted, now).unwrap();
        let error = follow(&api, &mut task, &mut now).unwrap_err();
        assert!(is_expected(&error), "{error:?}");
        let id = address.rsplit('/').next().unwrap();
        assert!(error.to_string().contains(&format!("task {id} at {address}")), "{error}");
        assert_eq!(error.task().id(), Some(id));
    }
}

#[test]
fn time_in_the_queue_does_not_count_against_the_processing_limit() {
    let one_by_one = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let api = api().with_config(one_by_one);
    api.on(CREATE, Script::in_steps(Pace::Immediate, Pace::After(seconds(60)))).unwrap();
    let poller = poller().with_processing_limit(seconds(95));
    let mut now = second(0.0);
    let mut tasks = [(); 5].map(|()| {
        let accepted = submit(&api, "{}", now);
        poller.started_by(&accepted, now).unwrap()
    });
    // The last one waits for four minutes until its own minute begins.
    let end = follow(&api, &mut tasks[4], &mut now);
    assert!(end.is_ok() && now > second(299.0), "{end:?}");
    // A task that takes longer than the limit times out.
    api.on(CREATE, Script::in_steps(Pace::Immediate, Pace::Never)).unwrap();
    let mut stuck = poller.started_by(&submit(&api, "{}", now), now).unwrap();
    let begin = now;
    let end = follow(&api, &mut stuck, &mut now);
    assert!(matches!(end, Err(PollError::TimedOut(_))), "{end:?}");
    assert!(now - begin <= chrono::TimeDelta::seconds(97), "{now}");
}

#[test]
fn an_error_is_read_as_a_code_and_as_an_object() {
    for form in [ErrorForm::Code, ErrorForm::Object] {
        let api = api().with_links(|links| Ok(links.with_error_form(form))).unwrap();
        api.on(CREATE, Script::new(Pace::Reads(1)).failing(error())).unwrap();
        let mut now = second(0.0);
        let mut task = poller().started_by(&submit(&api, "{}", now), now).unwrap();
        let end = follow(&api, &mut task, &mut now).unwrap_err();
        let PollError::Failed(failed) = end else { panic!("expected a failure: {end:?}") };
        assert_eq!(failed.error().and_then(ReportedError::code), Some("NO_PLACE"));
    }
}

#[test]
fn an_unknown_status_is_still_running() {
    let now = second(0.0);
    let mut task = poller().following(&format!("/v1/tasks/{ID}"), now).unwrap();
    for status in ["completed", "failed", "processing", "provisioning-pending", ""] {
        let document = format!(r#"{{"taskId": "{ID}", "status": "{status}"}}"#);
        task.answered(&Response::new(document), now);
        assert!(matches!(task.next(now), Step::Wait(_)), "{status}");
        assert_eq!(task.failure(), None);
    }
}

#[test]
fn a_known_rate_limit_is_kept_and_an_unknown_one_is_waited_for() {
    let few = |api: tasklife_mock::MockApi| {
        let limit = tasklife_mock::RateLimit::new(NonZeroU32::new(3).unwrap(), seconds(60));
        let api = api.with_rate_limit(limit);
        api.on(CREATE, Script::new(Pace::After(seconds(200)))).unwrap();
        api
    };
    // The poller knows the limit, so no request exceeds it.
    let (known, mut now) = (few(api()), second(0.0));
    let limit = RequestLimit::new(NonZeroU32::new(3).unwrap(), seconds(60));
    limit.take(now).unwrap();
    let limited = poller().with_request_limit(limit);
    let mut task = limited.started_by(&submit(&known, "{}", now), now).unwrap();
    assert!(follow(&known, &mut task, &mut now).is_ok());
    assert!(known.journal().iter().all(|exchange| exchange.status != 429));
    // The poller doesn't know the limit, and others of the account use it up. A 429 does not end
    // polling at once.
    let (unknown, mut now) = (few(api()), second(0.0));
    let mut task = poller().started_by(&submit(&unknown, "{}", now), now).unwrap();
    let end = loop {
        match task.next(now) {
            Step::Wait(until) => now = until,
            Step::Send(request) => {
                for _ in 0..3 {
                    submit(&unknown, "{}", now);
                }
                task.answered(&send(&unknown, request, now), now);
            }
            Step::Done(outcome) => break outcome,
        }
        assert!(now < second(100_000.0));
    };
    assert!(
        matches!(end, Err(PollError::ReadFailed(_))),
        "expected every try to come too late, got {end:?}"
    );
    let tries = unknown
        .journal()
        .iter()
        .filter(|exchange| exchange.method == "GET" && exchange.status == 429)
        .count();
    assert_eq!(tries, 21);
}
