//! Pro subscriptions and databases, from creation to deletion, with the client's own types.

use redis_cloud::databases::{DatabaseBackupRequest, DatabaseCreateRequest, DatabaseUpdateRequest};
use redis_cloud::subscriptions::{
    CidrAllowlistUpdateRequest, SubscriptionCreateRequest, SubscriptionUpdateRequest,
};
use redis_cloud::types::TaskStatus;
use serde_json::{Value, json};
use tasklife_clients::{Session, follow, lost, resource};
use tasklife_mock::{MockApi, Pace, Script};

/// A shortened example from the API's documentation.
fn wanted(name: &str) -> SubscriptionCreateRequest {
    let body = json!({
        "name": name,
        "paymentMethod": "credit-card",
        "memoryStorage": "ram",
        "cloudProviders": [{"provider": "AWS", "regions": [{"region": "us-east-1"}]}],
        "databases": [{"name": "cache", "protocol": "redis", "datasetSizeInGb": 2.5}],
    });
    serde_json::from_value(body).unwrap()
}

/// The documented API. Tasks and resources move on as they are read.
fn api() -> MockApi {
    let api = MockApi::redis_cloud("/v1").unwrap().with_visibility_lag(Pace::Reads(2));
    api.on_any(Script::new(Pace::Reads(3))).unwrap();
    api
}

/// Makes a subscription with one database, and returns both ids.
async fn subscribed(session: &Session) -> (i32, i32) {
    let task = session.client.subscriptions().create(&wanted("shop")).await.unwrap();
    let subscription = resource(&session.completed(task).await);
    let databases = session.client.databases().list(subscription).await.unwrap();
    (subscription, databases[0].database_id)
}

#[tokio::test]
async fn a_subscription_is_made_changed_and_deleted() {
    let session = Session::start(api()).await;
    let subscriptions = session.client.subscriptions();

    let accepted = subscriptions.create(&wanted("shop")).await.unwrap();
    assert_eq!(accepted.status, Some(TaskStatus::Received));
    assert_eq!(accepted.command_type.as_deref(), Some("subscriptionCreateRequest"));
    let end = session.completed(accepted).await;
    let id = resource(&end);
    let links = end.links.unwrap();
    assert_eq!(links[0].href, format!("/v1/subscriptions/{id}"));
    assert_eq!(links[0].rel, "resource");

    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend(subscriptions.get(id).await.unwrap().status);
    }
    assert_eq!(seen, ["pending", "pending", "active"]);
    let made = subscriptions.get(id).await.unwrap();
    assert_eq!((made.id, made.name.as_deref()), (Some(id), Some("shop")));
    assert_eq!(made.payment_method_type.as_deref(), Some("credit-card"));
    assert_eq!((made.memory_storage.as_deref(), made.number_of_databases), (Some("ram"), Some(1)));

    let renamed = SubscriptionUpdateRequest::builder().name("store").payment_method_id(7).build();
    let task = subscriptions.update(id, &renamed).await.unwrap();
    assert_eq!(resource(&session.completed(task).await), id);
    let listed = subscriptions.list().await.unwrap();
    let [changed] = &listed.subscriptions.unwrap()[..] else { panic!("expected one") };
    assert_eq!((changed.name.as_deref(), changed.payment_method_id), (Some("store"), Some(7)));
    assert_eq!(listed.account_id, Some(1));

    // Databases have to be deleted first.
    let databases = session.client.databases();
    for database in databases.list(id).await.unwrap() {
        let task = databases.delete(id, database.database_id).await.unwrap();
        session.completed(task).await;
        while databases.get(id, database.database_id).await.is_ok() {}
    }
    let task = subscriptions.delete(id).await.unwrap();
    assert_eq!(resource(&session.completed(task).await), id);
    for _ in 0..2 {
        assert_eq!(subscriptions.get(id).await.unwrap().status.as_deref(), Some("deleting"));
    }
    assert!(subscriptions.get(id).await.unwrap_err().is_not_found());
    assert!(subscriptions.list().await.unwrap().subscriptions.unwrap().is_empty());
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn a_database_is_made_changed_and_deleted() {
    let session = Session::start(api()).await;
    let databases = session.client.databases();
    let (subscription, first) = subscribed(&session).await;

    let wanted = DatabaseCreateRequest::builder()
        .name("sessions")
        .protocol("redis")
        .dataset_size_in_gb(1.5)
        .replication(true)
        .data_persistence("none")
        .password("a secret")
        .build();
    let task = databases.create(subscription, &wanted).await.unwrap();
    let end = session.completed(task).await;
    let id = resource(&end);
    assert_eq!(end.response.unwrap().additional_resource_id, Some(subscription));
    let address = format!("/v1/subscriptions/{subscription}/databases/{id}");
    assert_eq!(end.links.unwrap()[0].href, address);

    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend(databases.get(subscription, id).await.unwrap().status);
    }
    assert_eq!(seen, ["pending", "pending", "active"]);
    let made = databases.get(subscription, id).await.unwrap();
    assert_eq!((made.database_id, made.name.as_deref()), (id, Some("sessions")));
    assert_eq!((made.dataset_size_in_gb, made.replication), (Some(1.5), Some(true)));
    let listed = databases.list(subscription).await.unwrap();
    let ids: Vec<i32> = listed.iter().map(|database| database.database_id).collect();
    assert_eq!(ids, [first, id]);

    let larger = DatabaseUpdateRequest::builder().dataset_size_in_gb(3.0).build();
    let task = databases.update(subscription, id, &larger).await.unwrap();
    session.completed(task).await;
    let changed = databases.get(subscription, id).await.unwrap();
    assert_eq!(changed.dataset_size_in_gb, Some(3.0));
    assert_eq!(changed.name.as_deref(), Some("sessions"));

    let task = databases.delete(subscription, id).await.unwrap();
    session.completed(task).await;
    let deleted = databases.get(subscription, id).await.unwrap();
    assert_eq!(deleted.status.as_deref(), Some("deleting"));
    assert_eq!(databases.get(subscription, id).await.unwrap().status, deleted.status);
    assert!(databases.get(subscription, id).await.unwrap_err().is_not_found());
    assert_eq!(databases.list(subscription).await.unwrap().len(), 1);
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn databases_are_read_in_pages() {
    let session = Session::start(MockApi::redis_cloud("/v1").unwrap()).await;
    let databases = session.client.databases();
    let (subscription, first) = subscribed(&session).await;
    let mut ids = vec![first];
    for name in ["b", "c"] {
        let wanted = DatabaseCreateRequest::builder().name(name).build();
        let task = databases.create(subscription, &wanted).await.unwrap();
        ids.push(resource(&session.completed(task).await));
    }
    let all = databases.get_all_databases(subscription).await.unwrap();
    assert_eq!(all.iter().map(|database| database.database_id).collect::<Vec<_>>(), ids);

    // The Go client reads page after page until it gets a 404.
    let mut read = Vec::new();
    let end = loop {
        let offset = i32::try_from(read.len()).unwrap();
        match databases.get_subscription_databases(subscription, Some(offset), Some(2)).await {
            Ok(page) => {
                let [within] = &page.subscription[..] else { panic!("expected one: {page:?}") };
                assert_eq!(within.subscription_id, subscription);
                assert!(!within.databases.is_empty(), "an empty page is a 404");
                read.extend(within.databases.iter().map(|database| database.database_id));
            }
            Err(error) => break error,
        }
    };
    assert!(end.is_not_found(), "{end}");
    assert_eq!(read, ids);
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn a_task_that_reads_has_the_resource_in_its_result() {
    let session = Session::start(api()).await;
    let (subscription, database) = subscribed(&session).await;
    let databases = session.client.databases();

    let wanted = DatabaseBackupRequest::builder().adhoc_backup_path("s3://backups").build();
    let task = databases.backup_database(subscription, database, &wanted).await.unwrap();
    assert_eq!(resource(&session.completed(task).await), database);
    let task = databases.get_database_backup_status(subscription, database, None).await.unwrap();
    let end = session.completed(task).await;
    let found = end.response.unwrap().resource.unwrap();
    assert_eq!(found["status"], "processing", "the backup was not waited for");

    let wanted = json!({"cidrIps": ["10.0.0.0/24"]});
    let wanted: CidrAllowlistUpdateRequest = serde_json::from_value(wanted).unwrap();
    let subscriptions = session.client.subscriptions();
    let task = subscriptions.update_cidr_allowlist(subscription, &wanted).await.unwrap();
    session.completed(task).await;
    let task = subscriptions.cidr_allowlist(subscription).await.unwrap();
    let end = session.completed(task).await;
    assert_eq!(resource(&end), subscription);
    assert_eq!(end.response.unwrap().resource.unwrap()["cidr_ips"], json!(["10.0.0.0/24"]));
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn the_list_has_every_task_latest_first() {
    let session = Session::start(api()).await;
    assert!(session.client.tasks().list().await.unwrap().is_empty());
    subscribed(&session).await;
    let task = session.client.subscriptions().create(&wanted("other")).await.unwrap();
    assert_eq!(
        session.client.tasks().list().await.unwrap().len(),
        1,
        "the new task is still hidden"
    );
    let statuses = follow(&session.client, task).await.statuses;
    assert_eq!(statuses.last(), Some(&TaskStatus::ProcessingCompleted));

    let tasks = session.client.tasks().list().await.unwrap();
    let ids: Vec<Option<i32>> =
        tasks.iter().map(|task| task.response.as_ref().unwrap().resource_id).collect();
    assert_eq!(ids, [Some(77_901), Some(77_899)]);
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn the_types_of_the_client_lose_no_field() {
    let session = Session::start(MockApi::redis_cloud("/v1").unwrap()).await;
    let client = &session.client;
    let (subscription, database) = subscribed(&session).await;
    let at = |path: String| async move { client.get_raw(&path).await.unwrap() };
    let known: [String; 0] = [];

    let sent: Value = at("/subscriptions".into()).await;
    assert_eq!(lost(&sent, &client.subscriptions().list().await.unwrap()), known);
    let sent = at(format!("/subscriptions/{subscription}")).await;
    assert_eq!(lost(&sent, &client.subscriptions().get(subscription).await.unwrap()), known);
    let sent = at(format!("/subscriptions/{subscription}/databases")).await;
    let all = client.databases().get_subscription_databases(subscription, None, None).await;
    assert_eq!(lost(&sent, &all.unwrap()), known);
    let sent = at(format!("/subscriptions/{subscription}/databases/{database}")).await;
    assert_eq!(lost(&sent, &client.databases().get(subscription, database).await.unwrap()), known);

    // This client does not read the title of a link.
    let sent = at("/tasks".into()).await;
    let list = json!({"tasks": client.tasks().list().await.unwrap()});
    assert_eq!(lost(&sent, &list), ["/tasks/links/title"]);
    assert_eq!(session.findings(), []);
}
