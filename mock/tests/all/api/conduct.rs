//! `Conduct`: whether clients waited, how often they polled, and which requests they repeated.

use std::time::Duration;

use serde_json::json;
use tasklife::Scope;
use tasklife_mock::{Conduct, Exchange, Fault, MockApi, Pace, Script};

use super::{CREATE, Client, acme, api, request, second};

fn send(api: &MockApi, method: &str, path: &str, headers: &[(&'static str, &str)], seconds: f64) {
    let mut request = request(method, path, if method == "GET" { "" } else { "{}" });
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    api.handle(&request, second(seconds));
}

#[test]
fn the_journal_has_the_relevant_headers_and_no_secret() {
    let api = api();
    let headers =
        [("idempotency-key", "order-1"), ("if-none-match", "\"x\""), ("user-agent", "client/1")];
    send(&api, "POST", "/v1/subscriptions", &headers, 0.0);
    let exchange: Exchange = api.journal().pop().unwrap();
    assert_eq!(exchange.idempotency_key.as_deref(), Some("order-1"));
    assert_eq!(exchange.if_none_match.as_deref(), Some("\"x\""));
    assert_eq!(exchange.user_agent.as_deref(), Some("client/1"));
    assert_eq!(exchange.retry_after, Some(1));
    let line = serde_json::to_string(&exchange).unwrap();
    assert_eq!(serde_json::from_str::<Exchange>(&line).unwrap(), exchange);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["idempotencyKey"], "order-1");
    assert_eq!((&line["userAgent"], &line["taskStatus"]), (&json!("client/1"), &json!("received")));
    assert!(!line.to_string().contains("secret"), "{line}");

    // Not even if the key is in a header that is recorded.
    let keyed = MockApi::redis_cloud("/v1")
        .unwrap()
        .with_open_accounts(1)
        .with_authentication(tasklife_mock::Authentication::Header(http::header::USER_AGENT));
    send(&keyed, "GET", "/v1/tasks", &[("user-agent", "hidden")], 0.0);
    assert_eq!(keyed.journal()[0].status, 200);
    assert_eq!(keyed.journal()[0].user_agent, None);
}

#[test]
fn requests_before_the_retry_after_are_too_early() {
    let api = api();
    let busy = Fault::status(429).with_retry_after(Duration::from_secs(10));
    api.on(CREATE, Script::new(Pace::Never).with_fault(busy.clone().on_read(1))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0); // asks to wait for 1 s
    send(&api, "GET", &task, &[], 0.25); // too early; a 429 that asks to wait for 10 s
    send(&api, "GET", "/v1/subscriptions", &[], 0.3); // unrelated
    send(&api, "GET", &task, &[], 10.25); // in time; asks to wait for half of the elapsed time
    send(&api, "GET", &task, &[], 11.0); // too early
    let conduct = Conduct::of(&api.journal());
    let seen: Vec<_> = conduct
        .too_early
        .iter()
        .map(|it| (it.asked_by, it.number, it.retry_after.as_secs(), it.waited.as_millis()))
        .collect();
    assert_eq!(seen, [(1, 2, 1, 250), (4, 5, 5, 750)]);
    let json = serde_json::to_value(&conduct).unwrap();
    assert_eq!(
        json["tooEarly"][0],
        json!({"number": 2, "askedBy": 1, "status": 202, "retryAfter": 1.0, "waited": 0.25})
    );
}

#[test]
fn polls_after_the_end_are_counted() {
    let api = api();
    let script = Script::new(Pace::Reads(2)).with_fault(Fault::cut_short().on_read(2));
    api.on(CREATE, script.gone_after(Pace::Reads(3))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let id = task.rsplit_once('/').unwrap().1.parse().unwrap();
    for _ in 0..5 {
        // Running; the end in a spoiled answer; the end; again; and a 404.
        send(&api, "GET", &task, &[], 0.0);
    }
    send(&api, "HEAD", &task, &[], 0.0);
    let polls = Conduct::of(&api.journal()).polls[&id];
    assert_eq!((polls.total, polls.after_end), (5, 2));
    assert_eq!(Conduct::of(&api.journal()[..3]).polls[&id].after_end, 0);
}

/// Some `GET`s create a task.
#[test]
fn a_get_that_creates_a_task_is_no_poll() {
    let api = api();
    api.submit("/v1/subscriptions", "{}", 0.0);
    api.clear_journal(Scope::Any);
    api.get("/v1/subscriptions/77899/cidr", 0.0);
    assert!(api.journal()[0].task_id.is_some());
    assert!(Conduct::of(&api.journal()).polls.is_empty());
}

#[test]
fn a_task_that_is_created_again_has_not_ended() {
    let api = api();
    api.on(CREATE, Script::new(Pace::Reads(1)).gone_after(Pace::Reads(1))).unwrap();
    let post = || {
        send(&api, "POST", "/v1/subscriptions", &[("idempotency-key", "one")], 0.0);
        api.journal().pop().unwrap().task_id.unwrap()
    };
    let id = post();
    let poll = || send(&api, "GET", &format!("/v1/tasks/{id}"), &[], 0.0);
    poll();
    poll();
    assert_eq!(post(), id);
    poll();
    let polls = Conduct::of(&api.journal()).polls[&id];
    assert_eq!((polls.total, polls.after_end), (3, 1));
}

#[test]
fn conduct_is_read_back_from_json() {
    let api = api();
    let script = Script::new(Pace::Never).with_fault(Fault::status(503).on_submission(1));
    api.on(CREATE, script).unwrap();
    send(&api, "POST", "/v1/subscriptions", &[], 0.0);
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    send(&api, "GET", &task, &[], 0.5);
    let conduct = Conduct::of(&api.journal());
    assert_eq!(
        (conduct.too_early.len(), conduct.repeats.len(), conduct.polls.len()),
        (1, 1, 1),
        "{conduct:?}"
    );
    let text = serde_json::to_string(&conduct).unwrap();
    assert_eq!(serde_json::from_str::<Conduct>(&text).unwrap(), conduct);
}

#[test]
fn repeats_of_two_workers_are_distinguished_by_key() {
    let umbrella = "umbrella".parse().unwrap();
    let api = api().with_account("other", "secret", umbrella);
    let failing =
        |status| Script::new(Pace::Immediate).with_fault(Fault::status(status).on_submission(1));
    api.on(CREATE, failing(503)).unwrap();
    let post = |account: &str, key: &str| {
        let headers = [("idempotency-key", key), ("x-api-key", account)];
        send(&api, "POST", "/v1/subscriptions", &headers, 0.0);
    };
    post("key", "a"); // 1: 503
    post("other", "a"); // 2: 503, of another account
    post("key", "b"); // 3: replaces the first, with another body key
    post("key", "a"); // 4
    post("key", "b"); // 5
    post("other", "a"); // 6
    let numbers = |journal: &[Exchange]| -> Vec<_> {
        let repeats = Conduct::of(journal).repeats.into_iter();
        repeats.map(|it| (it.has_same_key(), it.numbers)).collect()
    };
    // 3 may be the retry of 1 or of another worker. It is reported as a possible repeat.
    assert_eq!(numbers(&api.journal()), [(false, vec![1, 3, 4, 5]), (true, vec![2, 6])]);
    assert_eq!(numbers(&api.journal()[2..]), [(true, vec![3, 5])]);
    // An answer that was cut short is unusable even if the request was accepted.
    let cut = Fault::cut_short().on_submission(1);
    api.on(CREATE, Script::new(Pace::Immediate).with_fault(cut)).unwrap();
    api.clear_journal(Scope::Any);
    send(&api, "POST", "/v1/subscriptions", &[], 0.0);
    send(&api, "POST", "/v1/subscriptions", &[], 0.0);
    let number = api.journal()[0].number;
    assert_eq!(numbers(&api.journal()), [(false, vec![number, number + 1])]);
    // A 4xx is a usable answer.
    api.on(CREATE, failing(409)).unwrap();
    api.clear_journal(Scope::Any);
    for _ in 0..3 {
        send(&api, "POST", "/v1/subscriptions", &[], 0.0);
    }
    assert_eq!(numbers(&api.journal()), []);
}

#[test]
fn repeats_follow_a_failure_or_have_the_same_key() {
    let api = api();
    let script = Script::new(Pace::Immediate).with_fault(Fault::status(503).on_submissions([1, 4]));
    api.on(CREATE, script).unwrap();
    let post = |key: Option<&str>| {
        let header = key.map(|key| ("idempotency-key", key));
        send(&api, "POST", "/v1/subscriptions", header.as_slice(), 0.0);
    };
    post(Some("a")); // 1: 503
    post(Some("a")); // 2: repeats 1
    post(None); // 3: another request
    post(None); // 4: another request, 503
    post(None); // 5: repeats 4
    post(Some("b")); // 6
    post(Some("b")); // 7: repeats 6, although nothing failed
    let conduct = Conduct::of(&api.journal());
    let numbers: Vec<_> =
        conduct.repeats.iter().map(|it| (&it.numbers[..], it.has_same_key())).collect();
    assert_eq!(numbers, [(&[1, 2][..], true), (&[4, 5], false), (&[6, 7], true)]);
    assert_eq!(conduct.repeats[0].request, "POST /v1/subscriptions");
    assert_eq!(Conduct::of(&api.journal()[1..4]).repeats, []);
}

#[test]
fn clearing_the_journal_keeps_the_numbers() {
    let umbrella = "umbrella".parse().unwrap();
    let api = api().with_account("other", "secret", umbrella);
    send(&api, "GET", "/v1/tasks", &[], 0.0);
    send(&api, "GET", "/v1/tasks", &[("x-api-key", "other")], 0.0);
    api.clear_journal(Scope::Account(&acme()));
    assert_eq!(api.journal().iter().map(|x| x.number).collect::<Vec<_>>(), [2]);
    api.clear_journal(Scope::Any);
    assert_eq!(api.journal(), []);
    send(&api, "GET", "/v1/tasks", &[], 0.0);
    assert_eq!(api.journal()[0].number, 3);
}
