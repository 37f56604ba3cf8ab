//! What an answer means.

use std::error::Error;
use std::time::Duration;

use tasklife::format::{AzureOperation, AzureResourceManager, GoogleOperation};
use tasklife::poll::{PollError, Poller, ReadFailure, Step};
use tasklife::{TaskStatus, Timestamp};

use super::{ID, OTHER, address, answer, asked, document, ends, outcome, poller, started};
use crate::support::second;

/// What becomes of a task after its first read, in second 1, with this answer.
fn meaning(poller: &Poller, status: u16, body: &str) -> String {
    meaning_at(poller, &[], status, body)
}

fn meaning_at(poller: &Poller, headers: &[(&str, &str)], status: u16, body: &str) -> String {
    let mut now = second(0);
    let mut task = started(poller, headers);
    asked(&mut task, &mut now);
    task.answered(&answer(status, &[], body), now);
    match (outcome(&mut task, now), task.failure()) {
        (None, None) => "running".into(),
        (None, Some(_)) => "again".into(),
        (Some(outcome), _) => match &outcome {
            Ok(_) => "completed",
            Err(PollError::Failed(_)) => "failed",
            Err(PollError::Cancelled(_)) => "cancelled",
            Err(PollError::Gone(_)) => "gone",
            Err(PollError::ReadFailed(_)) => "unread",
            Err(_) => "other",
        }
        .into(),
    }
}

#[test]
fn every_status_code_has_a_meaning() {
    let body = document("processing-in-progress");
    for status in 100..=999 {
        let expected = match status {
            200..=299 => "running",
            404 | 408 | 425 | 429 => "again",
            410 => "gone",
            400..=499 => "unread",
            _ => "again",
        };
        assert_eq!(meaning(&poller(), status, &body), expected, "{status}");
        // The body of a refusal says nothing about the task.
        let end = document("processing-completed");
        let expected = if expected == "running" { "completed" } else { expected };
        assert_eq!(meaning(&poller(), status, &end), expected, "{status}");
        let expected = match status {
            202 => "running",
            200..=299 => "again",
            _ => expected,
        };
        assert_eq!(meaning(&poller(), status, ""), expected, "{status}");
    }
}

#[test]
fn every_format_shows_how_a_task_ended() {
    let google = || poller().with_format(GoogleOperation::new("example.com"));
    let azure = || poller().with_format(AzureOperation);
    let manager = || poller().with_format(AzureResourceManager);
    let monitor = |status: &str| format!(r#"{{"id": "{ID}", "status": "{status}"}}"#);
    let operation = |rest: &str| format!(r#"{{"name": "operations/{ID}", {rest}}}"#);
    let manager_operation = |status: &str| format!(r#"{{"name": "{ID}", "status": "{status}"}}"#);
    let place = [("operation-location", "/v1/operations/x")];
    for (poller, body, expected) in [
        (poller(), document("processing-completed"), "completed"),
        (poller(), document("processing-error"), "failed"),
        (poller(), document("completed"), "running"), // an unknown status
        (poller(), document(""), "running"),
        (google(), operation(r#""done": true, "response": {}"#), "completed"),
        (google(), operation(r#""done": true, "error": {"code": 5}"#), "failed"),
        (google(), operation(r#""done": true, "error": {"code": 1}"#), "cancelled"),
        (google(), operation(r#""done": false, "response": {}"#), "running"),
        (google(), operation(r#""metadata": {"state": "processing-completed"}"#), "running"),
        (azure(), monitor("Succeeded"), "completed"),
        (azure(), monitor("failed"), "failed"),
        (azure(), monitor("Canceled"), "cancelled"),
        (azure(), monitor("Cancelled"), "cancelled"),
        (azure(), monitor("Validating"), "running"),
        (manager(), manager_operation("Succeeded"), "completed"),
        (manager(), manager_operation("Failed"), "failed"),
        (manager(), manager_operation("Canceled"), "cancelled"),
        (manager(), manager_operation("Deploying"), "running"),
    ] {
        assert_eq!(meaning_at(&poller, &place, 200, &body), expected, "{body}");
        // The HTTP status does not matter: it says that the read succeeded.
        assert_eq!(meaning_at(&poller, &place, 202, &body), expected, "{body}");
    }
}

#[test]
fn a_completion_with_an_error_is_a_failure() {
    let body = format!(
        r#"{{"taskId": "{ID}", "status": "processing-completed", "response": {{"error": "NO_PLACE"}}}}"#
    );
    assert_eq!(meaning(&poller(), 200, &body), "failed");
    let running = body.replace("processing-completed", "processing-in-progress");
    assert_eq!(meaning(&poller(), 200, &running), "running", "it has not ended");
}

#[test]
fn an_address_of_a_result_answers_once_the_task_has_ended() {
    let manager = poller().with_format(AzureResourceManager);
    let place = [("location", "/v1/operations/7/result")];
    for (status, body, expected) in [
        (202, "", "running"),
        (202, r#"{"id": "/x/7", "name": "7"}"#, "running"),
        (202, r#"{"name": "7", "properties": {"provisioningState": "Succeeded"}}"#, "running"),
        (204, "", "completed"),
        (200, r#"{"id": "/x/7", "name": "7"}"#, "completed"),
        (200, r#"{"name": "7", "properties": {"provisioningState": "Failed"}}"#, "failed"),
        (200, "", "completed"),
        (409, r#"{"error": {"code": "Conflict", "message": "It is in use."}}"#, "unread"),
    ] {
        assert_eq!(meaning_at(&manager, &place, status, body), expected, "{status} {body}");
    }
    // At the address of a status, a resource is not one.
    let place_of_status = [("azure-asyncoperation", "/v1/operations/7")];
    for (body, expected) in [
        (r#"{"id": "/x/7", "name": "7"}"#, "again"),
        (r#"{"name": "7", "properties": {"provisioningState": "Succeeded"}}"#, "again"),
        (r#"{"name": "7", "status": "Succeeded"}"#, "completed"),
    ] {
        assert_eq!(meaning_at(&manager, &place_of_status, 200, body), expected, "{body}");
    }
    // The name of a resource is not the id of another task.
    let named = format!(r#"{{"id": "/x/7", "name": "{OTHER}"}}"#);
    assert_eq!(meaning_at(&manager, &[("location", &address())], 200, &named), "completed");
    // 204 is not a status.
    let place = [("azure-asyncoperation", "/v1/operations/7")];
    assert_eq!(meaning_at(&manager, &place, 204, ""), "again");
    assert_eq!(meaning(&poller(), 204, ""), "again");
    // The same holds if the accepting answer had no document.
    let accepted = answer(202, &[("location", &address())], "");
    let mut task = poller().started_by(&accepted, second(0)).unwrap();
    let other = document("processing-completed").replace(ID, OTHER);
    for (status, body) in [(204, ""), (200, &*other)] {
        task.answered(&answer(status, &[], body), second(0));
        assert_eq!(outcome(&mut task, second(0)), None);
        assert!(task.failure().is_some());
    }
    task.answered(&answer(202, &[], &document("processing-completed")), second(0));
    assert!(outcome(&mut task, second(0)).unwrap().is_ok());
}

#[test]
fn no_error_shows_a_query_or_grows_without_bound() {
    let mut task = poller().following("/v1/tasks/7?sig=secret", second(0)).unwrap();
    assert_eq!(asked(&mut task, &mut second(0)).uri().query(), Some("sig=secret"));
    let long =
        format!(r#"{{"taskId": "7", "status": "received", "progress": "{}"}}"#, "ö".repeat(9_999));
    task.answered(&answer(200, &[], &long), second(0));
    let failure = task.failure().unwrap().to_string();
    assert!(failure.len() < 400, "{failure}");
    assert_eq!(task.task().to_string(), "the task at https://api.example.com/v1/tasks/7");
    // The same holds for errors about forbidden and malformed addresses.
    for place in ["https://evil.example/x?sig=secret", "ftp://a/?sig=secret", "/a b?sig=secret"] {
        task.answered(&answer(307, &[("location", place)], ""), second(0));
        let failure = task.failure().unwrap();
        assert!(!format!("{failure} {failure:?}").contains("secret"), "{failure:?}");
        let accepted = answer(202, &[("location", place)], "");
        let errors =
            [poller().following(place, second(0)), poller().started_by(&accepted, second(0))];
        for error in errors.map(Result::unwrap_err) {
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}

#[test]
fn a_task_that_has_ended_when_it_is_accepted_is_not_polled() {
    for (status, is_ok) in [("processing-completed", true), ("processing-error", false)] {
        let accepted = answer(202, &[], &document(status));
        let mut task = poller().started_by(&accepted, second(0)).unwrap();
        let outcome = outcome(&mut task, second(0)).unwrap();
        assert_eq!(outcome.is_ok(), is_ok);
    }
    let elsewhere =
        answer(202, &[("location", "https://evil.example")], &document("processing-completed"));
    let mut task = poller().started_by(&elsewhere, second(0)).unwrap();
    assert!(outcome(&mut task, second(0)).unwrap().is_ok(), "expected the address not to matter");
}

#[test]
fn an_etag_makes_later_requests_conditional() {
    let mut now = second(0);
    let mut task = started(&poller(), &[]);
    assert_eq!(asked(&mut task, &mut now).headers().get("if-none-match"), None);
    task.answered(&answer(304, &[], ""), now);
    assert!(task.failure().is_some(), "expected a failure without If-None-Match");
    asked(&mut task, &mut now);
    task.answered(&answer(200, &[("etag", "\"a\"")], &document("processing-in-progress")), now);
    assert_eq!(asked(&mut task, &mut now).headers()["if-none-match"], "\"a\"");
    task.answered(&answer(304, &[("etag", "\"a\"")], ""), now);
    assert_eq!(outcome(&mut task, now), None);
    assert_eq!(task.failure(), None);
    assert_eq!(task.document().unwrap().status().known(), Some(TaskStatus::ProcessingInProgress));
    assert_eq!(asked(&mut task, &mut now).headers()["if-none-match"], "\"a\"");
}

#[test]
fn a_404_means_not_there_yet_and_later_gone() {
    // The window lasts 30 s, whatever the number of reads.
    let often = poller()
        .with_backoff(tasklife::poll::Backoff::new(Duration::from_secs(2), Duration::from_secs(2)));
    let mut now = second(0);
    let mut reads = 0;
    let end = ends(&mut started(&often, &[]), &mut now, |_, _| {
        reads += 1;
        Some(answer(404, &[], ""))
    });
    assert!(matches!(end, Err(PollError::Gone(_))), "{end:?}");
    assert_eq!((now, reads), (second(32), 16));
    // It lasts for 5 reads, however long they take, if the task was never found.
    let seldom = often.clone().with_least_wait(Duration::from_mins(1));
    let accepted = answer(202, &[("location", "/v1/tasks/7")], "");
    let mut task = seldom.started_by(&accepted, second(0)).unwrap();
    let (mut now, mut reads) = (second(0), 0);
    let end = ends(&mut task, &mut now, |_, _| {
        reads += 1;
        Some(answer(404, &[], ""))
    });
    assert!(matches!(end, Err(PollError::Gone(_))), "{end:?}");
    assert_eq!((now, reads), (second(360), 6));
    // Once the task was found, a 404 after the window means that it is gone.
    let mut now = second(0);
    let mut task = started(&seldom, &[]);
    asked(&mut task, &mut now);
    task.answered(&answer(200, &[], &document("received")), now);
    asked(&mut task, &mut now);
    task.answered(&answer(404, &[], ""), now);
    let Some(Err(PollError::Gone(gone))) = outcome(&mut task, now) else { panic!("it is gone") };
    assert_eq!(gone.document().unwrap().status().known(), Some(TaskStatus::Received));
    assert_eq!(gone.failure().and_then(ReadFailure::status).unwrap(), 404);
    // Without a window, the first 404 means that it is gone.
    let strict = poller().with_not_found_window(Duration::ZERO, 0);
    assert_eq!(meaning(&strict, 404, ""), "gone");
}

#[test]
fn failures_in_a_row_are_bounded_and_an_answer_resets_the_count() {
    let patient = poller().with_max_failures(3);
    let mut count = 0;
    let end = ends(&mut started(&patient, &[]), &mut second(0), |_, _| {
        count += 1;
        (count % 2 == 0).then(|| answer(500, &[], r#"{"message": "oh"}"#))
    });
    let Err(PollError::ReadFailed(unread)) = end else {
        panic!("expected it to be unread: {end:?}")
    };
    assert_eq!(count, 4, "expected one, and three more");
    let error = PollError::ReadFailed(unread);
    assert_eq!(
        error.to_string(),
        format!("expected to read the status of task {ID} at {}", address())
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "expected a document, got 500 Internal Server Error: \"oh\""
    );
    let mut count = 0;
    let end = ends(&mut started(&patient, &[]), &mut second(0), |_, _| {
        count += 1;
        Some(match count {
            40 => answer(200, &[], &document("processing-completed")),
            count if count % 4 == 0 => answer(200, &[], &document("received")),
            _ => answer(503, &[], ""),
        })
    });
    assert!(end.is_ok(), "{end:?}");
}

#[test]
fn a_request_whose_answer_is_lost_counts_as_failed() {
    let mut now = second(0);
    let mut task = started(&poller(), &[]);
    asked(&mut task, &mut now);
    assert!(
        matches!(task.next(now), Step::Wait(until) if until > now),
        "expected a wait before the next read"
    );
    assert_eq!(task.failure(), Some(&ReadFailure::NoAnswer));
    // A late answer counts.
    task.answered(&answer(200, &[], &document("processing-completed")), now);
    assert!(outcome(&mut task, now).unwrap().is_ok());
}

#[test]
fn the_time_limit_ends_polling_with_the_last_known_status() {
    let poller = poller().with_time_limit(Duration::from_secs(100));
    let mut now = second(0);
    let end = ends(&mut started(&poller, &[]), &mut now, |_, now| {
        (now < second(60)).then(|| answer(200, &[], &document("processing-in-progress")))
    });
    let Err(PollError::TimedOut(task)) = &end else {
        panic!("expected the time to be over: {end:?}")
    };
    assert_eq!((now, task.followed_for()), (second(100), Duration::from_secs(100)));
    assert_eq!(task.failure(), Some(&ReadFailure::NoAnswer));
    assert_eq!(
        end.unwrap_err().to_string(),
        format!(
            "expected task {ID} at {} to end within 100s, but it is \"processing-in-progress\"",
            address()
        )
    );
    // An answer that is reported late counts.
    let mut task = started(&poller, &[]);
    let mut now = second(0);
    asked(&mut task, &mut now);
    task.answered(&answer(200, &[], &document("processing-completed")), second(200));
    assert!(outcome(&mut task, second(200)).unwrap().is_ok());
}

#[test]
fn nothing_changes_after_the_end() {
    let mut now = second(0);
    let mut task = started(&poller(), &[]);
    asked(&mut task, &mut now);
    task.answered(&answer(200, &[], &document("processing-completed")), now);
    let first = outcome(&mut task, now).unwrap();
    let late: [fn(&mut tasklife::poll::TaskPoller, Timestamp); 4] = [
        |task, now| task.answered(&answer(200, &[], &document("received")), now),
        |task, now| task.answered(&answer(404, &[], ""), now),
        |task, now| task.answered(&answer(200, &[], &document("processing-error")), now),
        |task, now| task.unanswered(now),
    ];
    for change in late {
        change(&mut task, now);
        for at in [now, second(0), second(1_000_000_000)] {
            assert_eq!(outcome(&mut task, at), Some(first.clone()));
        }
    }
}

#[test]
fn each_error_names_its_task() {
    let named = format!("task {ID} at {}", address());
    for (answers, message) in [
        (
            answer(
                200,
                &[],
                &format!(
                    r#"{{"taskId": "{ID}", "status": "processing-error", "response": {{"error": {{"type": "NO_PLACE", "description": "It is full."}}}}}}"#
                ),
            ),
            format!(
                r#"expected {named} to complete, but it failed with "NO_PLACE": "It is full.""#
            ),
        ),
        (
            answer(200, &[], &document("processing-error")),
            format!("expected {named} to complete, but it failed"),
        ),
        (answer(410, &[], ""), format!("expected {named}, but the server has no such task")),
        (answer(403, &[], ""), format!("expected to read the status of {named}")),
    ] {
        let end = ends(&mut started(&poller(), &[]), &mut second(0), |_, _| Some(answers.clone()));
        let error = end.unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.task().id(), Some(ID));
    }
    let cancelled = format!(r#"{{"id": "{ID}", "status": "Canceled"}}"#);
    let azure = poller().with_format(AzureOperation);
    let mut task = azure.following(&address(), second(0)).unwrap();
    let error =
        ends(&mut task, &mut second(0), |_, _| Some(answer(200, &[], &cancelled))).unwrap_err();
    assert_eq!(error.to_string(), format!("expected {named} to complete, but it was cancelled"));
}

#[test]
fn a_document_about_another_task_is_a_failed_read() {
    let other = document("processing-completed").replace(ID, OTHER);
    assert_eq!(meaning(&poller(), 200, &other), "again");
    // If no document had the id yet, the address has it.
    let mut task = poller().following(&address(), second(0)).unwrap();
    asked(&mut task, &mut second(0));
    task.answered(&answer(200, &[], &other), second(0));
    assert_eq!(outcome(&mut task, second(0)), None);
    assert_eq!(task.failure(), Some(&ReadFailure::OtherTask(OTHER.into())));
    assert_eq!(
        task.failure().unwrap().to_string(),
        format!("expected a document about the task, got one about {OTHER:?}")
    );
    // The case of a UUID makes no difference.
    assert_eq!(
        meaning(&poller(), 200, &document("processing-completed").replace(ID, &ID.to_uppercase())),
        "completed"
    );
}
