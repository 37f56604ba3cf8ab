//! A `MockApi` served by `hyper`.

#![expect(clippy::disallowed_methods, reason = "a server reads the clock")]

// The documentation of `tasklife_mock` shows this program, from here:
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, service::service_fn};
use hyper_util::rt::TokioIo;
use tasklife_mock::MockApi;
use tokio::net::TcpListener;

/// Serves the API to every client that connects.
async fn serve(api: Arc<MockApi>, listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let api = api.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let api = api.clone();
            async move {
                let (head, body) = request.into_parts();
                let request = Request::from_parts(head, body.collect().await?.to_bytes());
                Ok::<_, hyper::Error>(api.handle(&request, chrono::Utc::now()))
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
// To here.

use redis_cloud::CloudError;
use redis_cloud::fixed_subscriptions::FixedSubscriptionCreateRequest;
use tasklife_clients::{client, findings, follow};
use tasklife_mock::{Pace, Script};

#[tokio::test]
async fn a_client_follows_a_task_that_moves() {
    let api = MockApi::redis_cloud("/v1").unwrap().with_open_accounts(1);
    api.on_any(Script::new(Pace::Reads(3))).unwrap();
    let api = Arc::new(api.with_visibility_lag(Pace::Reads(2)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(serve(api.clone(), listener));
    let client = client(&address, "key", "secret");

    let wanted = FixedSubscriptionCreateRequest::builder().name("small").plan_id(1).build();
    let task = client.fixed_subscriptions().create(&wanted).await.unwrap();
    let followed = follow(&client, task).await;
    assert_eq!((followed.missed, followed.statuses.len()), (2, 3));
    assert_eq!(client.tasks().list().await.unwrap().len(), 1);

    let wanted = FixedSubscriptionCreateRequest::builder().name("x".repeat(3 << 20)).plan_id(1);
    let long = client.fixed_subscriptions().create(&wanted.build()).await;
    assert!(matches!(long, Err(CloudError::ApiError { code: 413, .. })), "{long:?}");
    assert_eq!(findings(&api), []);
}
