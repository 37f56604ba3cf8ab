//! Resets, resources that a test adds, and tasks that a test completes.

use std::num::NonZeroU32;

use serde_json::json;
use tasklife::{ApplyError, Scope, StoreConfig, TaskStatus, TaskStore};
use tasklife_mock::{MockApi, Pace, Script};

use super::{CREATE, Client, DATABASE, acme, api, document, listed, request, second, value};

fn as_other(api: &MockApi, method: &str, path: &str) -> http::Response<String> {
    let mut request = request(method, path, "{}");
    request.headers_mut().insert("x-api-key", "other".parse().unwrap());
    api.handle(&request, second(9.0))
}

fn two_accounts() -> MockApi {
    api()
        .with_open_accounts(1)
        .with_existing(&acme(), "/subscriptions/1", &json!({"name": "old"}))
        .unwrap()
}

#[test]
fn a_reset_restores_the_initial_state() {
    let api = two_accounts();
    let first = api.call("POST", "/v1/subscriptions", "{}", 0.0);
    api.call("DELETE", "/v1/subscriptions/1", "", 0.0);
    api.advance(second(1.0));
    assert_eq!(as_other(&api, "POST", "/v1/subscriptions").status(), 202);
    api.put_existing(&acme(), "/subscriptions/2", &json!({})).unwrap();
    assert_eq!(api.get("/v1/subscriptions/2", 1.0).status(), 200);
    let store = api.store();

    api.reset(Scope::Any);
    assert_eq!(api.journal(), []);
    assert_eq!(api.accounts(), [acme()]);
    assert_eq!(listed(&api.get("/v1/tasks", 1.0)), [] as [String; 0]);
    assert_eq!(value(&api.get("/v1/subscriptions/1", 1.0))["name"], "old");
    assert_eq!(api.get("/v1/subscriptions/2", 1.0).status(), 404);
    assert_eq!(api.journal()[0].number, 1);
    // The opened account is closed, and its key is unknown again.
    let mut opener = request("GET", "/v1/tasks", "");
    opener.headers_mut().insert("x-api-key", "third".parse().unwrap());
    assert_eq!(api.handle(&opener, second(1.0)).status(), 200);
    assert_eq!(as_other(&api, "GET", "/v1/tasks").status(), 401);
    // The same request gets the same id, in a new store.
    assert_eq!(api.call("POST", "/v1/subscriptions", "{}", 0.0).body(), first.body());
    assert_eq!((store.len(), api.store().len()), (3, 1));
}

/// After a reset, the clock may start earlier: the new store has no horizon.
#[test]
fn after_a_reset_the_clock_may_start_earlier() {
    let api = api();
    api.submit("/v1/subscriptions", "{}", 0.0);
    api.get("/v1/tasks", 5e6);
    api.store().sweep(9, second(5e6)).unwrap();
    api.reset(Scope::Any);
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.status(&task, 0.0), "processing-completed");
}

#[test]
fn a_reset_of_an_account_leaves_others_unchanged() {
    let api = two_accounts();
    let first = api.call("POST", "/v1/subscriptions", "{}", 0.0);
    api.call("DELETE", "/v1/subscriptions/1", "", 0.0);
    assert_eq!(as_other(&api, "POST", "/v1/subscriptions").status(), 202);
    let before = as_other(&api, "GET", "/v1/tasks").into_body();

    api.reset(Scope::Account(&acme()));
    assert_eq!(as_other(&api, "GET", "/v1/tasks").into_body(), before);
    assert!(api.journal().iter().all(|x| x.account != Some(acme())));
    assert_eq!(listed(&api.get("/v1/tasks", 1.0)), [] as [String; 0]);
    assert_eq!(value(&api.get("/v1/subscriptions/1", 1.0))["name"], "old");
    assert_eq!(api.call("POST", "/v1/subscriptions", "{}", 0.0).body(), first.body());
    // Resetting an unknown account does not create it.
    api.reset(Scope::Account(&"stranger".parse().unwrap()));
    assert_eq!(api.accounts().len(), 2);
}

#[test]
fn an_added_resource_replaces_and_needs_the_path_of_a_kind() {
    let api = two_accounts();
    api.put_existing(&acme(), "/subscriptions/1", &json!({"name": "new"})).unwrap();
    assert_eq!(value(&api.get("/v1/subscriptions/1", 0.0))["name"], "new");
    let fault = |path: &str| api.put_existing(&acme(), path, &json!({})).unwrap_err().to_string();
    assert!(fault("/nothing/1").contains("/nothing/1"));
    let orphan = "expected its parent resource to exist, in \"/subscriptions/9/databases/1\"";
    assert_eq!(fault("/subscriptions/9/databases/1"), orphan);
    let nobody = "nobody".parse().unwrap();
    api.put_existing(&nobody, "/subscriptions/9/databases/1", &json!({})).unwrap_err();
    assert_eq!(api.accounts(), [acme()], "what is refused changes nothing");
    let again = two_accounts().with_existing(&acme(), "/subscriptions/9/databases/1", &json!({}));
    assert_eq!(again.unwrap_err().to_string(), orphan);
    api.put_existing(&acme(), "/subscriptions/1/databases/1", &json!({})).unwrap();
    // It is as old as the first request after it was added.
    let database = value(&api.get("/v1/subscriptions/1/databases/1", 7.0));
    assert_eq!(database["activatedOn"], "2026-01-01T00:00:07Z");
    let later = value(&api.get("/v1/subscriptions/1/databases/1", 9.0));
    assert_eq!(later, database);
}

#[test]
fn complete_ignores_the_script() {
    let error = tasklife::TaskError::new("NO", "No.");
    for script in [
        Script::new(Pace::Never).initialized(Pace::Never),
        Script::in_steps(Pace::Immediate, Pace::Never),
        Script::in_steps(Pace::Never, Pace::Never).failing(error),
    ] {
        let api = api();
        api.on(CREATE, script).unwrap();
        let path = api.submit("/v1/subscriptions", r#"{"name": "test"}"#, 0.0);
        let id = path.rsplit_once('/').unwrap().1.parse().unwrap();
        let task = api.complete(&acme(), id, second(5.0)).unwrap();
        assert_eq!(task.status(), TaskStatus::ProcessingCompleted);
        assert_eq!(document(&api.get(&path, 5.0)).timestamp(), Some(second(5.0)));
        assert_eq!(value(&api.get("/v1/subscriptions/77899", 5.0))["name"], "test");
        let again = api.complete(&acme(), id, second(6.0));
        assert!(matches!(again, Err(ApplyError::Transition(_))), "{again:?}");
        let stranger = api.complete(&"stranger".parse().unwrap(), id, second(6.0));
        assert!(matches!(stranger, Err(ApplyError::NotFound)));
    }
}

#[test]
fn a_task_submitted_in_the_store_completes_without_a_resource() {
    let api = MockApi::redis_cloud("/v1").unwrap();
    let stranger: tasklife::AccountId = "stranger".parse().unwrap();
    let id = tasklife::TaskId::for_key(&stranger, "x");
    let submission = tasklife::Submission::new(stranger.clone(), id, CREATE);
    api.store().submit(submission, second(0.0)).unwrap();
    let task = api.complete(&stranger, id, second(0.0)).unwrap();
    assert_eq!(task.outcome().unwrap().unwrap().resource_id(), None);
}

/// A reset between the parsing of a request and its answer may close its account.
#[test]
fn a_request_during_a_reset_comes_before_or_after_it() {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Weak};

    let api = Arc::new(MockApi::redis_cloud("/v1").unwrap().with_open_accounts(1));
    let (inner, is_first): (Weak<MockApi>, _) = (Arc::downgrade(&api), AtomicBool::new(true));
    // A condition runs between parsing and answering.
    let in_between = move |_: &serde_json::Value| {
        if is_first.swap(false, Ordering::Relaxed) {
            let api = inner.upgrade().unwrap();
            api.reset(Scope::Any);
            api.handle(&request("GET", "/v1/tasks", ""), second(0.0));
        }
        true
    };
    api.on_if(CREATE, in_between, Script::new(Pace::Immediate)).unwrap();
    let mut late = request("POST", "/v1/subscriptions", "{}");
    late.headers_mut().insert("x-api-key", "late".parse().unwrap());
    // Its account was closed, and another one took the free place.
    assert_eq!(api.handle(&late, second(0.0)).status(), 401);
    assert_eq!(api.accounts(), ["key".parse().unwrap()]);
}

#[test]
fn a_full_lane_refuses_complete_and_waiting_tasks_continue() {
    let config = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let api = api().with_config(config);
    api.on(CREATE, Script::in_steps(Pace::Immediate, Pace::Never)).unwrap();
    let paths = ["{}", r#"{"name": "b"}"#].map(|body| api.submit("/v1/subscriptions", body, 0.0));
    let [first, second_id] =
        paths.each_ref().map(|path| path.rsplit_once('/').unwrap().1.parse().unwrap());
    // A task that is not yet received is left unchanged.
    let initialized = Script::in_steps(Pace::Never, Pace::Never).initialized(Pace::Never);
    api.on(DATABASE, initialized).unwrap();
    api.put_existing(&acme(), "/subscriptions/1", &json!({})).unwrap();
    let path = api.submit("/v1/subscriptions/1/databases", "{}", 0.0);
    let id = path.rsplit_once('/').unwrap().1.parse().unwrap();
    assert!(matches!(api.complete(&acme(), id, second(1.0)), Err(ApplyError::LaneFull)));
    assert_eq!(api.status(&path, 1.0), "initialized");
    let refused = api.complete(&acme(), second_id, second(1.0));
    assert!(matches!(refused, Err(ApplyError::LaneFull)), "{refused:?}");
    api.complete(&acme(), first, second(1.0)).unwrap();
    assert_eq!(api.status(&paths[1], 1.0), "processing-in-progress");
    api.complete(&acme(), second_id, second(1.0)).unwrap();
    assert_eq!(api.status(&paths[1], 1.0), "processing-completed");
}

#[test]
fn complete_fails_a_task_whose_resource_is_gone() {
    let api = two_accounts();
    api.on_any(Script::new(Pace::Never)).unwrap();
    let path = api.accepted("PUT", "/v1/subscriptions/1", r#"{"name": "new"}"#, 0.0);
    let delete = api.accepted("DELETE", "/v1/subscriptions/1", "", 0.0);
    let id = |path: &str| path.rsplit_once('/').unwrap().1.parse().unwrap();
    assert_eq!(
        api.complete(&acme(), id(&delete), second(0.0)).unwrap().status(),
        TaskStatus::ProcessingCompleted
    );
    assert_eq!(
        api.complete(&acme(), id(&path), second(0.0)).unwrap().status(),
        TaskStatus::ProcessingError
    );
}
