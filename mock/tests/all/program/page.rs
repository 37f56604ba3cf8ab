//! The page at `/`.

use std::fs;

use super::{Mock, keys};
use tasklife_test_support::Scratch;

/// Gets the page, which needs no keys.
fn page(mock: &Mock) -> String {
    let reply = mock.0.send("GET", "/", "", b"");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    reply.body
}

#[test]
fn the_page_shows_tasks_requests_and_accounts() {
    let mock = Mock::start(&["--advance", "reads:2", "--fail", "peeringListRequest=NO_CIDR"]);
    let empty = page(&mock);
    let curl = format!("curl http://{}/v1/subscriptions -d", mock.0.address);
    assert!(empty.contains(&curl) && !empty.contains("<table>"), "{empty}");
    assert!(empty.contains("<meta http-equiv=refresh content=1>"), "{empty}");

    let task = mock.submit("acme", "{}");
    mock.submit("umbrella", "{}");
    let received = page(&mock);
    assert_eq!(received.matches("<span class=status>received</span>").count(), 2);
    for part in ["acme <small class=faint>1</small>", "umbrella", "POST /v1/subscriptions"] {
        assert!(received.contains(part), "{part}: {received}");
    }
    assert_eq!(
        page(&mock).matches("received</span>").count(),
        2,
        "the page does not count as a read"
    );
    mock.get("acme", &task);
    assert!(page(&mock).contains("processing-in-progress</span>"));
    mock.get("acme", &task);
    let completed = page(&mock);
    assert!(completed.contains("processing-completed</span>"), "{completed}");
    assert!(completed.contains("<code>77899</code>"), "{completed}");
    let request = format!("<code>GET {task}</code>");
    assert_eq!(completed.matches(&request).count(), 2, "{completed}");

    let cidr = mock.get("acme", "/v1/subscriptions/77899/cidr").document(202);
    for _ in 0..2 {
        mock.get("acme", &format!("/v1/tasks/{}", cidr.task_id()));
    }
    assert!(page(&mock).contains("<code class=fail>NO_CIDR</code>"));
}

#[test]
fn an_open_task_has_its_progress_and_working_buttons() {
    let mock = Mock::start(&["--speed", "0"]);
    let scripts = br#"[{"received": 0, "inProgress": "never", "progress": [40]}]"#;
    assert_eq!(mock.0.send("PUT", "/_mock/scripts", "", scripts).status, 200);
    let task = mock.submit("acme", "{}");
    let id = task.rsplit_once('/').unwrap().1;
    let shown = page(&mock);
    assert!(shown.contains("processing-in-progress</span> 40&nbsp;%"), "{shown}");
    assert!(shown.contains("clock stopped") && shown.contains("<progress max=100 value=40>"));
    for event in ["complete", "fail"] {
        assert!(shown.contains(&format!("<button data-task={id} data-event={event}>")), "{shown}");
    }
    assert!(shown.contains("<script src=/_mock/page.js defer></script>"));
    let script = mock.0.send("GET", "/_mock/page.js", "", b"");
    assert!(script.body.contains("/_mock/tasks/${task}") && script.body.contains("dataset"));
    let path = format!("/_mock/tasks/{id}");
    assert_eq!(mock.0.send("POST", &path, "", br#"{"event":"complete"}"#).status, 200);
    assert!(!page(&mock).contains("<button"), "a finished task has no buttons");
}

#[test]
fn the_page_advances_tasks_and_shows_the_latest_hundred() {
    let mock = Mock::start(&["--advance", "immediate"]);
    for _ in 0..101 {
        mock.submit("acme", "{}");
    }
    mock.submit("umbrella", "{}");
    let shown = page(&mock);
    assert_eq!(shown.matches("processing-completed</span>").count(), 100);
    assert!(shown.contains("the latest 100 of 102"), "{shown}");
    assert!(shown.contains("acme <small class=faint>100+</small>"), "{shown}");
    assert_eq!(shown.matches("<code>POST /v1/subscriptions</code>").count(), 20);
}

#[test]
fn untrusted_text_is_escaped() {
    let config = Scratch::new("hostile");
    let text = r#"{"advance": "immediate", "scripts": [{"command": "subscriptionCreateRequest",
        "fail": {"code": "<b>code", "description": "<img src=x onerror=alert(1)>"}}]}"#;
    fs::write(config.path(), text).unwrap();
    let mock = Mock::start(&["--config", config.path()]);
    let hostile = r#"<script>alert("1" & '2')</script>"#;
    mock.submit(hostile, "{}");
    let path = r#"/v1/"><script>?'&"#.replace(['<', '>'], "|");
    mock.0.send("GET", &path, &keys(hostile), b"").error(404);

    let shown = page(&mock);
    for raw in ["<script>", "<img", "<b>", "'2'", "\"1\"", "1&quot; & "] {
        assert!(!shown.contains(raw), "{raw}: {shown}");
    }
    for escaped in [
        "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;",
        "&lt;b&gt;code",
        "&lt;img src=x onerror=alert(1)&gt;",
        "/v1/&quot;||script|?&#39;&amp;",
    ] {
        assert!(shown.contains(escaped), "{escaped}: {shown}");
    }
}

#[test]
fn only_the_root_path_is_the_page() {
    let mock = Mock::start(&[]);
    let head = mock.0.send("HEAD", "/", "", b"");
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(mock.0.send("GET", "/?still", "", b"").status, 200);
    for path in ["/index.html", "/page", "//"] {
        assert_eq!(mock.0.send("GET", path, "", b"").error(404), path);
    }
    assert_eq!(mock.0.send("POST", "/", "", b"{}").error(404), "/");
}
