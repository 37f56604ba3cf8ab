//! What the API refuses, as the client's errors.

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
async fn wrong_keys_are_an_authentication_that_failed_and_see_nothing() {
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
async fn what_belongs_to_another_account_is_not_there() {
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
async fn what_is_not_there_is_not_found() {
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
        // A part that is in no public description.
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
async fn what_can_not_be_read_is_a_bad_request() {
    let session =
        Session::start(api().with_config(StoreConfig::default().with_max_input(100))).await;
    let error = session.client.post_raw("/subscriptions", json!(["shop"])).await.unwrap_err();
    assert!(error.is_bad_request(), "{error}");
    let error = session.client.get_raw("/tasks?limit=none").await.unwrap_err();
    assert!(error.is_bad_request(), "{error}");
    // What is too long for the API, and what is too long for the server before it.
    for length in [100, 3 << 20] {
        let long = session.client.fixed_subscriptions().create(&wanted(&"x".repeat(length))).await;
        assert!(matches!(long, Err(CloudError::ApiError { code: 413, .. })), "{long:?}");
    }
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn a_full_account_and_a_full_api_are_worth_another_try() {
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
