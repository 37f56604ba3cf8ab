//! How the client follows tasks: 404s at first, every status, time, lanes.

use std::num::NonZeroU32;
use std::time::Duration;

use redis_cloud::fixed_subscriptions::FixedSubscriptionCreateRequest;
use redis_cloud::types::{TaskStateUpdate, TaskStatus};
use tasklife::{LinkShape, StoreConfig};
use tasklife_clients::{Session, findings_in, follow};
use tasklife_mock::{MockApi, Pace, Script};

fn api() -> MockApi {
    MockApi::redis_cloud("/v1").unwrap()
}

async fn submitted(session: &Session, name: &str) -> TaskStateUpdate {
    let wanted = FixedSubscriptionCreateRequest::builder().name(name).plan_id(1).build();
    session.client.fixed_subscriptions().create(&wanted).await.unwrap()
}

#[tokio::test]
async fn the_client_tolerates_404s_for_a_new_task() {
    let api = api().with_visibility_lag(Pace::Reads(5));
    api.on_any(Script::new(Pace::Reads(2)).initialized(Pace::Reads(2))).unwrap();
    let session = Session::start(api).await;
    let followed = follow(&session.client, submitted(&session, "small").await).await;
    assert_eq!(followed.missed, 5);
    assert_eq!(
        followed.statuses,
        [
            TaskStatus::Initialized,
            TaskStatus::Received,
            TaskStatus::ProcessingInProgress,
            TaskStatus::ProcessingCompleted
        ]
    );

    let journal = session.api.journal();
    let polls = journal.iter().filter(|exchange| exchange.path.starts_with("/v1/tasks/"));
    let polls: Vec<u16> = polls.map(|exchange| exchange.status).collect();
    assert_eq!(polls, [404, 404, 404, 404, 404, 200, 200, 200, 200]);
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn a_task_moves_without_being_read() {
    let api = api().with_visibility_lag(Pace::After(Duration::from_millis(10)));
    let step = Pace::After(Duration::from_millis(400));
    api.on_any(Script::in_steps(step, step)).unwrap();
    let session = Session::start(api).await;
    let [followed, unseen] =
        [submitted(&session, "followed").await, submitted(&session, "unseen").await];
    let followed = follow(&session.client, followed).await;
    let mut statuses = followed.statuses;
    statuses.dedup();
    assert_eq!(statuses.last(), Some(&TaskStatus::ProcessingCompleted));
    assert!(statuses.len() > 1, "it took time: {statuses:?}");

    tokio::time::sleep(Duration::from_millis(500)).await;
    let statuses = follow(&session.client, unseen).await.statuses;
    assert_eq!(statuses, [TaskStatus::ProcessingCompleted]);
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn tasks_of_an_account_can_wait_for_each_other() {
    let one_at_a_time = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let api = api().with_config(one_at_a_time);
    api.on_any(Script::in_steps(Pace::Immediate, Pace::Reads(2))).unwrap();
    let session = Session::start(api).await;
    let [first, second] = [submitted(&session, "first").await, submitted(&session, "second").await];
    let id = second.task_id.clone().unwrap();
    let waiting = session.client.tasks().get_task_by_id(id).await.unwrap();
    assert_eq!(waiting.status, Some(TaskStatus::Received));
    session.completed(first).await;
    let statuses = follow(&session.client, second).await.statuses;
    assert_eq!(statuses, [TaskStatus::ProcessingInProgress, TaskStatus::ProcessingCompleted]);
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn clients_in_parallel_get_the_same_ids_in_every_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let session = Session::start(api().with_open_accounts(8)).await;
        let mut clients = Vec::new();
        for number in 0..8 {
            let client = session.client_with(&format!("client-{number}"), "secret");
            clients.push(tokio::spawn(async move {
                let mut ids = Vec::new();
                for name in ["a", "b", "a"] {
                    let wanted = FixedSubscriptionCreateRequest::builder().name(name).plan_id(1);
                    let task = client.fixed_subscriptions().create(&wanted.build()).await.unwrap();
                    let end = follow(&client, task).await.end;
                    ids.push((end.task_id.clone().unwrap(), tasklife_clients::resource(&end)));
                }
                ids
            }));
        }
        let mut ids = Vec::new();
        for client in clients {
            ids.extend(client.await.unwrap());
        }
        assert_eq!(session.findings(), []);
        runs.push(ids);
    }
    assert_eq!(runs[0], runs[1]);
    runs[0].sort();
    runs[0].dedup();
    assert_eq!(runs[0].len(), 24);
}

#[tokio::test]
async fn the_auditor_reports_a_task_that_moves_backwards() {
    let api = api();
    api.on_any(Script::new(Pace::Reads(3))).unwrap();
    let session = Session::start(api).await;
    session.completed(submitted(&session, "small").await).await;
    assert_eq!(session.findings(), []);
    assert_ne!(findings_in(session.api.journal().iter().rev()), []);
}

#[tokio::test]
async fn the_older_shape_of_links_decodes_without_them() {
    let api = api().with_links(|links| Ok(links.with_shape(LinkShape::Map))).unwrap();
    let session = Session::start(api).await;
    let task = submitted(&session, "small").await;
    let end = session.completed(task).await;
    assert!(end.links.is_none());
    assert_eq!(session.client.tasks().list().await.unwrap().len(), 1);
    assert_eq!(session.findings(), []);
}
