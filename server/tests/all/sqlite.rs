//! Two servers that share an SQLite file, and a server that is killed.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use tasklife::TaskStatus;

use crate::client::Server;
use crate::shared::{assert_shared, start_error};

fn address(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("tasks.db").display())
}

fn start(folder: &Path) -> Server {
    Server::start(&["--takeover-after", "1", "--store", &address(folder)])
}

#[test]
fn two_servers_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let servers = [start(folder.path()), start(folder.path())];
    assert_shared(&servers);
}

#[test]
fn acknowledged_submissions_survive_a_killed_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path());
    let paths: Vec<_> =
        (0..5).map(|_| server.post("", "{}").header("location").unwrap().to_owned()).collect();
    while server.get(&paths[0], "").document(200).progress().is_none() {
        sleep(Duration::from_millis(20));
    }
    server.0.process.kill().unwrap();
    server.0.process.wait().unwrap();
    let server = start(folder.path());
    for path in &paths {
        let ended = server.follow(path, |_| {}).document(200);
        assert_eq!(ended.status().known(), Some(TaskStatus::ProcessingCompleted), "{path}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tasks.db"), "not a database, but a text of some length").unwrap();
    let message = start_error(&address(folder.path()));
    assert!(
        message.starts_with("--store: ") && message.contains("expected an SQLite file"),
        "{message}"
    );
}
