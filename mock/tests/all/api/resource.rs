//! Resources: their status after the task, what they show, and how they are listed.

use std::time::Duration;

use serde_json::{Value, json};
use tasklife_mock::{Pace, Script};

use super::{CREATE, Client, DATABASE, acme, api, error, value};

fn after(seconds: u64) -> Pace {
    Pace::After(Duration::from_secs(seconds))
}

fn status(api: &impl Client, path: &str, seconds: f64) -> String {
    let response = api.get(path, seconds);
    match response.status().as_u16() {
        200 => value(&response)["status"].as_str().unwrap().to_owned(),
        other => other.to_string(),
    }
}

#[test]
fn a_resource_is_pending_after_its_task_and_then_active() {
    let api = api();
    api.on(CREATE, Script::in_steps(after(1), after(1)).resource(after(10))).unwrap();
    let task = api.submit("/v1/subscriptions", r#"{"name": "test"}"#, 0.0);
    let path = "/v1/subscriptions/77899";
    assert_eq!(status(&api, path, 1.9), "404");
    assert_eq!(status(&api, path, 2.0), "pending");
    assert_eq!(api.made(&task, 2.0), 77_899);
    assert_eq!(status(&api, path, 11.9), "pending");
    let expected =
        json!({ "id": 77899, "name": "test", "status": "active", "numberOfDatabases": 0 });
    assert_eq!(value(&api.get(path, 12.0)), expected);

    api.on(CREATE, Script::new(Pace::Immediate).resource(after(10)).resource_failing()).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 100.0);
    let path = format!("/v1/subscriptions/{}", api.made(&task, 100.0));
    let seen = [100.0, 110.0, 1e5].map(|at| status(&api, &path, at));
    assert_eq!(seen, ["pending", "error", "error"]);
}

#[test]
fn a_read_of_a_resource_moves_it_and_a_list_does_not() {
    let api = api();
    api.on(CREATE, Script::new(Pace::Reads(3))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let path = "/v1/subscriptions/77899";
    assert_eq!(api.statuses(&task, [0.0; 3])[2], "processing-completed");
    let listed = || value(&api.get("/v1/subscriptions", 0.0))["subscriptions"][0]["status"].clone();
    for _ in 0..5 {
        assert_eq!(listed(), "pending");
        api.get(&task, 0.0);
        assert_eq!(api.call("HEAD", path, "", 0.0).status(), 200);
    }
    assert_eq!(
        [0.0; 4].map(|at| status(&api, path, at)),
        ["pending", "pending", "active", "active"]
    );
    assert_eq!(listed(), "active");
}

#[test]
fn a_change_makes_it_pending_and_a_delete_makes_it_deleting_and_then_gone() {
    let api = api().with_existing(&acme(), "/subscriptions/1", &json!({ "name": "a", "size": 1 }));
    let api = api.unwrap();
    let path = "/v1/subscriptions/1";
    api.on_any(Script::new(Pace::Immediate).resource(after(10))).unwrap();
    let body = r#"{"name": "b", "planId": 7, "paid": true, "password": "x", "status": "odd", "list": [1]}"#;
    let update = api.accepted("PUT", path, body, 0.0);
    let changed = json!({
        "id": 1, "name": "b", "paid": true, "planId": 7, "size": 1, "status": "pending", "numberOfDatabases": 0,
    });
    assert_eq!(value(&api.get(path, 9.9)), changed);
    assert_eq!(status(&api, path, 10.0), "active");

    let delete = api.accepted("DELETE", path, "", 20.0);
    let seen = [20.0, 29.9, 30.0].map(|at| status(&api, path, at));
    assert_eq!(seen, ["deleting", "deleting", "404"]);
    assert_eq!(value(&api.get("/v1/subscriptions", 30.0))["subscriptions"], json!([]));
    for task in [update, delete] {
        assert_eq!(api.status(&task, 30.0), "processing-completed");
        assert_eq!(api.made(&task, 30.0), 1);
    }
    for (method, body) in [("PUT", "{}"), ("DELETE", ""), ("GET", "")] {
        assert_eq!(error(&api.call(method, path, body, 30.0)).0, 404);
    }
    // A resource whose deletion fails stays, in the status `error`.
    let api = super::api().with_existing(&acme(), "/subscriptions/1", &json!({})).unwrap();
    api.on_any(Script::new(Pace::Immediate).resource(after(10)).resource_failing()).unwrap();
    api.accepted("DELETE", path, "", 0.0);
    assert_eq!([0.0, 10.0].map(|at| status(&api, path, at)), ["deleting", "error"]);
}

#[test]
fn a_deletion_includes_the_resources_below() {
    let api = api();
    let task = api.submit(
        "/v1/subscriptions",
        r#"{"databases": [{"name": "x", "password": "p"}, {"name": "y"}]}"#,
        0.0,
    );
    let subscription = format!("/v1/subscriptions/{}", api.made(&task, 0.0));
    let task = api.submit(&format!("{subscription}/databases"), r#"{"name": "z"}"#, 0.0);
    let database = format!("{subscription}/databases/{}", api.made(&task, 0.0));
    assert_eq!(value(&api.get(&subscription, 0.0))["numberOfDatabases"], 3);
    let databases = value(&api.get(&format!("{subscription}/databases"), 0.0));
    let of = |listed: &Value| listed["subscription"][0]["databases"].as_array().unwrap().clone();
    let names: Vec<Value> = of(&databases).iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["x", "y", "z"]);
    // A database shows its password in one place.
    assert_eq!(of(&databases)[0]["security"]["password"], "p");
    assert_eq!(databases.to_string().matches("\"p\"").count(), 1, "{databases}");
    let page = |query: &str| {
        let listed = value(&api.get(&format!("{subscription}/databases?{query}"), 0.0));
        of(&listed).iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<String>()
    };
    assert_eq!(
        (page("offset=1"), page("limit=2"), page("offset=1&limit=1")),
        ("yz".into(), "xy".into(), "y".into())
    );
    assert_eq!(page("other=1"), "xyz");
    // Clients of the live API read pages until they get a 404.
    for query in ["offset=9", "limit=0"] {
        assert_eq!(error(&api.get(&format!("{subscription}/databases?{query}"), 0.0)).0, 404);
    }
    assert_eq!(error(&api.get(&format!("{subscription}/databases?limit=-1"), 0.0)).0, 400);

    // A subscription with databases cannot be deleted.
    let refused = value(&api.get(&api.accepted("DELETE", &subscription, "", 0.0), 0.0));
    assert_eq!(refused["response"]["error"]["type"], "SUBSCRIPTION_IN_USE");
    assert_eq!(status(&api, &database, 0.0), "active");

    // A database cannot be made if its subscription is deleted first.
    let empty = api.submit("/v1/subscriptions", "{}", 0.0);
    let empty = format!("/v1/subscriptions/{}", api.made(&empty, 0.0));
    api.accepted("PUT", &format!("{empty}/maintenance-windows"), r#"{"mode": "manual"}"#, 0.0);
    api.on(DATABASE, Script::new(after(10))).unwrap();
    let late = api.submit(&format!("{empty}/databases"), "{}", 0.0);
    api.accepted("DELETE", &empty, "", 1.0);
    for path in ["", "/databases", "/maintenance-windows"] {
        assert_eq!(status(&api, &format!("{empty}{path}"), 1.0), "404", "{path}");
    }
    let late = value(&api.get(&late, 10.0));
    assert_eq!(late["status"], "processing-error");
    assert_eq!(late["response"]["error"]["type"], "SUBSCRIPTION_NOT_FOUND");
    assert_eq!(late["response"]["error"]["status"], "404 NOT_FOUND");
}

#[test]
fn a_dry_run_makes_nothing() {
    let api = api();
    let task = api.submit("/v1/subscriptions", r#"{"dryRun": true, "databases": [{}]}"#, 0.0);
    let ended = value(&api.get(&task, 0.0));
    assert_eq!(
        (&ended["status"], &ended["response"]),
        (&json!("processing-completed"), &json!({}))
    );
    assert_eq!(value(&api.get("/v1/subscriptions", 0.0))["subscriptions"], json!([]));
}

#[test]
fn ids_are_the_next_free_numbers() {
    let api = ["77899", "77901", "2147483647"].into_iter().fold(api(), |api, id| {
        api.with_existing(&acme(), &format!("/subscriptions/{id}"), &json!({})).unwrap()
    });
    let made = [(); 3].map(|()| api.made(&api.submit("/v1/subscriptions", "{}", 0.0), 0.0));
    assert_eq!(made, [77_900, 77_902, 77_903]);
}

#[test]
fn a_task_without_an_id_makes_no_resource() {
    let api = api();
    api.on(CREATE, Script::new(Pace::Immediate).completing(|_| tasklife::Completion::default()))
        .unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.status(&task, 0.0), "processing-completed");
    assert_eq!(value(&api.get("/v1/subscriptions", 0.0))["subscriptions"], json!([]));
}

#[test]
fn a_request_cannot_set_the_id_status_or_counts() {
    let api = api();
    let body =
        r#"{"id": 5, "numberOfDatabases": 9, "status": "active", "saslPassword": "p", "n": 1}"#;
    let task = api.submit("/v1/subscriptions", body, 0.0);
    let path = format!("/v1/subscriptions/{}", api.made(&task, 0.0));
    let response = api.get(&path, 0.0);
    let expected = r#"{"id":77899,"n":1,"status":"active","numberOfDatabases":0}"#;
    assert_eq!(response.body(), expected);
}

#[test]
fn an_id_is_unique_across_kinds() {
    let api = ["/subscriptions/77900", "/subscriptions/77900/databases/77900"]
        .into_iter()
        .fold(api(), |api, path| {
            api.with_existing(&acme(), path, &json!({ "name": "old" })).unwrap()
        });
    let delete = api.accepted("DELETE", "/v1/subscriptions/77900/databases/77900", "", 0.0);
    assert_eq!(api.status(&delete, 0.0), "processing-completed");
    let made = [(); 2].map(|()| api.made(&api.submit("/v1/subscriptions", "{}", 0.0), 0.0));
    assert_eq!(made, [77_899, 77_901]);
    assert_eq!(value(&api.get("/v1/subscriptions/77900", 0.0))["name"], "old");
}

#[test]
fn a_deletion_cannot_be_undone() {
    let api = api().with_existing(&acme(), "/subscriptions/1", &json!({})).unwrap();
    let path = "/v1/subscriptions/1";
    api.on_any(Script::new(Pace::Immediate).resource(after(60))).unwrap();
    api.accepted("DELETE", path, "", 0.0);
    for (method, body, at) in [("PUT", "{}", 10.0), ("DELETE", "", 20.0)] {
        api.accepted(method, path, body, at);
    }
    assert_eq!([59.9, 60.0].map(|at| status(&api, path, at)), ["deleting", "404"]);
}

#[test]
fn a_text_id_that_looks_like_a_number_is_found() {
    let api = api();
    api.on(CREATE, Script::new(Pace::Immediate).completing(|_| tasklife::Completion::of("77")))
        .unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.status(&task, 0.0), "processing-completed");
    assert_eq!(status(&api, "/v1/subscriptions/77", 0.0), "active");
}

#[test]
fn answers_with_resources_are_private_to_caches() {
    let api = super::api().with_existing(&acme(), "/subscriptions/1", &json!({})).unwrap();
    for path in ["/v1/subscriptions/1", "/v1/subscriptions"] {
        let read = api.get(path, 0.0);
        assert_eq!(read.status(), 200, "{path}");
        assert_eq!(read.headers()["cache-control"], "private, no-cache", "{path}");
        assert_eq!(read.headers()["vary"], "x-api-key, x-api-secret-key", "{path}");
    }
}
