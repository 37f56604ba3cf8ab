//! Faults that need a socket: delays, and connections that end in the middle of an answer.

use std::io::Read;
use std::time::{Duration, Instant};

use super::{Mock, keys};

fn set_scripts(mock: &Mock, scripts: &str) {
    assert_eq!(mock.0.send("PUT", "/_mock/scripts", "", scripts.as_bytes()).status, 200);
}

#[test]
fn an_answer_that_is_cut_short_ends_its_connection() {
    let mock = Mock::start(&["--advance", "never"]);
    set_scripts(&mock, r#"[{"faults": [{"cutShort": true, "reads": [1, 2]}]}]"#);
    let task = mock.submit("acme", "{}");
    let mut stream = mock.0.connect();
    let request = format!("GET {task} HTTP/1.1\r\nHost: mock\r\n{}\r\n", keys("acme"));
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut received = String::new();
    // After a complete answer, the connection would stay open.
    stream.read_to_string(&mut received).unwrap();
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert!(body.len() > 20 && body.len() < length.parse().unwrap(), "{received}");
    assert!(body.starts_with("{\"taskId\":"));
    let again = mock.get("acme", &task);
    assert!(again.body.len() > 20 && !again.body.ends_with('}'));
    assert_eq!(mock.status(&task), "received");
}

#[expect(clippy::disallowed_methods, reason = "the test measures a delay")]
#[test]
fn a_delayed_answer_delays_no_other_request() {
    let mock = Mock::start(&["--advance", "never"]);
    set_scripts(&mock, r#"[{"faults": [{"delay": 0.6, "reads": 1}]}]"#);
    let task = mock.submit("acme", "{}");
    let begin = Instant::now();
    assert_eq!(mock.status(&task), "received");
    assert!(begin.elapsed() >= Duration::from_millis(600));
    // If the client gives up waiting, its submission has still been accepted.
    set_scripts(&mock, r#"[{"faults": [{"delay": 3600, "submissions": 1}]}]"#);
    let mut impatient = mock.0.connect();
    impatient.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let request = format!(
        "POST /v1/subscriptions HTTP/1.1\r\nHost: mock\r\nContent-Length: 2\r\n{}\r\n{{}}",
        keys("other")
    );
    std::io::Write::write_all(&mut impatient, request.as_bytes()).unwrap();
    assert!(impatient.read(&mut [0]).is_err());
    drop(impatient);
    assert_eq!(mock.get("other", "/v1/tasks").json(200)["tasks"].as_array().unwrap().len(), 1);
}

#[test]
fn the_rate_limit_follows_the_clock() {
    let mock = Mock::start(&["--rate-limit", "3", "--speed", "0"]);
    let seen = [(); 4].map(|()| mock.get("acme", "/v1/tasks"));
    assert_eq!(seen.each_ref().map(|it| it.status), [200, 200, 200, 429]);
    assert_eq!(seen[3].header("retry-after"), Some("60"));
    assert_eq!(seen[0].header("x-rate-limit-remaining"), Some("2"));
    mock.0.send("POST", "/_mock/clock", "", br#"{"advance": "1m"}"#);
    assert_eq!(mock.get("acme", "/v1/tasks").status, 200);
}
