//! Sessions of the client `redis-cloud` with a [`tasklife_mock`] API, over HTTP.

#![expect(clippy::disallowed_methods, reason = "a server reads the clock")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Request;
use axum::http::request::Parts;
use redis_cloud::types::{TaskStateUpdate, TaskStatus};
use redis_cloud::{CloudClient, CloudError};
use serde::Serialize;
use serde_json::Value;
use tasklife::Retention;
use tasklife::audit::{Auditor, Finding, Reading};
use tasklife_mock::{Exchange, MockApi};

/// A client and the API that it talks to. The API is served on a free loopback port for as long as
/// the runtime lives.
#[expect(missing_debug_implementations, reason = "the client has none")]
pub struct Session {
    /// The API that is served.
    pub api: Arc<MockApi>,
    /// The client, with the keys of an account.
    pub client: CloudClient,
    address: String,
}

impl Session {
    /// Serves an API, with a client that has the keys `key` and `secret`.
    ///
    /// # Panics
    ///
    /// Panics if there is no loopback interface, or outside a runtime.
    pub async fn start(api: MockApi) -> Self {
        let account = "acme".parse().expect("a name");
        let api = Arc::new(api.with_account("key", "secret", account));
        let served = api.clone();
        let router = axum::Router::new().fallback(move |head: Parts, body: Bytes| async move {
            served.handle(&Request::from_parts(head, body), chrono::Utc::now())
        });
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = format!("http://{}/v1", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { client: client(&address, "key", "secret"), api, address }
    }

    /// Creates another client of the same API.
    #[must_use]
    pub fn client_with(&self, key: &str, secret: &str) -> CloudClient {
        client(&self.address, key, secret)
    }

    /// Follows a task until it completes.
    ///
    /// # Panics
    ///
    /// Panics if the task fails.
    pub async fn completed(&self, accepted: TaskStateUpdate) -> TaskStateUpdate {
        let end = follow(&self.client, accepted).await.end;
        assert_eq!(end.status, Some(TaskStatus::ProcessingCompleted), "{end:?}");
        end
    }

    /// Returns the auditor's findings in everything that the API answered.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        findings(&self.api)
    }
}

/// Creates a client of the API at an address.
///
/// # Panics
///
/// Panics if a key cannot be the value of a header.
#[must_use]
pub fn client(address: &str, key: &str, secret: &str) -> CloudClient {
    let client = CloudClient::builder().base_url(address).api_key(key).api_secret(secret);
    client.build().expect("a client")
}

/// What a client saw while it followed a task.
#[derive(Debug)]
pub struct Followed {
    /// How often the task was not found.
    pub missed: usize,
    /// The status at each read.
    pub statuses: Vec<TaskStatus>,
    /// The task after its end.
    pub end: TaskStateUpdate,
}

/// Follows a task as clients of the live API do. They tolerate a few 404s, because a task cannot be
/// read at once. They poll while the status is one of three, with growing pauses: 1 to 30
/// milliseconds here, seconds there.
///
/// # Panics
///
/// Panics if a client would give up.
pub async fn follow(client: &CloudClient, accepted: TaskStateUpdate) -> Followed {
    let id = accepted.task_id.expect("an id");
    let (mut missed, mut statuses, mut pause) = (0, Vec::new(), Duration::from_millis(1));
    for _ in 0..1_000 {
        match client.tasks().get_task_by_id(id.clone()).await {
            Ok(task) => {
                let status = task.status.clone().expect("a status");
                statuses.push(status.clone());
                match status {
                    TaskStatus::Initialized
                    | TaskStatus::Received
                    | TaskStatus::ProcessingInProgress => {}
                    TaskStatus::ProcessingCompleted | TaskStatus::ProcessingError => {
                        return Followed { missed, statuses, end: task };
                    }
                    TaskStatus::Unknown => panic!("expected a status of the API, got {task:?}"),
                }
            }
            Err(CloudError::NotFound { .. }) if missed < 5 => missed += 1,
            Err(error) => panic!("task {id}: {error}"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(30));
    }
    panic!("expected the end of task {id}, got {statuses:?}");
}

/// Returns the id of the resource that a task made.
///
/// # Panics
///
/// Panics if there is none.
#[must_use]
pub fn resource(task: &TaskStateUpdate) -> i32 {
    task.response.as_ref().and_then(|response| response.resource_id).expect("a resource's id")
}

/// Returns the auditor's findings in everything that an API has answered.
///
/// # Panics
///
/// Panics if there was no request.
#[must_use]
pub fn findings(api: &MockApi) -> Vec<Finding> {
    let journal = api.journal();
    assert!(!journal.is_empty(), "expected a session");
    findings_in(&journal)
}

/// Returns the auditor's findings in exchanges, in the order given.
#[must_use]
pub fn findings_in<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Vec<Finding> {
    let mut auditor = Auditor::new(Retention::default());
    let exchanges = exchanges.into_iter();
    exchanges.flat_map(|exchange| auditor.observe(&Reading::from(exchange))).collect()
}

/// Returns the paths of the fields that were sent but that the client dropped or changed. Each path
/// occurs once.
///
/// # Panics
///
/// Panics if `decoded` cannot be written as JSON.
#[must_use]
pub fn lost(sent: &Value, decoded: &impl Serialize) -> Vec<String> {
    let decoded = serde_json::to_value(decoded).expect("JSON");
    let mut lost = Vec::new();
    compare(sent, &decoded, "", &mut lost);
    lost.sort();
    lost.dedup();
    lost
}

fn compare(sent: &Value, decoded: &Value, path: &str, lost: &mut Vec<String>) {
    match (sent, decoded) {
        (Value::Object(sent), Value::Object(decoded)) => {
            for (name, value) in sent {
                let path = format!("{path}/{name}");
                compare(value, decoded.get(name).unwrap_or(&Value::Null), &path, lost);
            }
        }
        (Value::Array(sent), Value::Array(decoded)) if sent.len() == decoded.len() => {
            for (sent, decoded) in sent.iter().zip(decoded) {
                compare(sent, decoded, path, lost);
            }
        }
        _ if sent == decoded || sent.as_f64().is_some_and(|n| decoded.as_f64() == Some(n)) => {}
        _ => lost.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lost;

    #[test]
    fn lost_lists_dropped_and_changed_fields() {
        let sent =
            json!({"same": 1, "kept": [{"name": "a"}], "gone": true, "within": [{"gone": 1}]});
        let decoded = json!({"same": 1.0, "kept": [{"name": "a"}], "within": [{}], "more": null});
        assert_eq!(lost(&sent, &decoded), ["/gone", "/within/gone"]);
        assert_eq!(lost(&json!({"list": [1, 2]}), &json!({"list": [1]})), ["/list"]);
    }
}
