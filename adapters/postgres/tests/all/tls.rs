//! Encrypted connections.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tasklife::{AsyncTaskStore, StoreConfig};
use tasklife_postgres::{ConnectError, PostgresOptions, PostgresStore};
use tempfile::TempDir;

use crate::support::{PostgresServer, block_on, chain, second, submission};

/// A server that only accepts encrypted connections, and the folder of certificates. `ca.pem`
/// signed the server's certificate.
static ENCRYPTED: LazyLock<(PostgresServer, TempDir)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path(), "ca");
    authority(folder.path(), "other");
    openssl(
        folder.path(),
        "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server",
    );
    fs::write(folder.path().join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(
        folder.path(),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt",
    );
    openssl(
        folder.path(),
        "req -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=certified",
    );
    openssl(
        folder.path(),
        "x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out client.crt",
    );
    let server = PostgresServer::with_files(&["ssl=on", "ssl_ca_file=ca.pem"], |data| {
        for file in ["server.crt", "server.key", "ca.pem"] {
            fs::copy(folder.path().join(file), data.join(file)).unwrap();
        }
        let rules = "hostssl all certified 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 trust\n";
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
    });
    (server, folder)
});

fn authority(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 2 -subj /CN={name}"
        ),
    );
}

fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    let output = command.args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn connect(host: &str, query: &str) -> Result<PostgresStore, ConnectError> {
    let address = format!("postgres://tasklife@{host}:{}/tasklife{query}", ENCRYPTED.0.port);
    let options = PostgresOptions::new().with_retry_time(Duration::from_mins(1));
    block_on(options.connect(&address, StoreConfig::default()))
}

fn certificate(name: &str) -> String {
    format!("&sslrootcert={}/{name}.pem", ENCRYPTED.1.path().display())
}

#[test]
fn each_encrypted_sslmode_connects() {
    let root = certificate("ca");
    for mode in ["require", "verify-ca", "verify-full"] {
        let store = connect("localhost", &format!("?sslmode={mode}{root}")).unwrap();
        block_on(store.submit(submission("acme", 1), second(0))).unwrap();
    }
    let pem = fs::read(ENCRYPTED.1.path().join("ca.pem")).unwrap();
    let options = PostgresOptions::new().with_root_certificates(&pem).unwrap();
    let address =
        format!("postgres://tasklife@localhost:{}/tasklife?sslmode=require", ENCRYPTED.0.port);
    block_on(options.connect(&address, StoreConfig::default())).unwrap();
}

#[test]
fn a_client_certificate_is_presented_and_must_match_its_key() {
    let (server, folder) = &*ENCRYPTED;
    server.psql("CREATE ROLE certified LOGIN SUPERUSER");
    let file = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let address =
        format!("postgres://certified@localhost:{}/tasklife?sslmode=require", server.port);
    let options = PostgresOptions::new().with_root_certificates(&file("ca.pem")).unwrap();
    let certified =
        options.clone().with_client_certificate(&file("client.crt"), &file("client.key"));
    block_on(certified.unwrap().connect(&address, StoreConfig::default())).unwrap();
    let error =
        chain(&block_on(options.clone().connect(&address, StoreConfig::default())).unwrap_err());
    assert!(error.contains("certificate"), "{error}");
    let wrong = options.with_client_certificate(&file("client.crt"), &file("server.key")).unwrap();
    let error = block_on(wrong.connect(&address, StoreConfig::default())).unwrap_err().to_string();
    assert!(error.starts_with("expected a client certificate and the private key"), "{error}");
}

#[test]
fn a_certificate_that_cannot_be_verified_is_refused_without_retries() {
    for (host, query, expected) in [
        ("localhost", format!("?sslmode=require{}", certificate("other")), "UnknownIssuer"),
        ("127.0.0.1", format!("?sslmode=require{}", certificate("ca")), "not valid for name"),
        ("localhost", String::new(), "no encryption"),
    ] {
        let begin = Instant::now();
        let error = connect(host, &query).unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(30), "it was retried: {error:?}");
        let message = chain(&error);
        assert!(message.starts_with("expected a connection to the database: "), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_server_without_encryption_gets_no_unencrypted_connection_instead() {
    let port = crate::support::SERVER.port;
    let root = certificate("ca");
    let address = format!("postgres://tasklife@localhost:{port}/tasklife?sslmode=require{root}");
    let options = PostgresOptions::new().with_retry_time(Duration::from_millis(100));
    let error = block_on(options.connect(&address, StoreConfig::default())).unwrap_err();
    let message = chain(&error);
    assert!(message.contains("TLS"), "{message}");
}
