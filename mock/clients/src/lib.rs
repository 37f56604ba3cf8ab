//! Sessions of the client `redis-cloud` with an API of [`tasklife_mock`], over HTTP.

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

/// A client of an API that is served on a free port of the loopback interface, as long as the
/// runtime lives.
#[expect(missing_debug_implementations, reason = "the client has none")]
pub struct Session {
    /// The API on the other side.
    pub api: Arc<MockApi>,
    /// The client, with the keys of an account.
    pub client: CloudClient,
    address: String,
}

impl Session {
    /// Serves an API, for a client with the keys `key` and `secret`.
    ///
    /// # Panics
    /// Where there is no loopback interface, and outside a runtime.
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

    /// Another client of the same API.
    #[must_use]
    pub fn client_with(&self, key: &str, secret: &str) -> CloudClient {
        client(&self.address, key, secret)
    }

    /// Follows a task to its end, which is a completion.
    ///
    /// # Panics
    /// Where it fails.
    pub async fn completed(&self, accepted: TaskStateUpdate) -> TaskStateUpdate {
        let end = follow(&self.client, accepted).await.end;
        assert_eq!(end.status, Some(TaskStatus::ProcessingCompleted), "{end:?}");
        end
    }

    /// What the auditor finds in all that the API answered, to all its clients.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        findings(&self.api)
    }
}

/// A client of the API at an address, as somebody would make it.
///
/// # Panics
/// Where the keys can't stand in a header.
#[must_use]
pub fn client(address: &str, key: &str, secret: &str) -> CloudClient {
    let client = CloudClient::builder().base_url(address).api_key(key).api_secret(secret);
    client.build().expect("a client")
}

/// What a client saw of a task.
#[derive(Debug)]
pub struct Followed {
    /// How often it was not found.
    pub missed: usize,
    /// Its statuses, as they were read.
    pub statuses: Vec<TaskStatus>,
    /// What it was in the end.
    pub end: TaskStateUpdate,
}

/// Follows a task by the rules that the clients of the live API have: a few 404s are forgiven, since
/// a task can't be read at once, three statuses mean "go on", and the pauses grow (here from 1 to
/// 30 milliseconds, there of seconds).
///
/// # Panics
/// Where a client would give up.
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
                    TaskStatus::Unknown => panic!("a status of the API, not that of {task:?}"),
                }
            }
            Err(CloudError::NotFound { .. }) if missed < 5 => missed += 1,
            Err(error) => panic!("task {id}: {error}"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(30));
    }
    panic!("task {id} has not ended after {statuses:?}");
}

/// The id of the resource that a task made.
///
/// # Panics
/// Where it has none.
#[must_use]
pub fn resource(task: &TaskStateUpdate) -> i32 {
    task.response.as_ref().and_then(|response| response.resource_id).expect("a resource's id")
}

/// What the auditor finds in all that an API has answered.
///
/// # Panics
/// Where nothing was asked.
#[must_use]
pub fn findings(api: &MockApi) -> Vec<Finding> {
    let journal = api.journal();
    assert!(!journal.is_empty(), "expected a session");
    findings_in(&journal)
}

/// What the auditor finds in exchanges, in the order in which they are given.
#[must_use]
pub fn findings_in<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Vec<Finding> {
    let mut auditor = Auditor::new(Retention::default());
    let exchanges = exchanges.into_iter();
    exchanges.flat_map(|exchange| auditor.observe(&Reading::from(exchange))).collect()
}

/// The fields that were sent and are not in what a client made of them, or are there with another
/// value; each once, by its path.
///
/// # Panics
/// Where it is no JSON.
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
    fn what_is_lost_is_found() {
        let sent =
            json!({"same": 1, "kept": [{"name": "a"}], "gone": true, "within": [{"gone": 1}]});
        let decoded = json!({"same": 1.0, "kept": [{"name": "a"}], "within": [{}], "more": null});
        assert_eq!(lost(&sent, &decoded), ["/gone", "/within/gone"]);
        assert_eq!(lost(&json!({"list": [1, 2]}), &json!({"list": [1]})), ["/list"]);
    }
}
