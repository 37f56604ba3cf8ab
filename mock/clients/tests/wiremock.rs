//! A `MockApi` as a `wiremock` responder, next to another mock.

#![expect(clippy::disallowed_methods, reason = "a server reads the clock")]

// The documentation of `tasklife_mock` shows this program, from here:
use std::sync::Arc;
use tasklife_mock::MockApi;
use wiremock::{Request, Respond, ResponseTemplate};

/// Responds as the API does.
fn responder(api: Arc<MockApi>) -> impl Respond {
    move |received: &Request| {
        let mut request = http::Request::new(&received.body);
        *request.method_mut() = received.method.clone();
        *request.uri_mut() = received.url.as_str().parse().unwrap_or_default();
        *request.headers_mut() = received.headers.clone();
        let response = api.handle(&request, chrono::Utc::now());
        let template = ResponseTemplate::new(response.status()).append_headers(response.headers());
        template.set_body_bytes(response.into_body())
    }
}
// To here.

use redis_cloud::fixed_subscriptions::FixedSubscriptionCreateRequest;
use serde_json::json;
use tasklife_clients::{client, findings, follow, resource};
use tasklife_mock::{Pace, Script};
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer};

#[tokio::test]
async fn a_client_follows_a_task_that_moves() {
    let api = MockApi::redis_cloud("/v1").unwrap().with_open_accounts(1);
    api.on_any(Script::new(Pace::Reads(2))).unwrap();
    let api = Arc::new(api.with_visibility_lag(Pace::Reads(1)));
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(responder(api.clone())).with_priority(9).mount(&server).await;
    let client = client(&format!("{}/v1", server.uri()), "key", "secret");

    let wanted = FixedSubscriptionCreateRequest::builder().name("small").plan_id(1).build();
    let task = client.fixed_subscriptions().create(&wanted).await.unwrap();
    let followed = follow(&client, task).await;
    assert_eq!((followed.missed, followed.statuses.len()), (1, 2));
    let subscription = resource(&followed.end);
    let made = client.fixed_subscriptions().get_by_id(subscription).await.unwrap();
    assert_eq!(made.name.as_deref(), Some("small"));
    assert!(client.tasks().get_task_by_id("%20".into()).await.unwrap_err().is_not_found());
    assert_eq!(
        client.get_raw("/tasks?limit=1").await.unwrap()["tasks"][0]["status"],
        "processing-completed"
    );

    // Another mock answers what the API does not have.
    let account = ResponseTemplate::new(200).set_body_json(json!({"account": {"id": 1001}}));
    Mock::given(path("/v1/")).respond_with(account).mount(&server).await;
    let root = client.account().get_current_account().await.unwrap();
    assert_eq!(root.account.unwrap().id, Some(1001));
    assert_eq!(findings(&api), []);
}

#[tokio::test]
async fn an_answer_arrives_with_its_headers() {
    let api = MockApi::redis_cloud("/v1").unwrap().with_open_accounts(1);
    api.on_any(Script::new(Pace::Never)).unwrap();
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(responder(Arc::new(api))).mount(&server).await;
    let request = reqwest::Client::new().post(format!("{}/v1/subscriptions", server.uri()));
    let request = request.header("x-api-key", "key").header("x-api-secret-key", "secret");
    let answer = request.body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    assert_eq!((header("content-type"), header("retry-after")), ("application/json", "1"));
    assert!(header("location").starts_with("/v1/tasks/"));
}
