//! Encrypted connections, and certificates that are refused.

use std::net::TcpListener;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tasklife::{
    AsyncTaskStore, BackendError, Completion, Notifies, Scope, StoreConfig, SubmitError, Target,
    TaskEvent,
};
use tasklife_redis::Redis;
use tokio::time::timeout;

use crate::support::{Authority, RedisServer, block_on, causes, fresh, second, submission};

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let authority = Authority::new();
    authority.sign("server", "IP:127.0.0.1");
    authority.sign("elsewhere", "DNS:elsewhere.example");
    authority.sign("client", "DNS:client.example");
    authority
});

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Makes a running server listen on an encrypted port too; returns the address of that port.
fn encrypt(server: &RedisServer, certificate: &str) -> String {
    for _ in 0..10 {
        let port = free_port();
        let settings = AUTHORITY.settings(certificate, port);
        let mut command = vec!["CONFIG", "SET"];
        command.extend(settings.iter().map(String::as_str));
        let answer = server.call(&command).unwrap();
        if answer == "+OK\r\n" {
            return format!("rediss://127.0.0.1:{port}");
        }
        assert!(answer.contains("Unable to listen"), "{answer}");
    }
    panic!("expected a free port");
}

fn trusting(redis: Redis, authority: &Authority) -> Redis {
    redis.with_root_certificates(&authority.read("root.pem")).unwrap()
}

/// The error of a submission, which must come at once, without retries, and the messages of its
/// causes.
fn refusal(redis: &Redis) -> (BackendError, String) {
    let store = fresh(redis, StoreConfig::default());
    let begin = Instant::now();
    let refused = block_on(store.submit(submission("acme", 1), second(0)));
    assert!(begin.elapsed() < Duration::from_secs(3), "expected no retries");
    let Err(SubmitError::Backend(error)) = refused else { panic!("submitted: {refused:?}") };
    let causes = causes(&error);
    (error, causes)
}

async fn check_that_it_works(redis: Redis) {
    let store = fresh(&redis, StoreConfig::default());
    timeout(Duration::from_secs(5), store.notified()).await.unwrap();
    for name in ["acme", "umbrella", "soylent"] {
        let notified = store.notified();
        store.submit(submission(name, 1), second(0)).await.unwrap();
        timeout(Duration::from_secs(5), notified).await.unwrap();
        let task = store.claim(Scope::Any, second(0)).await.unwrap().unwrap().into_work().unwrap();
        let end = TaskEvent::complete(Completion::of(7));
        store.apply(Target::exactly(&task), end, second(1)).await.unwrap();
    }
    assert_eq!(store.sweep(10, second(10_000_000)).await.unwrap().dropped, 3);
}

#[test]
fn everything_works_over_an_encrypted_connection() {
    let server = RedisServer::start(&[]);
    let address = encrypt(&server, "server");
    block_on(check_that_it_works(trusting(Redis::server(&address).unwrap(), &AUTHORITY)));
    let info = server.call(&["INFO", "commandstats"]).unwrap();
    assert!(info.contains("cmdstat_evalsha"), "{info}");
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let server = RedisServer::start(&[]);
    let address = encrypt(&server, "server");
    let (error, causes) = refusal(&Redis::server(&address).unwrap());
    assert!(!error.is_unknown());
    assert!(causes.contains("certificate") && causes.contains("UnknownIssuer"), "{causes}");
    let (error, causes) = refusal(&trusting(Redis::server(&address).unwrap(), &Authority::new()));
    assert!(!error.is_unknown());
    assert!(causes.contains("certificate"), "{causes}");
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let server = RedisServer::start(&[]);
    let address = encrypt(&server, "elsewhere");
    let (error, causes) = refusal(&trusting(Redis::server(&address).unwrap(), &AUTHORITY));
    assert!(!error.is_unknown());
    assert!(causes.contains("not valid for name \"127.0.0.1\""), "{causes}");
}

#[test]
fn a_server_may_ask_for_a_certificate() {
    let server = RedisServer::start(&[]);
    let address = encrypt(&server, "server");
    server.call(&["CONFIG", "SET", "tls-auth-clients", "yes"]).unwrap();
    let without_certificate = trusting(Redis::server(&address).unwrap(), &AUTHORITY);
    let (error, causes) = refusal(&without_certificate);
    assert!(!error.is_unknown());
    assert!(causes.contains("ertificate"), "{causes}");
    let [certificate, key] = ["client.pem", "client.key"].map(|file| AUTHORITY.read(file));
    block_on(check_that_it_works(
        without_certificate.with_client_certificate(&certificate, &key).unwrap(),
    ));
}

/// The cluster is one node that has all slots.
#[test]
fn connections_to_a_cluster_are_encrypted_too() {
    let (port, bus) = (free_port(), free_port().to_string());
    let settings = AUTHORITY.settings("server", port);
    let settings: Vec<_> = settings
        .chunks(2)
        .flat_map(|setting| [format!("--{}", setting[0]), setting[1].clone()])
        .collect();
    let mut options = vec!["--cluster-enabled", "yes", "--tls-cluster", "yes"];
    options.extend(["--cluster-port", &bus]);
    options.extend(settings.iter().map(String::as_str));
    let node = RedisServer::start(&options);
    node.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).unwrap();
    let redis = || Redis::cluster([&*format!("rediss://127.0.0.1:{port}")]).unwrap();
    let (error, causes) = refusal(&trusting(redis(), &Authority::new()));
    assert!(!error.is_unknown());
    assert!(causes.contains("certificate"), "{causes}");
    block_on(check_that_it_works(trusting(redis(), &AUTHORITY)));
}

#[test]
fn unusable_certificates_and_addresses_are_refused_at_once() {
    let redis = |address| Redis::server(address).unwrap();
    let (root, key) = (AUTHORITY.read("root.pem"), AUTHORITY.read("client.key"));
    let refused =
        |result: Result<Redis, tasklife_redis::CertificateError>| result.unwrap_err().to_string();
    assert!(refused(redis("redis://a").with_root_certificates(&root)).contains("rediss://"));
    for no_pem in [
        &b""[..],
        b"\0",
        &key,
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert!(
            refused(redis("rediss://a").with_root_certificates(no_pem)).contains("certificate")
        );
    }
    for no_key in [&b""[..], &root] {
        let refusal = refused(redis("rediss://a").with_client_certificate(&root, no_key));
        assert!(refusal.contains("private key"));
    }
    // No address skips the verification or encrypts only some of the nodes.
    for address in ["rediss://a/#insecure", "redis://user:pass#word@a", "rediss://", "http://a"] {
        Redis::server(address).unwrap_err();
    }
    Redis::cluster(["redis://a", "rediss://b"]).unwrap_err();
}
