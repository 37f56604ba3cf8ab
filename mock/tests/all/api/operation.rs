//! The documented operations: status codes, command types, results, links, ids.

use serde_json::{Value, json};
use tasklife::{Submission, TaskLink, TaskStore};
use tasklife_mock::{MockApi, Pace, Script};

use super::{CREATE, Client, acme, api, document, error, listed, request, second, value};

/// The documented operations, on an existing subscription and database.
const DOCUMENTED: [(&str, &str, u16, &str); 16] = [
    ("POST", "/subscriptions", 202, "subscriptionCreateRequest"),
    ("PUT", "/subscriptions/1", 200, "subscriptionUpdateRequest"),
    ("POST", "/subscriptions/1/databases", 202, "databaseCreateRequest"),
    ("PUT", "/subscriptions/1/databases/2", 200, "databaseUpdateRequest"),
    ("GET", "/subscriptions/1/databases/2/backup", 200, "databaseBackupStatusRequest"),
    ("POST", "/subscriptions/1/databases/2/backup", 200, "databaseBackupRequest"),
    ("GET", "/subscriptions/1/cidr", 202, "peeringListRequest"),
    ("PUT", "/subscriptions/1/cidr", 202, "cidrUpdateRequest"),
    ("DELETE", "/subscriptions/1/databases/2", 200, "databaseDeleteRequest"),
    ("DELETE", "/subscriptions/1", 200, "subscriptionDeleteRequest"),
    ("POST", "/fixed/subscriptions", 202, "fixedSubscriptionCreateRequest"),
    ("PUT", "/fixed/subscriptions/3", 202, "fixedSubscriptionUpdateRequest"),
    ("POST", "/fixed/subscriptions/3/databases", 200, "fixedDatabaseCreateRequest"),
    ("PUT", "/fixed/subscriptions/3/databases/4", 200, "fixedDatabaseUpdateRequest"),
    ("DELETE", "/fixed/subscriptions/3/databases/4", 200, "fixedDatabaseDeleteRequest"),
    ("DELETE", "/fixed/subscriptions/3", 200, "fixedSubscriptionDeleteRequest"),
];

fn populated() -> MockApi {
    let existing = [
        "/subscriptions/1",
        "/subscriptions/1/databases/2",
        "/fixed/subscriptions/3",
        "/fixed/subscriptions/3/databases/4",
    ];
    existing.into_iter().fold(api(), |api, path| {
        api.with_existing(&acme(), path, &json!({ "name": path })).unwrap()
    })
}

#[test]
fn each_documented_operation_has_its_status_its_command_type_and_its_result() {
    let api = populated();
    for (method, path, status, command) in DOCUMENTED {
        let response = api.call(method, &format!("/v1{path}"), r#"{"name": "n"}"#, 0.0);
        assert_eq!(response.status(), status, "{method} {path}");
        let accepted = document(&response);
        assert_eq!(accepted.command_type(), Some(command));
        assert_eq!(accepted.links().iter().filter_map(TaskLink::rel).collect::<Vec<_>>(), ["task"]);
        let task = format!("/v1/tasks/{}", accepted.task_id());
        assert_eq!(response.headers()["location"], format!("https://api.example.com{task}"));

        let ended = value(&api.get(&task, 0.0));
        if command.ends_with("ubscriptionDeleteRequest") {
            // One database was made before.
            assert_eq!(ended["response"]["error"]["type"], "SUBSCRIPTION_IN_USE", "{ended}");
            continue;
        }
        assert_eq!(ended["status"], "processing-completed", "{ended}");
        let made = (method == "POST" && !path.ends_with("backup"))
            .then(|| ended["response"]["resourceId"].clone());
        let ids: Vec<i64> = path.split('/').filter_map(|segment| segment.parse().ok()).collect();
        let (expected, parent) = match (made, &ids[..]) {
            (Some(made), ids) => (made, ids.last()),
            (None, [one]) => (json!(one), None),
            (None, [one, two]) => (json!(two), Some(one)),
            (None, ids) => panic!("{ids:?}"),
        };
        assert!(expected.as_i64().is_some_and(|id| i32::try_from(id).is_ok()), "{ended}");
        assert_eq!(ended["response"]["resourceId"], expected, "{method} {path}");
        let additional = ended["response"].get("additionalResourceId").and_then(Value::as_i64);
        assert_eq!(additional, parent.copied(), "{method} {path}");
        let shows = method == "GET" || command == "cidrUpdateRequest";
        assert_eq!(ended["response"].get("resource").is_some(), shows, "{ended}");

        let fixed = if path.starts_with("/fixed") { "/fixed" } else { "" };
        let href = match parent {
            Some(parent) => format!("{fixed}/subscriptions/{parent}/databases/{expected}"),
            None => format!("{fixed}/subscriptions/{expected}"),
        };
        if command == "databaseBackupStatusRequest" {
            // Pro and essentials databases share this command type, so no link fits both.
            assert_eq!(ended["links"][0]["rel"], "self", "{ended}");
            continue;
        }
        assert_eq!(ended["links"][0]["rel"], "resource", "{ended}");
        assert_eq!(ended["links"][0]["href"], format!("https://api.example.com/v1{href}"));
        // The link leads to the resource, unless it was deleted.
        let found = api.get(&format!("/v1{href}"), 0.0).status();
        assert_eq!(found, if method == "DELETE" { 404 } else { 200 }, "{href}");
    }
}

#[test]
fn a_get_with_a_task_shows_the_resource_and_changes_nothing() {
    let api = populated();
    let before = api.get("/v1/subscriptions/1", 0.0).into_body();
    let task = api.accepted("GET", "/v1/subscriptions/1/cidr", "", 0.0);
    let shown = value(&api.get(&task, 0.0))["response"]["resource"].clone();
    assert_eq!(shown, json!({ "cidr_ips": [], "security_group_ids": [] }));
    assert_eq!(api.get("/v1/subscriptions/1", 0.0).body(), &before);
}

#[test]
fn ids_of_tasks_do_not_depend_on_the_order_of_clients() {
    let bodies = [r#"{"name": "a"}"#, r#"{"name": "b"}"#, r#"{"name": "a"}"#, "{}"];
    let ids = |order: [usize; 4]| {
        let api = populated();
        let mut ids: Vec<_> = order
            .map(|at| api.submit("/v1/subscriptions", bodies[at], 0.0))
            .into_iter()
            .chain(
                ["1/databases/2", "1"]
                    .map(|id| api.accepted("DELETE", &format!("/v1/subscriptions/{id}"), "", 0.0)),
            )
            .collect();
        ids.sort();
        ids
    };
    let first = ids([0, 1, 2, 3]);
    assert_eq!(ids([3, 2, 1, 0]), first);
    assert_eq!(ids([2, 3, 0, 1]), first);
    let mut distinct = first.clone();
    distinct.dedup();
    assert_eq!(distinct, first);
}

#[test]
fn an_id_that_is_used_in_the_store_is_skipped() {
    let id = |task: &str| task.rsplit_once('/').unwrap().1.parse().unwrap();
    let first = api().submit("/v1/subscriptions", "{}", 0.0);
    let api = api();
    let taken = Submission::new(acme(), id(&first), CREATE);
    api.store().submit(taken, second(0.0)).unwrap();
    let next = [(); 2].map(|()| api.submit("/v1/subscriptions", "{}", 0.0));
    assert!(next[0] != first && next[1] != first && next[0] != next[1]);
    assert_eq!(api.store().len(), 3);
}

#[test]
fn threads_get_the_same_ids_in_every_run() {
    let run = || {
        let api = api();
        std::thread::scope(|scope| {
            for client in 0..4 {
                let api = &api;
                scope.spawn(move || {
                    for round in 0..25 {
                        let body = format!(r#"{{"name": "{client}-{}"}}"#, round % 5);
                        api.submit("/v1/subscriptions", &body, 0.0);
                    }
                });
            }
        });
        let mut ids = listed(&api.get("/v1/tasks", 0.0));
        ids.sort();
        ids
    };
    let first = run();
    assert_eq!(first.len(), 100);
    assert_eq!(run(), first);
}

#[test]
fn an_idempotency_key_identifies_one_request() {
    let api = populated();
    let call = |method: &str, path: &str, body: &str, key: &str| {
        let mut request = request(method, path, body);
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        api.handle(&request, second(0.0))
    };
    let id = |response: &http::Response<String>| document(response).task_id().to_owned();
    let first = call("POST", "/v1/subscriptions", "{}", "k");
    assert_eq!(id(&call("POST", "/v1/subscriptions", "{}", "k")), id(&first));
    assert_ne!(id(&call("POST", "/v1/subscriptions", "{}", "l")), id(&first));
    for (method, path, body) in [
        ("POST", "/v1/subscriptions", r#"{"name": "other"}"#),
        ("POST", "/v1/fixed/subscriptions", "{}"),
        ("PUT", "/v1/subscriptions/1", "{}"),
        ("POST", "/v1/subscriptions?x", "{}"),
    ] {
        assert_eq!(error(&call(method, path, body, "k")).0, 422, "{method} {path} {body}");
    }
    // The same body for another resource is another request.
    let gone = call("DELETE", "/v1/subscriptions/1/databases/2", "", "d");
    assert_eq!(error(&call("DELETE", "/v1/subscriptions/1", "", "d")).0, 422);
    // The resource is gone, but the answer is still the same task.
    assert_eq!(error(&api.call("DELETE", "/v1/subscriptions/1/databases/2", "", 0.0)).0, 404);
    let again = call("DELETE", "/v1/subscriptions/1/databases/2", "", "d");
    assert_eq!((again.status().as_u16(), id(&again)), (200, id(&gone)));
    assert_eq!(error(&call("POST", "/v1/subscriptions", "{}", "")).0, 400);
    assert_eq!(error(&call("DELETE", "/v1/subscriptions/5", "", "new")).0, 404);
}

#[test]
fn a_body_that_is_not_an_object_is_refused() {
    let api = populated();
    let deep = format!(r#"{{"a": {}{}}}"#, "[".repeat(100), "]".repeat(100));
    for body in ["[]", "7", "null", "\"x\"", "{", "name=x", "{} {}", &deep] {
        for (method, path) in [
            ("POST", "/v1/subscriptions"),
            ("PUT", "/v1/subscriptions/1"),
            ("DELETE", "/v1/subscriptions/1"),
        ] {
            let (status, message) = error(&api.call(method, path, body, 0.0));
            assert_eq!(status, 400, "{method} {body}");
            assert!(message.starts_with("expected a JSON object: "), "{message}");
        }
    }
    for (method, path) in [("POST", "/v1/subscriptions"), ("PUT", "/v1/subscriptions/1")] {
        assert_eq!(error(&api.call(method, path, "", 0.0)).0, 400);
    }
    let not_text = http::Request::post("/v1/subscriptions").header("x-api-key", "key");
    let not_text =
        not_text.header("x-api-secret-key", "secret").body(b"{\"name\": \"\xFF\"}").unwrap();
    assert_eq!(api.handle(&not_text, second(0.0)).status(), 400);
    assert!(api.store().is_empty());
}

#[test]
fn a_custom_api_has_its_paths_and_accepted_status() {
    let restart = tasklife::CommandType::from_static("restart");
    let links = tasklife::Links::new("/")
        .unwrap()
        .with_route(CREATE, "/racks/{additionalResourceId}/nodes/{resourceId}", "node")
        .unwrap();
    let api = MockApi::new(links, tasklife::StoreConfig::default())
        .with_account("key", "secret", acme())
        .with_resource("/racks/{rackId}", "name")
        .and_then(|api| api.with_resource("/racks/{rackId}/nodes/{nodeId}", "node"))
        .and_then(|api| api.with_operation(http::Method::POST, "/racks/{rackId}/nodes", CREATE))
        .and_then(|api| {
            api.with_operation(
                http::Method::POST,
                "/racks/{rackId}/nodes/{nodeId}/restart",
                restart.clone(),
            )
        })
        .and_then(|api| api.with_existing(&acme(), "/racks/left", &json!({})))
        .unwrap()
        .with_accepted(restart, http::StatusCode::CREATED)
        .unwrap();
    let task = |response: &http::Response<String>| {
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    let accepted = api.call("POST", "/racks/left/nodes", "{}", 0.0);
    let ended = value(&api.get(&task(&accepted), 0.0));
    let node = ended["response"]["resourceId"].as_i64().unwrap();
    assert_eq!(ended["response"]["additionalResourceId"], "left");
    assert_eq!(ended["_links"]["resource"]["href"], format!("/racks/left/nodes/{node}"));
    let restarted = api.call("POST", &format!("/racks/left/nodes/{node}/restart"), "", 0.0);
    assert_eq!(restarted.status(), 201);
    let ended = value(&api.get(&task(&restarted), 0.0));
    assert_eq!(ended["response"], json!({ "resourceId": node, "additionalResourceId": "left" }));
    assert_eq!(api.call("POST", "/racks/right/nodes", "{}", 0.0).status(), 404);
    let list = value(&api.get("/racks/left/nodes", 0.0));
    let expected = json!({ "accountId": 1, "rack": [
        { "rackId": "left", "numberOfNodes": 1, "nodes": [{ "node": node, "status": "active" }] },
    ] });
    assert_eq!(list, expected);
    let racks = json!({ "accountId": 1, "racks": [{ "name": "left", "status": "active", "numberOfNodes": 1 }] });
    assert_eq!(value(&api.get("/racks", 0.0)), racks);
}

#[test]
fn accounts_see_nothing_of_each_other() {
    let api = populated().with_account("key2", "secret2", "umbrella".parse().unwrap());
    api.on(CREATE, Script::new(Pace::Immediate)).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let made = api.made(&task, 0.0);
    let other = |method: &str, path: &str| {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("x-api-key", "key2").header("x-api-secret-key", "secret2");
        api.handle(&request.body("{}").unwrap(), second(0.0))
    };
    for path in [&task, "/v1/subscriptions/1", &format!("/v1/subscriptions/{made}")] {
        assert_eq!(other("GET", path).status(), 404, "{path}");
    }
    assert_eq!(other("DELETE", "/v1/subscriptions/1").status(), 404);
    assert_eq!(other("GET", "/v1/tasks").body(), "{}");
    let none = json!({ "accountId": 2, "subscriptions": [] });
    assert_eq!(value(&other("GET", "/v1/subscriptions")), none);
    // The same request of two accounts creates two tasks.
    let same = other("POST", "/v1/subscriptions");
    assert!(!task.ends_with(document(&same).task_id()));
}
