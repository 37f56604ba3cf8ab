//! PgBouncer with transaction pooling.

use std::fs::{self, OpenOptions};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::Duration;

use tasklife::{AsyncTaskStore, Notifies, StoreConfig};
use tasklife_postgres::{PostgresOptions, PostgresStore};
use tempfile::TempDir;

use crate::support::{PostgresServer, block_on, second, spawn, submission};

struct PgBouncer {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl PgBouncer {
    /// Starts PgBouncer with two connections to a server for all of its clients.
    fn start(server: &PostgresServer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let users = folder.path().join("users");
        fs::write(&users, "\"tasklife\" \"\"\n").unwrap();
        let configuration = format!(
            "[databases]\ntasklife = host=127.0.0.1 port={} user=tasklife\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 200\n",
            server.port
        );
        fs::write(folder.path().join("ini"), configuration).unwrap();
        server.give(folder.path());
        let log =
            OpenOptions::new().create(true).append(true).open(folder.path().join("log")).unwrap();
        let mut command = server.program("pgbouncer");
        command.arg(folder.path().join("ini")).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Self { process: command.spawn().unwrap(), port, _folder: folder }
    }

    fn address(&self) -> String {
        format!("postgres://tasklife@127.0.0.1:{}/tasklife", self.port)
    }
}

#[test]
fn stores_work_through_transaction_pooling() {
    let server = PostgresServer::start(&[]);
    let bouncer = PgBouncer::start(&server);
    let options = PostgresOptions::new().with_listen_address(&server.address()).unwrap();
    let options = options.with_retry_time(Duration::from_secs(20));
    // More stores create the tables than PgBouncer has connections to the server.
    let connecting: Vec<_> = (0..6)
        .map(|_| {
            let (options, address) = (options.clone(), bouncer.address());
            let config = StoreConfig::default().with_max_tasks(150);
            spawn(async move { options.connect(&address, config).await })
        })
        .collect();
    let stores: Vec<PostgresStore> =
        connecting.into_iter().map(|connecting| block_on(connecting).unwrap().unwrap()).collect();
    block_on(async {
        // Each store has more connections to PgBouncer than PgBouncer has to the server.
        let mut submitting = Vec::new();
        for number in 0..150_u64 {
            let store = stores[usize::from(number % 2 == 0)].clone();
            submitting.push(tokio::spawn(async move {
                let name = format!("account {}", number % 7);
                store.submit(submission(&name, number), second(0)).await.unwrap();
                let _ = store.claim(tasklife::Scope::Any, second(0)).await.unwrap().unwrap();
            }));
        }
        for submitting in submitting {
            submitting.await.unwrap();
        }
        stores[0].submit(submission("acme", 1000), second(0)).await.unwrap_err();
        tokio::time::timeout(Duration::from_secs(20), stores[1].notified()).await.unwrap();
        let notified = stores[1].notified();
        let later = second(10_000_000);
        stores[0].submit(submission("acme", 1000), later).await.unwrap();
        tokio::time::timeout(Duration::from_secs(20), notified).await.unwrap();
        assert_eq!(stores[1].sweep(1000, later).await.unwrap().dropped, 149);
    });
}
