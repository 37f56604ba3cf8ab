//! Failed tasks and resources, as the client sees them.

use redis_cloud::databases::DatabaseCreateRequest;
use redis_cloud::types::TaskStatus;
use serde_json::json;
use tasklife::{CommandType, TaskError};
use tasklife_clients::{Session, follow};
use tasklife_mock::{MockApi, Pace, Script};

const DATABASE: CommandType = CommandType::from_static("databaseCreateRequest");

fn api() -> MockApi {
    let account = "acme".parse().unwrap();
    let api = MockApi::redis_cloud("/v1").unwrap();
    api.with_existing(&account, "/subscriptions/1206", &json!({"name": "shop"})).unwrap()
}

#[tokio::test]
async fn a_failed_task_has_an_error_and_makes_nothing() {
    let api = api();
    let why = TaskError::new("DATABASE_NOT_ACTIVE", "The database is not active.")
        .with_status("409 CONFLICT")
        .with_additional_info("try again later");
    api.on_if(DATABASE, |body| body["name"] == "broken", Script::new(Pace::Reads(2)).failing(why))
        .unwrap();
    let session = Session::start(api).await;
    let databases = session.client.databases();

    let broken = DatabaseCreateRequest::builder().name("broken").build();
    let accepted = databases.create(1206, &broken).await.unwrap();
    let followed = follow(&session.client, accepted).await;
    assert_eq!(
        followed.statuses,
        [TaskStatus::ProcessingInProgress, TaskStatus::ProcessingError],
        "{followed:?}"
    );
    let response = followed.end.response.unwrap();
    assert_eq!(response.error_message().as_deref(), Some("The database is not active."));
    let error = response.error.unwrap();
    assert_eq!(
        (&error["type"], &error["status"]),
        (&json!("DATABASE_NOT_ACTIVE"), &json!("409 CONFLICT"))
    );
    assert_eq!(response.additional_info.as_deref(), Some("try again later"));
    assert_eq!(response.resource_id, None);
    let subscription = session.client.subscriptions().get(1206).await.unwrap();
    assert_eq!(subscription.number_of_databases, Some(0));

    let fine = DatabaseCreateRequest::builder().name("fine").build();
    let task = databases.create(1206, &fine).await.unwrap();
    session.completed(task).await;
    assert_eq!(databases.list(1206).await.unwrap().len(), 1);
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn a_resource_can_fail_after_its_task_has_completed() {
    let api = api();
    api.on(DATABASE, Script::new(Pace::Immediate).resource(Pace::Reads(2)).resource_failing())
        .unwrap();
    let session = Session::start(api).await;
    let databases = session.client.databases();

    let wanted = DatabaseCreateRequest::builder().name("broken").build();
    let task = databases.create(1206, &wanted).await.unwrap();
    let id = tasklife_clients::resource(&session.completed(task).await);
    let [first, second] = [
        databases.get(1206, id).await.unwrap().status,
        databases.get(1206, id).await.unwrap().status,
    ];
    assert_eq!((first.as_deref(), second.as_deref()), (Some("pending"), Some("error")));
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn a_task_fails_if_its_resource_was_deleted_before() {
    let api = api();
    api.on(DATABASE, Script::new(Pace::Reads(2))).unwrap();
    let session = Session::start(api).await;
    let wanted = DatabaseCreateRequest::builder().name("late").build();
    let waiting = session.client.databases().create(1206, &wanted).await.unwrap();
    let deletion = session.client.subscriptions().delete(1206).await.unwrap();
    session.completed(deletion).await;

    let end = follow(&session.client, waiting).await.end;
    assert_eq!(end.status, Some(TaskStatus::ProcessingError));
    let error = end.response.unwrap().error.unwrap();
    assert_eq!(error["type"], "SUBSCRIPTION_NOT_FOUND");
    assert_eq!(session.findings(), []);
}
