//! Requests that the API refuses, as errors of the client.

use redis_cloud::CloudError;
use redis_cloud::databases::DatabaseCreateRequest;
use redis_cloud::fixed_subscriptions::FixedSubscriptionCreateRequest;
use serde_json::{Value, json};
use tasklife::StoreConfig;
use tasklife_clients::{Session, follow};
use tasklife_mock::{MockApi, Pace, Script};

fn api() -> MockApi {
    MockApi::redis_cloud("/v1").unwrap()
}

fn wanted(name: &str) -> FixedSubscriptionCreateRequest {
    FixedSubscriptionCreateRequest::builder().name(name).plan_id(1).build()
}

#[tokio::test]
async fn wrong_keys_are_an_authentication_error_and_reveal_nothing() {
    let session = Session::start(api()).await;
    let task = session.client.fixed_subscriptions().create(&wanted("small")).await.unwrap();
    let id = task.task_id.unwrap();
    for (key, secret) in [("key", "wrong"), ("wrong", "secret"), ("", "")] {
        let other = session.client_with(key, secret);
        let errors = [
            other.tasks().get_task_by_id(id.clone()).await.unwrap_err(),
            other.tasks().list().await.unwrap_err(),
            other.subscriptions().list().await.unwrap_err(),
            other.fixed_subscriptions().create(&wanted("mine")).await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.is_unauthorized() && !error.is_retryable(), "{error}");
            let CloudError::AuthenticationFailed { message } = error else { panic!("{error}") };
            let body: Value = serde_json::from_str(&message).unwrap();
            assert_eq!((&body["status"], &body["error"]), (&json!(401), &json!("Unauthorized")));
        }
    }
    assert_eq!(session.client.tasks().list().await.unwrap().len(), 1);
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn resources_of_another_account_are_not_found() {
    let session = Session::start(api().with_open_accounts(2)).await;
    let task = session.client.fixed_subscriptions().create(&wanted("small")).await.unwrap();
    let end = session.completed(task).await;
    let subscription = tasklife_clients::resource(&end);
    let other = session.client_with("other", "secret");
    let errors = [
        other.tasks().get_task_by_id(end.task_id.unwrap()).await.unwrap_err(),
        other.fixed_subscriptions().get_by_id(subscription).await.unwrap_err(),
        other.fixed_subscriptions().delete_by_id(subscription).await.unwrap_err(),
        other.fixed_databases().list(subscription, None, None).await.unwrap_err(),
    ];
    assert!(errors.iter().all(CloudError::is_not_found), "{errors:?}");
    assert!(other.tasks().list().await.unwrap().is_empty());
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn missing_resources_are_not_found() {
    let session = Session::start(api()).await;
    let client = &session.client;
    let database = DatabaseCreateRequest::builder().name("cache").build();
    let errors = [
        client.subscriptions().get(1).await.unwrap_err(),
        client.subscriptions().delete(1).await.unwrap_err(),
        client.subscriptions().cidr_allowlist(1).await.unwrap_err(),
        client.databases().list(1).await.unwrap_err(),
        client.databases().get(1, 2).await.unwrap_err(),
        client.databases().create(1, &database).await.unwrap_err(),
        client.tasks().get_task_by_id("no-uuid".into()).await.unwrap_err(),
        client.users().get(7).await.unwrap_err(),
        client.cloud_accounts().get(7).await.unwrap_err(),
        client.vpc_peering().get(1).await.unwrap_err(),
        // This path is not in the public description.
        client.get_raw("/cost-report").await.unwrap_err(),
    ];
    for error in errors {
        let CloudError::NotFound { message } = error else { panic!("{error}") };
        let body: Value = serde_json::from_str(&message).unwrap();
        assert_eq!((&body["status"], &body["error"]), (&json!(404), &json!("Not Found")));
        assert!(body["timestamp"].is_string() && body["path"].is_string(), "{body}");
    }
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn malformed_requests_are_bad_requests() {
    let session =
        Session::start(api().with_config(StoreConfig::default().with_max_input(100))).await;
    let error = session.client.post_raw("/subscriptions", json!(["shop"])).await.unwrap_err();
    assert!(error.is_bad_request(), "{error}");
    let error = session.client.get_raw("/tasks?limit=none").await.unwrap_err();
    assert!(error.is_bad_request(), "{error}");
    // One body is too long for the mock, the other for axum.
    for length in [100, 3 << 20] {
        let long = session.client.fixed_subscriptions().create(&wanted(&"x".repeat(length))).await;
        assert!(matches!(long, Err(CloudError::ApiError { code: 413, .. })), "{long:?}");
    }
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn a_full_account_and_a_full_store_are_retryable() {
    let api = api().with_config(StoreConfig::default().with_max_open(1).with_max_tasks(2));
    api.on_any(Script::new(Pace::Reads(2))).unwrap();
    let session = Session::start(api).await;
    let subscriptions = session.client.fixed_subscriptions();
    let first = subscriptions.create(&wanted("first")).await.unwrap();

    let error = subscriptions.create(&wanted("second")).await.unwrap_err();
    assert!(error.is_rate_limited() && error.is_retryable(), "{error}");
    follow(&session.client, first).await;
    let second = subscriptions.create(&wanted("second")).await.unwrap();
    follow(&session.client, second).await;
    let error = subscriptions.create(&wanted("third")).await.unwrap_err();
    assert!(matches!(error, CloudError::ServiceUnavailable { .. }), "{error}");
    assert!(error.is_retryable());
    assert_eq!(session.client.tasks().list().await.unwrap().len(), 2);
    assert_eq!(session.findings(), []);
}
