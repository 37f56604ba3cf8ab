//! The journal.

use tasklife_mock::{Exchange, MockApi};

use super::{Client, acme, api, document, second};

#[test]
fn the_journal_has_every_request_and_its_answer() {
    let api = api();
    let task = api.submit("/v1/subscriptions", r#"{"name": "test"}"#, 1.0);
    let id = task.rsplit_once('/').unwrap().1.parse().unwrap();
    let polled = api.get(&format!("{task}?x=1"), 2.0).into_body();
    api.call("HEAD", &task, "", 3.0);
    api.handle(&http::Request::get("/v1/tasks").body("").unwrap(), second(4.0));
    let journal = api.journal();
    let summary: Vec<_> = journal
        .iter()
        .map(|x| (x.at, x.account.clone(), x.method.as_str(), &*x.path, x.status, x.task_id))
        .collect();
    let acme = Some(acme());
    let polled_path = format!("{task}?x=1");
    let expected = [
        (second(1.0), acme.clone(), "POST", "/v1/subscriptions", 202, Some(id)),
        (second(2.0), acme.clone(), "GET", &*polled_path, 200, Some(id)),
        (second(3.0), acme, "HEAD", &*task, 200, Some(id)),
        (second(4.0), None, "GET", "/v1/tasks", 401, None),
    ];
    assert_eq!(summary, expected);
    assert_eq!(journal[0].request_body, r#"{"name": "test"}"#);
    assert_eq!(journal[1].body, polled);
    assert_eq!(journal[2].body, "");
    assert!(journal.iter().map(|x| x.number).eq(1..=4));
    assert_eq!(api.journal_since(2), journal[2..]);
    assert_eq!(api.journal_since(9), []);
}

#[test]
fn a_line_is_read_as_an_exchange_and_by_the_auditor() {
    let api = api();
    let task = api.submit("/v1/subscriptions", "{\"name\": \"\\u0000\"}", 1.0);
    api.get(&task, 2.0);
    api.get("/v1/tasks?limit=1", 2.0);
    api.call("HEAD", &task, "", 3.0);
    for exchange in api.journal() {
        let line = serde_json::to_string(&exchange).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Exchange>(&line).unwrap(), exchange);
        #[cfg(feature = "audit")]
        {
            let reading = tasklife::audit::Reading::from(&exchange);
            let read: tasklife::audit::Reading = serde_json::from_str(&line).unwrap();
            assert_eq!(
                serde_json::to_value(&read).unwrap(),
                serde_json::to_value(&reading).unwrap()
            );
        }
    }
    let line = serde_json::to_value(&api.journal()[1]).unwrap();
    assert_eq!(line["request"], format!("GET {task}"));
    assert_eq!(line["body"]["taskId"], line["taskId"]);
    for bad in [
        r#"{"number": 1, "at": "2026-01-01T00:00:00Z", "request": "GET", "status": 200}"#,
        r#"{"number": 1, "at": "2026-01-01T00:00:00Z", "request": "G T /", "status": 99999}"#,
        r#"{"number": 1, "at": "yesterday", "request": "GET /", "status": 200}"#,
    ] {
        serde_json::from_str::<Exchange>(bad).unwrap_err();
    }
}

#[test]
fn the_journal_keeps_the_latest_exchanges() {
    let api = api();
    for at in 0..MockApi::MAX_EXCHANGES + 5 {
        let path = format!("/v1/nothing/{at}");
        api.get(&path, 0.0);
    }
    let journal = api.journal();
    assert_eq!(journal.len(), MockApi::MAX_EXCHANGES);
    assert_eq!(journal[0].path, "/v1/nothing/5");
    assert_eq!(journal[0].number, 6);
    assert_eq!(api.journal_since(10_000).len(), 5);

    // A hundred bodies of 1 MiB exceed the limit.
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat((1 << 20) - 100));
    for _ in 0..100 {
        api.call("POST", "/v1/nothing", &large, 0.0);
    }
    let journal = api.journal();
    let size: usize = journal.iter().map(|x| x.request_body.len()).sum();
    assert!((60 << 20..=64 << 20).contains(&size), "{size}");
    assert_eq!(
        document(&api.call("POST", "/v1/subscriptions", "{}", 0.0)).status().to_string(),
        "received"
    );
}

/// With two threads, the journal has the order of events. Otherwise a status would seem to go back.
#[cfg(feature = "audit")]
#[test]
fn with_threads_the_journal_has_the_order_of_events() {
    use tasklife_mock::{Pace, Script};

    for _ in 0..20 {
        let api = api();
        api.on_any(Script::new(Pace::Reads(40))).unwrap();
        let tasks = [(); 2].map(|()| api.submit("/v1/subscriptions", "{}", 0.0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..40 {
                        api.get(&tasks[round % 2], 0.0);
                        api.get("/v1/tasks", 0.0);
                    }
                });
            }
        });
        let mut auditor = tasklife::audit::Auditor::new(tasklife::Retention::default());
        for exchange in api.journal() {
            assert!(auditor.observe(&(&exchange).into()).is_empty(), "{exchange:?}");
        }
    }
}
