//! Control over HTTP.

use std::fs;

use serde_json::{Value, json};
use tasklife_test_support::{Program, Reply, Scratch};

use super::{Mock, poll};

/// A mock that the test controls.
struct ControlledMock(Mock);

impl ControlledMock {
    fn start(options: &[&str]) -> Self {
        Self(Mock::start(options))
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.0.0.send(method, &format!("/_mock{path}"), "", body.as_bytes())
    }

    fn get(&self, path: &str) -> Value {
        self.send("GET", path, &Value::Null).json(200)
    }

    fn done(&self, method: &str, path: &str, body: &Value) {
        let reply = self.send(method, path, body);
        assert_eq!((reply.status, &*reply.body), (204, ""), "{method} {path}");
    }

    /// Asserts that a request is refused, and returns the message.
    fn refused(&self, method: &str, path: &str, body: &Value, status: u16) -> String {
        let refused = self.send(method, path, body).json(status);
        refused["error"].as_str().unwrap().to_owned()
    }

    fn put_scripts(&self, scripts: &Value) {
        assert_eq!(self.send("PUT", "/scripts", scripts).json(200), *scripts);
    }

    fn statuses(&self) -> Vec<u64> {
        let journal = self.get("/journal?path=/v1/tasks");
        journal
            .as_array()
            .unwrap()
            .iter()
            .map(|exchange| exchange["status"].as_u64().unwrap())
            .collect()
    }
}

#[test]
fn control_over_http_can_do_what_the_library_can() {
    let mock = ControlledMock::start(&["--not-found-for", "1", "--advance", "immediate"]);
    let script = json!([{"command": "databaseCreateRequest", "pace": "reads:3",
        "fail": "DATABASE_NOT_CREATED", "progress": [40],
        "faults": [{"status": 503, "retryAfter": 7, "reads": 2}]}]);
    mock.put_scripts(&script);
    mock.done("PUT", "/resources", &json!([{"account": "acme", "path": "/subscriptions/1"}]));
    let accepted = mock.0.post("acme", "/v1/subscriptions/1/databases", "{}").document(202);
    let task = format!("/v1/tasks/{}", accepted.task_id());
    let seen = [(); 5].map(|()| mock.0.status(&task));
    let expected = ["404", "received", "503", "processing-in-progress", "processing-error"];
    assert_eq!(seen, expected);
    assert_eq!(mock.statuses(), [404, 200, 503, 200, 200]);
    let failed = mock.0.get("acme", &task).document(200);
    let error = failed.response().unwrap().error().unwrap().code().unwrap().to_owned();
    assert_eq!(error, "DATABASE_NOT_CREATED");

    let conduct = mock.get("/conduct");
    let polls = &conduct["polls"][&accepted.task_id().to_string()];
    assert_eq!(*polls, json!({"total": 6, "afterEnd": 1}));
    assert_eq!(conduct["tooEarly"][2]["retryAfter"], 7.0);
    assert_eq!(mock.get("/conduct?since=5")["polls"].as_object().unwrap().len(), 1);

    mock.done("POST", "/reset", &Value::Null);
    assert_eq!(mock.get("/journal"), json!([]));
    assert_eq!(mock.get("/scripts"), json!([]));
    assert_eq!(mock.get("/tasks"), json!([]));
    assert_eq!(mock.0.get("acme", "/v1/subscriptions/1").status, 404);
    assert_eq!(mock.get("/journal")[0]["number"], 1);
}

#[test]
fn scripts_are_replaced_and_a_reset_restores_the_initial_ones() {
    let config = Scratch::new("control-scripts");
    let of_file = json!([{"command": "databaseCreateRequest", "pace": "reads:2"},
        {"account": "acme", "fail": {"code": "OLD"}}]);
    fs::write(config.path(), json!({"scripts": of_file}).to_string()).unwrap();
    let options = ["--config", config.path(), "--fail", "subscriptionCreateRequest=NEW"];
    let mock = ControlledMock::start(&[&options[..], &["--advance", "immediate"]].concat());
    let mut at_start = of_file.as_array().unwrap().clone();
    at_start.push(json!({"command": "subscriptionCreateRequest", "fail": "NEW"}));
    assert_eq!(mock.get("/scripts"), Value::from(at_start.clone()));
    assert_eq!(mock.get("/scripts?account=acme"), json!([at_start[1]]));
    let end = |account: &str| {
        let task = mock.0.submit(account, "{}");
        mock.0.get(account, &task).document(200).status().to_string()
    };
    let (failed, completed) = ("processing-error", "processing-completed");
    assert_eq!([end("acme"), end("other")], [failed; 2]);

    mock.put_scripts(
        &json!([{"account": "acme", "command": "subscriptionCreateRequest", "fail": "X"}]),
    );
    assert_eq!([end("acme"), end("other")], [failed, completed]);
    // For one account only.
    let put = mock.send("PUT", "/scripts?account=other", &json!([{"fail": "Y"}])).json(200);
    assert_eq!(put, json!([{"account": "other", "fail": "Y"}]));
    assert_eq!([end("acme"), end("other")], [failed; 2]);
    mock.done("DELETE", "/scripts?account=acme", &Value::Null);
    assert_eq!([end("acme"), end("other")], [completed, failed]);
    assert_eq!(mock.get("/scripts"), put);

    // If a script is refused, nothing changes.
    for (scripts, expected) in [
        (json!([{"fail": "Z"}, {"command": "databaseMakeRequest"}]), "[1]: expected one of the"),
        (json!([{"progress": [101]}]), "[0]: expected a report of 0 to 100 percent"),
        (json!([{"faults": [{"status": 200}]}]), "faults[0]: expected a `status` from 400 to 599"),
        (
            json!([{"faults": [{"reads": 1}]}]),
            "[0]: faults[0]: expected one or more of `status`, `cutShort`",
        ),
        (json!([{"faults": [{"notJson": true, "cutShort": true}]}]), "`notJson`, not both"),
        (json!([{"faults": [{"status": 500, "reads": []}]}]), "expected 1 to 10000 numbers, got 0"),
        (json!([{"faults": [{"status": 500, "reads": vec![1; 10_001]}]}]), "got 10001"),
        (json!([{"faults": [{"status": 500, "reads": 0}]}]), "from 1 on in faults[0]"),
        (json!([{"progress": vec![1; 102]}]), "expected at most 101 reports"),
        (
            json!([{"faults": [{"delay": -1}]}]),
            "expected a `delay` from 0 to 18446744073709551615 seconds, got -1",
        ),
        (json!([{"faults": [{"status": 500, "reads": "two"}]}]), "expected a number, a list"),
        (json!([{"pace": "reads:3", "received": 1}]), "expected `pace`, or `received`"),
        (json!([{"pase": "reads:3"}]), "unknown field `pase`"),
        (json!([{"when": {"a": 1}}]), "expected `when` together with a `command`"),
        (json!({"fail": "Z"}), "expected a JSON array"),
        (Value::Null, "got no body"),
    ] {
        let message = mock.refused("PUT", "/scripts", &scripts, 400);
        assert!(message.contains(expected), "{scripts}: {message}");
    }
    let message = mock.refused("PUT", "/scripts?account=a", &json!([{"account": "b"}]), 400);
    assert_eq!(message, "[0]: expected the account a of the query, got b");
    assert_eq!(mock.get("/scripts"), put);
    assert_eq!([end("acme"), end("other")], [completed, failed]);
    // The numbers of submissions do not change, either.
    mock.put_scripts(&json!([{"faults": [{"status": 503, "submissions": 1}]}]));
    let submit = || mock.0.post("acme", "/v1/subscriptions", "{}").status;
    assert_eq!([submit(), submit()], [503, 202]);
    mock.refused("PUT", "/scripts", &json!([{"command": "nope"}]), 400);
    assert_eq!(submit(), 202);
    mock.put_scripts(&put);

    mock.done("POST", "/reset?account=acme", &Value::Null);
    assert_eq!(mock.get("/scripts?account=acme"), json!([at_start[1]]));
    assert_eq!([end("acme"), end("other")], [failed; 2]);
    mock.done("POST", "/reset", &Value::Null);
    assert_eq!(mock.get("/scripts"), Value::from(at_start));
}

#[test]
fn the_clock_can_be_moved_on_sped_up_and_stopped() {
    let mock = ControlledMock::start(&["--advance", "3600", "--speed", "0"]);
    let now =
        || mock.get("/clock")["now"].as_str().unwrap().parse::<tasklife::Timestamp>().unwrap();
    let start = now();
    assert_eq!(now(), start, "the clock stands still");
    let task = mock.0.submit("acme", "{}");
    assert_eq!(mock.0.status(&task), "received");
    mock.send("POST", "/clock", &json!({"advance": "30m"})).json(200);
    assert_eq!(mock.0.status(&task), "processing-in-progress");
    mock.send("POST", "/clock", &json!({"advance": 1_800})).json(200);
    assert_eq!(mock.0.status(&task), "processing-completed");
    assert_eq!(now(), start + chrono::TimeDelta::hours(1));
    // The task expires ten days after its submission.
    mock.send("POST", "/clock", &json!({"advance": "10d"})).json(200);
    assert_eq!(mock.0.status(&task), "404");

    let moved = mock.send("POST", "/clock", &json!({"advance": 1.5, "speed": 36_000})).json(200);
    assert_eq!(moved["speed"], 36_000.0);
    let task = mock.0.submit("acme", "{}");
    poll(|| mock.0.status(&task) == "processing-completed");
    mock.send("POST", "/clock", &json!({"speed": 0})).json(200);
    let stopped = now();
    assert!(stopped > start + chrono::TimeDelta::days(10));
    assert_eq!(now(), stopped);
    // At its last instant, the clock stops, and the mock still answers.
    mock.send("POST", "/clock", &json!({"advance": "500000000 days"})).json(200);
    mock.send("POST", "/clock", &json!({"advance": 1e15, "speed": 1e300})).json(200);
    assert_eq!(now(), tasklife::MAX_TIME);

    let long = "a".repeat(4_000_000);
    let message = mock.refused("POST", "/clock", &json!({"advance": long}), 400);
    assert!(message.len() < 1_100, "{}", message.len());
    for (change, expected) in [
        (json!({}), "expected `advance`, `speed`, or both"),
        (json!({"advance": "-1h"}), "expected a duration such as \"10d\""),
        (json!({"advance": -1}), "expected a duration such as \"10d\""),
        (json!({"advance": null}), "expected a duration such as \"10d\""),
        (json!({"speed": -1}), "expected a `speed` of 0 or more, got -1"),
        (json!({"to": "2030-01-01"}), "unknown field `to`"),
        (json!([]), "expected"),
    ] {
        let message = mock.refused("POST", "/clock", &change, 400);
        assert!(message.contains(expected), "{change}: {message}");
    }
    mock.done("POST", "/reset", &Value::Null);
    let reset = now();
    assert!(reset >= start && reset < start + chrono::TimeDelta::hours(1), "{reset}");
    assert_eq!(mock.get("/clock")["speed"], 0.0, "the initial speed");
    let task = mock.0.submit("acme", "{}");
    assert_eq!(mock.0.status(&task), "received");
}

#[test]
fn the_journal_is_filtered_and_emptied() {
    let mock = ControlledMock::start(&["--advance", "immediate"]);
    let task = mock.0.submit("acme", "{}");
    mock.0.get("acme", &task);
    mock.0.get("acme", "/v1/tasks?limit=1");
    mock.0.get("acme", "/v1/tasksets");
    mock.0.get("other", "/v1/subscriptions");
    let numbers = |query: &str| -> Vec<u64> {
        let journal = mock.get(&format!("/journal{query}"));
        journal
            .as_array()
            .unwrap()
            .iter()
            .map(|exchange| exchange["number"].as_u64().unwrap())
            .collect()
    };
    let id = task.rsplit_once('/').unwrap().1;
    for (query, expected) in [
        ("", &[1, 2, 3, 4, 5][..]),
        ("?account=acme", &[1, 2, 3, 4]),
        ("?method=post", &[1]),
        ("?path=/v1/tasks", &[2, 3]),
        ("?path=/v1/tasks/&method=GET", &[2, 3]),
        ("?path=%2Fv1%2Fsubscriptions", &[1, 5]),
        ("?status=404", &[4]),
        (&format!("?task={id}"), &[1, 2]),
        ("?since=3", &[4, 5]),
        ("?limit=2", &[4, 5]),
        ("?limit=0", &[]),
        ("?account=nobody", &[]),
        ("?since=99999999999", &[]),
    ] {
        assert_eq!(numbers(query), expected, "{query}");
    }
    let message = mock.refused("GET", "/journal?status=many", &Value::Null, 400);
    assert!(message.starts_with("expected a query as described: status: "), "{message}");
    for query in ["?task=7", "?since=-1", "?status=many", "?x=1", "?account=", "?limit=1&limit=2"] {
        mock.refused("GET", &format!("/journal{query}"), &Value::Null, 400);
    }
    mock.done("DELETE", "/journal?account=acme", &Value::Null);
    assert_eq!(numbers(""), [5]);
    mock.done("DELETE", "/journal", &Value::Null);
    mock.0.get("acme", &task);
    assert_eq!(numbers(""), [6]);
}

#[test]
fn tasks_are_listed_and_moved_by_hand() {
    let mock = ControlledMock::start(&["--advance", "never", "--format", "google"]);
    let made = ["acme", "other", "acme"].map(|account| {
        mock.0.post(account, "/v1/subscriptions", r#"{"name": "test"}"#);
        mock.get("/tasks?limit=1")[0]["taskId"].as_str().unwrap().to_owned()
    });
    let listed = mock.get("/tasks");
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert_eq!(listed[0]["request"], "POST /v1/subscriptions");
    assert_eq!(mock.get("/tasks?account=other")[0]["taskId"], made[1]);
    let event = |id: &str, event: Value| mock.send("POST", &format!("/tasks/{id}"), &event);
    let started = event(&made[0], json!({"event": "start"})).json(200);
    assert_eq!(started["status"], "processing-in-progress");
    let report = json!({"event": "report", "progress": 40, "description": "Nearly."});
    let reported = event(&made[0], report).json(200);
    assert_eq!((&reported["progress"], &reported["description"]), (&json!(40), &json!("Nearly.")));
    assert_eq!(mock.get("/tasks?status=received").as_array().unwrap().len(), 2);
    let failed = event(&made[0], json!({"event": "fail", "fail": {"code": "NO"}})).json(200);
    assert_eq!((&failed["status"], &failed["error"]), (&json!("processing-error"), &json!("NO")));
    let by_hand = event(&made[1], json!({"event": "fail", "account": "other"})).json(200);
    assert_eq!(by_hand["error"], "FAILED_BY_HAND");
    let completed = event(&made[2], json!({"event": "complete"})).json(200);
    assert_eq!(completed["resourceId"], 77_899);
    assert_eq!(mock.0.get("acme", "/v1/subscriptions/77899").json(200)["name"], "test");

    let again = event(&made[2], json!({"event": "complete"})).json(409);
    assert!(again["error"].as_str().unwrap().contains("processing-completed"), "{again}");
    event(&made[2], json!({"event": "complete", "account": "other"})).json(404);
    event(&made[2].replace('1', "2"), json!({"event": "complete"})).json(404);
    event("seven", json!({"event": "complete"})).json(404);
    mock.refused("GET", "/tasks?limit=0", &Value::Null, 400);
    for invalid in [
        json!({"event": "finish"}),
        json!({"event": "complete", "progress": 4}),
        json!({"event": "start", "fail": "NO"}),
        json!({"event": "report", "progress": 101}),
        json!({}),
        Value::Null,
    ] {
        event(&made[2], invalid).json(400);
    }
}

#[test]
fn resources_are_added_in_the_order_of_the_list() {
    let mock = ControlledMock::start(&[]);
    let at = |path: &str| json!({"account": "acme", "path": path, "fields": {"name": path}});
    let (one, part) = (at("/subscriptions/1"), at("/subscriptions/1/databases/2"));
    let refusal = |resources: Value| mock.refused("PUT", "/resources", &resources, 400);
    let message = refusal(json!([part]));
    assert!(message.starts_with("[0]: expected its parent resource to exist"), "{message}");
    let message = refusal(json!([at("/nothing/1"), one]));
    assert!(message.starts_with("[0]: expected the path of a resource"), "{message}");
    assert_eq!(mock.0.get("acme", "/v1/subscriptions/1").status, 404);
    mock.done("PUT", "/resources", &json!([one, part]));
    assert_eq!(mock.0.get("acme", "/v1/subscriptions/1").json(200)["name"], "/subscriptions/1");
    // Its times are recent, because not every language can represent the year 0.
    let database = mock.0.get("acme", "/v1/subscriptions/1/databases/2").json(200);
    assert!(database["activatedOn"].as_str().unwrap().starts_with("20"), "{database}");
    assert_eq!(mock.get("/accounts"), json!(["acme"]));
}

#[test]
fn foreign_origins_and_hosts_are_refused() {
    let mock =
        Mock::start(&["--allow-host", "Mock", "--public-url", "https://public.example.com/v1"]);
    let address = &mock.0.address;
    let port = address.rsplit_once(':').unwrap().1;
    let status = |headers: &str| {
        let request = format!(
            "POST /_mock/reset HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n"
        );
        mock.0.exchange(request.as_bytes()).status
    };
    for (headers, expected) in [
        (format!("Host: {address}\r\n"), 204),
        (format!("Host: localhost:{port}\r\n"), 204),
        ("Host: LOCALHOST\r\n".into(), 204),
        ("Host: app.localhost:1\r\n".into(), 204),
        ("Host: [::1]:8080\r\n".into(), 204),
        ("Host: 10.1.2.3:8080\r\n".into(), 204),
        ("Host: mock:8080\r\n".into(), 204),
        ("Host: public.example.com\r\nOrigin: https://public.example.com\r\n".into(), 204),
        ("Host: 10.1.2.3:8080\r\nOrigin: https://public.example.com\r\n".into(), 204),
        (format!("Host: {address}\r\nOrigin: http://{address}\r\n"), 204),
        (format!("Host: {address}\r\nOrigin: http://127.0.0.1:1\r\n"), 403),
        (format!("Host: {address}\r\nOrigin: null\r\n"), 403),
        (format!("Host: {address}\r\nOrigin: http://{address}.evil.example\r\n"), 403),
        (
            format!(
                "Host: {address}\r\nOrigin: http://{address}\r\nOrigin: http://evil.example\r\n"
            ),
            403,
        ),
        ("Host: evil.example\r\nOrigin: http://evil.example\r\n".into(), 403),
        ("Host: evil.example\r\n".into(), 403),
        ("Host: localhost.evil.example\r\n".into(), 403),
        ("Host: 127.0.0.1.evil.example\r\n".into(), 403),
        ("Host: evil.example@localhost\r\n".into(), 403),
        ("Host: \r\n".into(), 403),
        (format!("Host: {address}\r\nHost: evil.example\r\n"), 403),
        (String::new(), 403),
    ] {
        assert_eq!(status(&headers), expected, "{headers:?}");
    }
    // The page has buttons only for a known host, and shows nothing to a foreign one.
    mock.submit("acme", "{}");
    let page = |host: &str| {
        let request = format!("GET / HTTP/1.1\r\nConnection: close\r\nHost: {host}\r\n\r\n");
        mock.0.exchange(request.as_bytes()).body
    };
    assert!(page(address).contains("<button") && page("mock").contains("acme"));
    let foreign = page("evil.example");
    assert!(!foreign.contains("acme") && foreign.contains("--allow-host"), "{foreign}");
}

#[test]
fn control_needs_an_option_beyond_loopback() {
    use std::net::TcpListener;

    // `Program` only listens on loopback, so this chooses a free port on every address.
    let start = |options: &[&str]| {
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let listen = format!("0.0.0.0:{port}");
            let mut command = std::process::Command::new(super::PROGRAM);
            command.args(["--quiet", "--listen", &listen]).args(options);
            if let Some(program) = Program::listening(&mut command, &format!("127.0.0.1:{port}")) {
                return ControlledMock(Mock(program));
            }
        }
        panic!("expected a free port");
    };
    let open = start(&[]);
    let message = open.refused("GET", "/clock", &Value::Null, 403);
    assert!(message.contains("--control"), "{message}");
    assert_eq!(open.get("/health")["status"], "ok");
    assert_eq!(open.0.0.send("GET", "/", "", b"").body.matches("<button").count(), 0);
    open.0.submit("acme", "{}");
    let controlled = start(&["--control"]);
    assert_eq!(controlled.get("/journal"), json!([]));
}

#[test]
fn control_runs_between_two_requests() {
    let mock = ControlledMock::start(&["--advance", "immediate"]);
    std::thread::scope(|scope| {
        for client in 0..3 {
            let mock = &mock;
            scope.spawn(move || {
                let account = format!("client{client}");
                for _ in 0..40 {
                    // A submission is accepted in every state that a reset can leave.
                    let accepted = mock.0.post(&account, "/v1/subscriptions", "{}");
                    assert_eq!(accepted.status, 202, "{accepted:?}");
                }
            });
        }
        scope.spawn(|| {
            for round in 0..40 {
                match round % 4 {
                    0 => mock.done("POST", "/reset", &Value::Null),
                    1 => mock.done("POST", "/reset?account=client1", &Value::Null),
                    2 => drop(mock.send("PUT", "/scripts", &json!([{"pace": "never"}])).json(200)),
                    _ => drop(mock.send("POST", "/clock", &json!({"advance": "1d"})).json(200)),
                }
            }
        });
    });
    let journal = mock.get("/journal");
    let numbers =
        journal.as_array().unwrap().iter().map(|exchange| exchange["number"].as_u64().unwrap());
    let numbers: Vec<u64> = numbers.collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
}
