//! Essentials subscriptions and databases, from creation to deletion, with the client's own types.

use redis_cloud::fixed_databases::{FixedDatabaseCreateRequest, FixedDatabaseUpdateRequest};
use redis_cloud::fixed_subscriptions::{
    FixedSubscriptionCreateRequest, FixedSubscriptionUpdateRequest,
};
use serde_json::Value;
use tasklife_clients::{Session, lost, resource};
use tasklife_mock::{MockApi, Pace, Script};

fn api() -> MockApi {
    let api = MockApi::redis_cloud("/v1").unwrap().with_visibility_lag(Pace::Reads(1));
    api.on_any(Script::new(Pace::Reads(2))).unwrap();
    api
}

async fn subscribed(session: &Session) -> i32 {
    let wanted = FixedSubscriptionCreateRequest::builder().name("small").plan_id(98_183).build();
    let task = session.client.fixed_subscriptions().create(&wanted).await.unwrap();
    resource(&session.completed(task).await)
}

async fn with_database(session: &Session, subscription: i32) -> i32 {
    let wanted = FixedDatabaseCreateRequest::builder()
        .name("cache")
        .protocol("stack")
        .replication(false)
        .memory_limit_in_gb(0.25)
        .build();
    let task = session.client.fixed_databases().create(subscription, &wanted).await.unwrap();
    let end = session.completed(task).await;
    let database = resource(&end);
    let address = format!("/v1/fixed/subscriptions/{subscription}/databases/{database}");
    assert_eq!(end.links.unwrap()[0].href, address);
    database
}

#[tokio::test]
async fn a_subscription_is_made_changed_and_deleted() {
    let session = Session::start(api()).await;
    let subscriptions = session.client.fixed_subscriptions();
    let id = subscribed(&session).await;

    assert_eq!(subscriptions.get_by_id(id).await.unwrap().status.as_deref(), Some("pending"));
    let made = subscriptions.get_by_id(id).await.unwrap();
    assert_eq!((made.id, made.status.as_deref()), (Some(id), Some("active")));
    assert_eq!((made.name.as_deref(), made.plan_id), (Some("small"), Some(98_183)));

    let renamed = FixedSubscriptionUpdateRequest::builder().name("tiny").build();
    let task = subscriptions.update(id, &renamed).await.unwrap();
    session.completed(task).await;
    let listed = subscriptions.list().await.unwrap().subscriptions.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name.as_deref(), Some("tiny"));
    assert!(session.client.subscriptions().list().await.unwrap().subscriptions.unwrap().is_empty());

    let task = subscriptions.delete_by_id(id).await.unwrap();
    session.completed(task).await;
    assert_eq!(subscriptions.get_by_id(id).await.unwrap().status.as_deref(), Some("deleting"));
    assert!(subscriptions.get_by_id(id).await.unwrap_err().is_not_found());
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn a_database_is_made_changed_and_deleted() {
    let session = Session::start(api()).await;
    let databases = session.client.fixed_databases();
    let subscription = subscribed(&session).await;
    let id = with_database(&session, subscription).await;

    assert_eq!(
        databases.get_by_id(subscription, id).await.unwrap().status.as_deref(),
        Some("pending")
    );
    let made = databases.get_by_id(subscription, id).await.unwrap();
    assert_eq!((made.database_id, made.status.as_deref()), (Some(id), Some("active")));
    assert_eq!((made.protocol.as_deref(), made.memory_limit_in_gb), (Some("stack"), Some(0.25)));

    let renamed = FixedDatabaseUpdateRequest::builder().name("queue").build();
    let task = databases.update(subscription, id, &renamed).await.unwrap();
    session.completed(task).await;
    assert_eq!(databases.get_by_id(subscription, id).await.unwrap().name.as_deref(), Some("queue"));

    let task = databases.delete_by_id(subscription, id).await.unwrap();
    session.completed(task).await;
    let deleted = databases.get_by_id(subscription, id).await.unwrap();
    assert_eq!(deleted.status.as_deref(), Some("deleting"));
    assert!(databases.get_by_id(subscription, id).await.unwrap_err().is_not_found());
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn databases_are_listed_within_one_subscription() {
    let session = Session::start(api()).await;
    let databases = session.client.fixed_databases();
    let subscription = subscribed(&session).await;
    let empty = databases.list(subscription, None, None).await.unwrap().subscription.unwrap();
    assert_eq!((empty.number_of_databases, empty.databases.len()), (Some(0), 0));

    let id = with_database(&session, subscription).await;
    let page = databases.list(subscription, Some(0), Some(100)).await.unwrap();
    assert_eq!(page.account_id, Some(1));
    let within = page.subscription.unwrap();
    assert_eq!(within.subscription_id, Some(subscription));
    assert_eq!(within.number_of_databases, Some(1));
    assert_eq!(within.databases[0].database_id, Some(id));
    let after = databases.list(subscription, Some(100), Some(100)).await.unwrap();
    assert_eq!(after.subscription.unwrap().databases.len(), 0);
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn the_types_of_the_client_lose_no_field() {
    let session = Session::start(MockApi::redis_cloud("/v1").unwrap()).await;
    let client = &session.client;
    let subscription = subscribed(&session).await;
    let database = with_database(&session, subscription).await;
    let at = |path: String| async move { client.get_raw(&path).await.unwrap() };

    // The live API does not report the number of databases of an essentials subscription.
    let sent: Value = at("/fixed/subscriptions".into()).await;
    let decoded = client.fixed_subscriptions().list().await.unwrap();
    assert_eq!(lost(&sent, &decoded), ["/subscriptions/numberOfDatabases"]);
    let sent = at(format!("/fixed/subscriptions/{subscription}")).await;
    let decoded = client.fixed_subscriptions().get_by_id(subscription).await.unwrap();
    assert_eq!(lost(&sent, &decoded), ["/numberOfDatabases"]);
    let sent = at(format!("/fixed/subscriptions/{subscription}/databases")).await;
    let decoded = client.fixed_databases().list(subscription, None, None).await.unwrap();
    // The live API also has the status of the backup.
    assert_eq!(lost(&sent, &decoded), ["/subscription/databases/backup/status"]);
    let sent = at(format!("/fixed/subscriptions/{subscription}/databases/{database}")).await;
    let decoded = client.fixed_databases().get_by_id(subscription, database).await.unwrap();
    assert_eq!(lost(&sent, &decoded), ["/backup/status"]);
    assert_eq!(session.findings(), []);
}
