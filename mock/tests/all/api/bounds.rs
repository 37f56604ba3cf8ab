//! Limits: keys, bodies, and the numbers of tasks and resources.

use http::Request;
use serde_json::json;
use tasklife::StoreConfig;
use tasklife_mock::{MockApi, Pace, Script};

use super::{CREATE, Client, acme, api, error, second};

fn with_keys(path: &str, keys: &[(&str, &str)]) -> Request<&'static str> {
    let request = Request::get(path);
    keys.iter()
        .fold(request, |request, (name, value)| request.header(*name, *value))
        .body("")
        .unwrap()
}

#[test]
fn an_account_is_hidden_without_its_keys() {
    let api = api();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    for path in [&task, "/v1/tasks", "/v1/subscriptions", "/v1/subscriptions/77899", "/v1/nothing"]
    {
        for keys in [
            &[][..],
            &[("x-api-key", "key")],
            &[("x-api-secret-key", "secret")],
            &[("x-api-key", "key"), ("x-api-secret-key", "")],
            &[("x-api-key", "key"), ("x-api-secret-key", "other")],
            &[("x-api-key", "other"), ("x-api-secret-key", "secret")],
        ] {
            let response = api.handle(&with_keys(path, keys), second(0.0));
            assert_eq!(error(&response).0, 401, "{path} {keys:?}");
        }
    }
    // An unknown key and a wrong secret get the same answer.
    let [one, other] = [("key", "other"), ("other", "secret")].map(|(key, secret)| {
        let keys = [("x-api-key", key), ("x-api-secret-key", secret)];
        api.handle(&with_keys("/v1/tasks", &keys), second(0.0)).into_body()
    });
    assert_eq!(one, other);
}

#[test]
fn keys_can_open_a_limited_number_of_accounts() {
    let api = MockApi::redis_cloud("/v1").unwrap().with_open_accounts(2);
    let call = |key: &str, secret: &str| {
        let keys = [("x-api-key", key), ("x-api-secret-key", secret)];
        api.handle(&with_keys("/v1/subscriptions", &keys), second(0.0))
    };
    for (key, number) in [("a", 1), ("b", 2), ("a", 1)] {
        let response = call(key, "s");
        assert_eq!(super::value(&response)["accountId"], number);
    }
    assert_eq!(error(&call("a", "other")).0, 401);
    let (status, message) = error(&call("c", "s"));
    assert_eq!(
        (status, &*message),
        (401, "expected one of the 2 known keys: no more accounts can be opened")
    );
    assert_eq!(error(&call("..", "s")).0, 401);
    assert_eq!(api.accounts().len(), 2);
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let api = api().with_config(StoreConfig::default().with_max_input(100));
    let sized = |size: usize| format!("{{}}{}", " ".repeat(size - 2));
    api.submit("/v1/subscriptions", &sized(100), 0.0);
    let response = api.call("POST", "/v1/subscriptions", &sized(101), 0.0);
    assert_eq!(error(&response), (413, "expected a body of at most 100 bytes, got 101".into()));
    let kept: Vec<usize> = api.journal().iter().map(|x| x.request_body.len()).collect();
    assert_eq!(kept, [100, 0]);
    // The longest possible path does not reduce the limit of the body.
    let long = format!("/v1/subscriptions?{}", "x".repeat(65_000));
    api.submit(&long, &sized(100), 0.0);
}

#[test]
fn a_full_store_drops_expired_tasks() {
    let api = api().with_config(StoreConfig::default().with_max_tasks(2));
    let tasks = [0.0, 1.0].map(|at| api.submit("/v1/subscriptions", "{}", at));
    let response = api.call("POST", "/v1/subscriptions", "{}", 2.0);
    assert_eq!(error(&response).0, 503);
    assert!(response.headers().contains_key("retry-after"));
    let days = 864_000.0;
    let third = api.submit("/v1/subscriptions", "{}", days);
    assert_eq!(api.store().len(), 2);
    let seen = [&tasks[0], &tasks[1], &third].map(|task| api.status(task, days));
    assert_eq!(seen, ["404", "processing-completed", "processing-completed"]);
    // The resource of an expired task stays.
    assert_eq!(api.get("/v1/subscriptions/77899", days).status(), 200);
}

#[test]
fn a_full_account_gets_a_retry_after() {
    let api = api().with_config(StoreConfig::default().with_max_open(1));
    api.on(CREATE, Script::new(Pace::Reads(1))).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    let response = api.call("POST", "/v1/subscriptions", "{}", 0.0);
    assert_eq!(error(&response).0, 429);
    assert_eq!(api.status(&task, 0.0), "processing-completed");
    api.submit("/v1/subscriptions", "{}", 0.0);
}

#[test]
fn the_number_of_resources_is_limited() {
    let subscription = "/v1/subscriptions/1".to_owned();
    let mut api = api().with_existing(&acme(), "/subscriptions/1", &json!({})).unwrap();
    // An account starts with ten: rules, plans, a cloud account and a user.
    for id in 2..=MockApi::MAX_RESOURCES - 10 {
        let path = format!("/subscriptions/1/databases/{id}");
        api = api.with_existing(&acme(), &path, &json!({})).unwrap();
    }
    for path in ["/v1/subscriptions", &format!("{subscription}/databases")] {
        let (status, message) = error(&api.call("POST", path, "{}", 0.0));
        assert_eq!(
            (status, &*message),
            (
                429,
                "expected an account with at most 1000000 resources; there is room for 0, and the request makes 1"
            )
        );
    }
    // Repeated requests, and those that make nothing, are still accepted.
    let database = format!("{subscription}/databases/2");
    let delete = api.accepted("DELETE", &database, "", 0.0);
    assert_eq!(api.status(&delete, 0.0), "processing-completed");
    api.submit("/v1/subscriptions", "{}", 0.0);
}

#[test]
fn an_account_with_keys_cannot_be_opened_by_its_name() {
    let api = api().with_open_accounts(5);
    let call = |key: &str, secret: &str| {
        let keys = [("x-api-key", key), ("x-api-secret-key", secret)];
        api.handle(&with_keys("/v1/tasks", &keys), second(0.0)).status().as_u16()
    };
    assert_eq!([call("acme", "any"), call("key", "secret"), call("new", "any")], [401, 200, 200]);
}

#[test]
fn a_request_makes_every_resource_that_it_lists_or_none() {
    let api = api();
    let many = vec!["{}"; 2_000].join(",");
    let task = api.submit("/v1/subscriptions", &format!(r#"{{"databases": [{many}]}}"#), 0.0);
    let path = format!("/v1/subscriptions/{}", api.made(&task, 0.0));
    assert_eq!(super::value(&api.get(&path, 0.0))["numberOfDatabases"], 2_000);

    let most = MockApi::MAX_RESOURCES;
    let body = |count: usize| format!(r#"{{"databases": [{{"quantity": {count}}}, {{}}]}}"#);
    for count in [most, usize::MAX] {
        let refused = api.call("POST", "/v1/subscriptions", &body(count), 0.0);
        let (status, message) = super::error(&refused);
        let makes = format!("the request makes {}", count.saturating_add(2));
        assert!(status == 429 && message.ends_with(&makes), "{message}");
    }
    // The resources that an account starts with count, too.
    let task = api.submit("/v1/subscriptions", &body(most - 2_100), 0.0);
    let path = format!("/v1/subscriptions/{}", api.made(&task, 0.0));
    assert_eq!(super::value(&api.get(&path, 0.0))["numberOfDatabases"], most - 2_099);
}

#[test]
fn expired_tasks_make_room_for_new_ones() {
    let api = api();
    // One a minute makes 14,400 in ten days.
    for minute in 0..40_000_u32 {
        api.submit("/v1/subscriptions", r#"{"dryRun": true}"#, f64::from(minute) * 60.0);
    }
    let held = api.store().len();
    assert!((14_400..14_500).contains(&held), "{held}");
}

#[test]
fn debug_output_has_no_secret() {
    let api = api();
    api.submit("/v1/subscriptions", r#"{"password": "p4ss"}"#, 0.0);
    let shown = format!("{api:?} {:?}", api.store());
    assert!(!shown.contains("secret") && !shown.contains("p4ss"), "{shown}");
}
