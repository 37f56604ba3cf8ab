//! The library: the mock without a socket.

mod bounds;
mod conduct;
mod fault;
mod format;
mod journal;
pub(crate) mod laws;
mod operation;
mod origin;
mod rate;
mod reset;
mod resource;
mod script;

use http::{Method, Request, Response};
use serde_json::Value;
use tasklife::{
    AccountId, CommandType, LinkShape, ListQuery, TaskDocument, TaskStatus, TaskStore, Timestamp,
};
use tasklife_mock::MockApi;

pub(crate) const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
pub(crate) const DATABASE: CommandType = CommandType::from_static("databaseCreateRequest");

/// The documented API, with the account `acme`.
pub(crate) fn api() -> MockApi {
    MockApi::redis_cloud("https://api.example.com/v1").unwrap().with_account(
        "key",
        "secret",
        acme(),
    )
}

pub(crate) fn acme() -> AccountId {
    "acme".parse().unwrap()
}

/// An instant, in seconds after a fixed one.
pub(crate) fn second(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "tests use few seconds")]
    let millis = (seconds * 1e3) as i64;
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + chrono::TimeDelta::milliseconds(millis)
}

/// A request with the keys of `acme`.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Request<String> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("x-api-key", "key")
        .header("x-api-secret-key", "secret")
        .body(body.to_owned())
        .unwrap()
}

/// A client whose clock shows `seconds`.
pub(crate) trait Client {
    fn call(&self, method: &str, path: &str, body: &str, seconds: f64) -> Response<String>;

    fn get(&self, path: &str, seconds: f64) -> Response<String> {
        self.call("GET", path, "", seconds)
    }

    /// Submits a task, and returns its path.
    fn submit(&self, path: &str, body: &str, seconds: f64) -> String {
        self.accepted("POST", path, body, seconds)
    }

    fn accepted(&self, method: &str, path: &str, body: &str, seconds: f64) -> String {
        let response = self.call(method, path, body, seconds);
        assert!(response.status().is_success(), "{response:?}");
        let location = response.headers()["location"].to_str().unwrap();
        location.strip_prefix("https://api.example.com").unwrap().to_owned()
    }

    /// The status of a task, as a read shows it.
    fn status(&self, task: &str, seconds: f64) -> String {
        let response = self.get(task, seconds);
        match response.status().as_u16() {
            200 => document(&response).status().to_string(),
            other => other.to_string(),
        }
    }

    fn statuses<const N: usize>(&self, task: &str, seconds: [f64; N]) -> [String; N] {
        seconds.map(|seconds| self.status(task, seconds))
    }

    /// The id of the resource that a task has made.
    fn made(&self, task: &str, seconds: f64) -> i64 {
        let body = value(&self.get(task, seconds));
        body["response"]["resourceId"].as_i64().unwrap_or_else(|| panic!("{body}"))
    }
}

impl Client for MockApi {
    fn call(&self, method: &str, path: &str, body: &str, seconds: f64) -> Response<String> {
        self.handle(&request(method, path, body), second(seconds))
    }
}

pub(crate) fn value(response: &Response<String>) -> Value {
    serde_json::from_str(response.body()).unwrap()
}

pub(crate) fn document(response: &Response<String>) -> TaskDocument {
    TaskDocument::from_json(response.body().as_bytes()).unwrap()
}

/// The ids in a list of tasks, as paths.
pub(crate) fn listed(response: &Response<String>) -> Vec<String> {
    let list = TaskDocument::list_from_json(response.body().as_bytes()).unwrap();
    list.tasks().iter().map(|task| format!("/v1/tasks/{}", task.task_id())).collect()
}

/// The status and message of an error, after checking its form.
pub(crate) fn error(response: &Response<String>) -> (u16, String) {
    let body = value(response);
    let status = response.status().as_u16();
    assert_eq!(body["status"], status);
    assert!(body["error"].is_string() && body["timestamp"].is_string(), "{body}");
    assert!(body["path"].as_str().unwrap().starts_with('/'), "{body}");
    (status, body["message"].as_str().unwrap().to_owned())
}

#[test]
fn an_unknown_path_is_not_found_and_a_wrong_method_is_not_allowed() {
    let api = api();
    for path in [
        "/",
        "/v2/tasks",
        "/v1/nothing",
        "/v1/tasks//",
        "/v1/tasks/7/more",
        "/v12/tasks",
        "/v1/subscriptions/7",
        "/v1/subscriptions/7/databases",
        "/v1/subscriptions/7/databases/8",
        "/v1/subscriptions/%FF",
        "/v1/subscriptions/007",
    ] {
        assert_eq!(error(&api.get(path, 0.0)).0, 404, "{path}");
    }
    for (method, path, allowed) in [
        ("POST", "/v1/tasks", "GET, HEAD"),
        ("DELETE", "/v1/tasks/7", "GET, HEAD"),
        ("DELETE", "/v1/subscriptions", "GET, HEAD, POST"),
        ("POST", "/v1/subscriptions/7", "DELETE, GET, HEAD, PUT"),
        ("DELETE", "/v1/subscriptions/7/databases/8/backup", "GET, HEAD, POST"),
        ("PATCH", "/v1/subscriptions/7/cidr", "GET, HEAD, PUT"),
    ] {
        let response = api.call(method, path, "{}", 0.0);
        assert_eq!(response.status(), 405, "{method} {path}");
        assert_eq!(response.headers()["allow"], allowed, "{method} {path}");
        if method != "HEAD" {
            error(&response);
        }
    }
    assert!(api.store().is_empty());
}

#[test]
fn a_404_names_the_missing_resource() {
    let api = api().with_existing(&acme(), "/subscriptions/7", &serde_json::json!({})).unwrap();
    let missing = |method: &str, path: &str| {
        let (status, message) = error(&api.call(method, path, "{}", 0.0));
        assert_eq!(status, 404, "{method} {path}");
        message
    };
    for (method, path, resource) in [
        ("POST", "/v1/subscriptions/1/databases", "subscription 1"),
        ("GET", "/v1/subscriptions/1/databases", "subscription 1"),
        ("GET", "/v1/subscriptions/1/databases/2", "subscription 1"),
        ("PUT", "/v1/subscriptions/7/databases/2", "database 2"),
        ("DELETE", "/v1/subscriptions/7/databases/2", "database 2"),
        ("GET", "/v1/subscriptions/7/databases/2/backup", "database 2"),
        ("DELETE", "/v1/subscriptions/1", "subscription 1"),
        ("PUT", "/v1/fixed/subscriptions/7", "subscription 7"),
        ("GET", "/v1/subscriptions/x%22%0A", "subscription \"x\\\"\\n\""),
    ] {
        assert_eq!(missing(method, path), format!("there is no {resource}"));
    }
    let deleted = api.accepted("DELETE", "/v1/subscriptions/7", "", 0.0);
    assert_eq!(api.status(&deleted, 0.0), "processing-completed");
    assert_eq!(missing("DELETE", "/v1/subscriptions/7"), "there is no subscription 7");
}

#[test]
fn a_slash_at_the_end_of_a_path_makes_no_difference() {
    let fields = serde_json::json!({});
    let api = api().with_existing(&acme(), "/subscriptions/7", &fields).unwrap();
    let task = api.submit("/v1/subscriptions/", "{}", 0.0);
    for path in ["/v1/tasks", &task, "/v1/subscriptions", "/v1/subscriptions/7"] {
        let [plain, slashed] = [path, &format!("{path}/")].map(|path| api.get(path, 0.0));
        assert_eq!((plain.status(), plain.body()), (slashed.status(), slashed.body()), "{path}");
        assert_eq!(plain.status(), 200, "{path}");
    }
}

#[test]
fn a_head_is_answered_as_the_get_would_be() {
    let fields = serde_json::json!({});
    let api = || api().with_existing(&acme(), "/subscriptions/7", &fields).unwrap();
    let task = api().submit("/v1/subscriptions", "{}", 0.0);
    for path in [
        "/v1/tasks",
        &task,
        "/v1/tasks/7",
        "/v1/subscriptions",
        "/v1/subscriptions/7",
        "/v1/subscriptions/8",
        "/v1/subscriptions/7/databases",
        "/v1/subscriptions/7/cidr",
        "/v1/nothing",
    ] {
        let [get, head] = ["GET", "HEAD"].map(|method| {
            let api = api();
            api.submit("/v1/subscriptions", "{}", 0.0);
            api.call(method, path, "", 0.0)
        });
        let mut headers = get.headers().clone();
        headers.insert("content-length", get.body().len().into());
        assert_eq!((head.status(), head.headers()), (get.status(), &headers), "{path}");
        assert!(head.body().is_empty() && !get.body().is_empty(), "{path}");
    }
    // If the GET creates a task, so does the HEAD, which has its Location.
    let api = api();
    let task = api.accepted("HEAD", "/v1/subscriptions/7/cidr", "", 0.0);
    assert_eq!(document(&api.get(&task, 1.0)).command_type(), Some("peeringListRequest"));
    let known = api.get(&task, 1.0).headers()["etag"].clone();
    let mut again = request("HEAD", &task, "");
    again.headers_mut().insert("if-none-match", known);
    assert_eq!(api.handle(&again, second(1.0)).status(), 304);
}

#[test]
fn a_repeat_may_format_its_json_differently() {
    let api = api();
    let post = |body: &str| {
        let mut request = request("POST", "/v1/subscriptions", body);
        request.headers_mut().insert("idempotency-key", "order-7".parse().unwrap());
        api.handle(&request, second(0.0))
    };
    let first = post(r#"{"name": "test", "nodes": [1, 2]}"#);
    let again = post("{\"nodes\":[1,2.0],\n\"name\":\"t\\u0065st\"}");
    assert_eq!(first.headers()["location"], again.headers()["location"]);
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert!(!first.headers().contains_key("idempotent-replayed"));
    let (status, message) = error(&post(r#"{"name": "other"}"#));
    assert!(status == 422 && message.contains("this Idempotency-Key"), "{message}");

    let task = api.store().get(&acme(), document(&first).id().unwrap(), second(0.0));
    let input: Value = serde_json::from_slice(task.unwrap().unwrap().input()).unwrap();
    assert_eq!(input["request"], "POST /v1/subscriptions");
    assert_eq!(input["body"]["name"], "test");
}

#[test]
fn paging_parameters_are_whole_numbers_and_occur_once() {
    let api = api();
    for number in [7, 8, 9] {
        let path = format!("/v1/subscriptions/{number}");
        api.call("GET", &path, "", 0.0);
    }
    for (query, words) in [
        ("offset=+1", "offset: expected a whole number from 0 to 4294967295, got \" 1\""),
        ("offset=-1", "offset: expected a whole number"),
        ("limit=", "limit: expected a whole number from 0 to 4294967295, got \"\""),
        ("limit=1&li%6Dit=1", "expected limit at most once"),
        ("offset=0&offset=0", "expected offset at most once"),
        ("offset=4294967296", "offset: expected a whole number"),
        ("offset=99999999999999999999999", "offset: expected a whole number"),
    ] {
        let (status, message) = error(&api.get(&format!("/v1/subscriptions?{query}"), 0.0));
        assert_eq!(status, 400, "{query}");
        assert!(message.starts_with(words), "{query}: {message}");
    }
    for query in ["offset=%30&limit=2", "other=+1", "offset", ""] {
        let status = api.get(&format!("/v1/subscriptions?{query}"), 0.0).status();
        assert_eq!(status.as_u16(), if query == "offset" { 400 } else { 200 }, "{query}");
    }
}

#[test]
fn links_and_bounds_of_retry_after_can_be_set() {
    let minute = std::time::Duration::from_mins(1);
    let api = api()
        .with_links(|links| Ok(links.with_shape(LinkShape::Map)))
        .unwrap()
        .with_replies(|replies| replies.with_retry_after(minute..=minute));
    let response = api.call("POST", "/v1/subscriptions", "{}", 0.0);
    assert_eq!(response.headers()["retry-after"], "60");
    assert_eq!(document(&response).link_shape(), Some(LinkShape::Map));
    let api = api
        .with_links(|links| Ok(links.with_shape(LinkShape::Array)))
        .unwrap()
        .with_replies(|replies| replies.with_retry_after(minute / 2..=minute / 2));
    let response = api.call("POST", "/v1/subscriptions", "{}", 0.0);
    assert_eq!(response.headers()["retry-after"], "30");
    assert_eq!(document(&response).link_shape(), Some(LinkShape::Array));
}

#[test]
fn advance_applies_due_steps_before_a_look_into_the_store() {
    let api = api();
    api.submit("/v1/subscriptions", "{}", 0.0);
    let status = || {
        let list = api.store().list(&acme(), &ListQuery::default(), second(0.0)).unwrap();
        list.tasks()[0].status()
    };
    assert_eq!(status(), TaskStatus::Received);
    api.advance(second(0.0));
    assert_eq!(status(), TaskStatus::ProcessingCompleted);
}

#[test]
fn an_impossible_api_is_refused_with_what_was_expected() {
    let own =
        || MockApi::new(tasklife::Links::new("/v1").unwrap(), tasklife::StoreConfig::default());
    let operation =
        |method, path| own().with_operation(method, path, CREATE).unwrap_err().to_string();
    let resource = |path| own().with_resource(path, "id").unwrap_err().to_string();
    let long = format!("/{}", "é".repeat(1_000));
    for (got, expected) in [
        (operation(Method::GET, "things"), "begins with a slash, in \"things\""),
        (operation(Method::GET, "/things//x"), "got \"\", in"),
        (operation(Method::GET, "/things/{}"), "got \"{}\""),
        (operation(Method::GET, "/things/../x"), "got \"..\""),
        (operation(Method::GET, "/thi ngs"), "got \"thi ngs\""),
        (operation(Method::GET, &long), "placeholders such as `{databaseId}`"),
        (operation(Method::GET, "/tasks"), "path for GET, in \"/tasks\""),
        (resource("/things"), "ends with a name and a placeholder"),
        (resource("/things/{a}/{b}"), "ends with a name and a placeholder"),
        (resource("/things/{a}/parts/{b}"), "parent resource to be added first"),
        (resource("/tasks/{id}"), "path for GET"),
        (MockApi::redis_cloud("v1").unwrap_err().to_string(), "a base address"),
    ] {
        assert!(got.contains(expected), "{expected}: {got}");
    }
    let things = || own().with_resource("/things/{id}", "id").unwrap();
    for taken in ["/things", "/things/{thing}"] {
        let got = things().with_operation(Method::GET, taken, CREATE).unwrap_err().to_string();
        assert!(got.contains("path for GET"), "{got}");
        let first = own().with_operation(Method::GET, taken, CREATE).unwrap();
        first.with_resource("/things/{id}", "id").unwrap_err();
    }
    let creating = own().with_operation(Method::POST, "/things", CREATE).unwrap();
    creating.with_resource("/things/{id}", "id").unwrap();
    things().with_resource("/things/{other}", "id").unwrap_err();
    let got = things().with_existing(&acme(), "/thing/7", &Value::Null).unwrap_err().to_string();
    assert!(got.contains("the path of a resource"), "{got}");
}
