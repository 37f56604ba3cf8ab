//! A server that is killed and restarted while clients work.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use tasklife::{AsyncTaskStore, ListQuery, StoreConfig, Task};

use crate::support::{Client, Connect, RedisServer, account, block_on, fresh, second, spawn};

/// With these settings, a server loses nothing that it acknowledged.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// Clients that share accounts submit and work while the server is killed three times.
#[test]
fn no_acknowledged_write_is_lost_across_kills() {
    let mut server = RedisServer::start(&DURABLE);
    // Without retry time, the clients see the failures.
    let redis = server.redis().with_retry_time(Duration::ZERO).with_timeout(Duration::from_secs(1));
    let store = fresh(&redis, StoreConfig::default().with_max_tasks(100_000));
    let stop = Arc::new(AtomicBool::new(false));
    let clients = (0..6_u64).map(|number| {
        let name = ["acme", "umbrella"][usize::from(number % 2 == 1)];
        let mut client = Client::new(store.clone(), account(name));
        let stop = stop.clone();
        async move {
            let mut tasks = number * 1_000_000;
            while !stop.load(Ordering::SeqCst) {
                client.live(tasks, second(0)).await;
                tasks += 1;
            }
            client
        }
    });
    let clients: Vec<_> = clients.map(spawn).collect();
    for _ in 0..3 {
        sleep(Duration::from_millis(400));
        server.kill();
        sleep(Duration::from_millis(100));
        server.restart();
    }
    sleep(Duration::from_millis(300));
    stop.store(true, Ordering::SeqCst);
    let clients: Vec<Client> = block_on(async {
        let mut ended = Vec::new();
        for client in clients {
            ended.push(client.await.unwrap());
        }
        ended
    });

    server.restart();
    block_on(async {
        let mut lives = 0;
        for client in &clients {
            client.check(second(0)).await;
            lives += client.tasks.len();
        }
        let failures: usize = clients.iter().map(|client| client.not_applied).sum();
        assert!(failures > 0, "no client noticed that the server was gone");
        assert!(lives > 20, "only {lives} tasks");
        // There is no task that no client knows, and no revision occurs twice.
        let everything = ListQuery::new(NonZeroUsize::MAX);
        let mut listed = 0;
        for name in ["acme", "umbrella"] {
            let page = store.list(&account(name), &everything, second(0)).await.unwrap();
            let revisions: BTreeSet<_> = page.tasks().iter().map(Task::revision).collect();
            assert_eq!(revisions.len(), page.tasks().len());
            listed += page.tasks().len();
        }
        assert_eq!(listed, lives);
        // The number of tasks is still right.
        let swept = store.sweep(usize::MAX, second(10_000_000)).await.unwrap();
        assert_eq!((swept.dropped, swept.more), (lives, false));
    });
}
