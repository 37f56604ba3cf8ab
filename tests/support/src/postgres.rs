//! A PostgreSQL server.

#![expect(clippy::disallowed_methods, reason = "waits time out by the system clock")]

use std::fs::{self, OpenOptions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, iter};

use tempfile::TempDir;

/// A PostgreSQL server and its data directory, which survives a restart.
///
/// The server trusts all connections from this machine. Its superuser and its database are named
/// `tasklife`. If the tests run as root, the server runs as the user `postgres`, or else `nobody`.
#[derive(Debug)]
pub struct PostgresServer {
    directory: TempDir,
    options: Vec<String>,
    /// The port on which it listens.
    pub port: u16,
    process: Option<Running>,
}

/// The process of the server, and a guard process.
///
/// The guard ends the server when the test process ends without dropping this value: statics are
/// never dropped, and a test can be killed.
#[derive(Debug)]
struct Running {
    server: Child,
    guard: Child,
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop("-QUIT");
    }
}

impl PostgresServer {
    /// Starts a server with `fsync` off: acknowledged writes survive a crash of the process, but
    /// not of the machine.
    pub fn start(options: &[&str]) -> Self {
        Self::with_files(options, |_| {})
    }

    /// Starts a server like [`start`](Self::start). `write` may add files to its data directory.
    pub fn with_files(options: &[&str], write: impl FnOnce(&Path)) -> Self {
        let directory = TempDir::new().unwrap();
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self { directory, options, port: 0, process: None };
        let folder = server.directory.path();
        server.give(folder);
        let mut initdb = server.program("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--username=tasklife", "--encoding=UTF8"]);
        let made = initdb.args(["--locale=C", "-D"]).arg(server.data()).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        write(&server.data());
        server.give(&server.data());
        server.run_somewhere();
        server.psql_in("postgres", "CREATE DATABASE tasklife");
        server
    }

    /// Starts a standby that replicates a server.
    pub fn standby_of(primary: &Self) -> Self {
        let directory = TempDir::new().unwrap();
        let mut server = Self { directory, options: Vec::new(), port: 0, process: None };
        server.give(server.directory.path());
        let mut copy = server.program("pg_basebackup");
        copy.args(["--no-sync", "--checkpoint=fast", "-R", "-D"]).arg(server.data());
        let copied = copy.arg("-d").arg(primary.url("postgres")).output().unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        server.run_somewhere();
        server
    }

    fn run_somewhere(&mut self) {
        // Another process may take the free port first.
        for _ in 0..10 {
            self.port = free_port();
            if self.run().is_ok() {
                return;
            }
        }
        panic!("expected PostgreSQL to start:\n{}", self.log());
    }

    /// Kills the server and starts it again, on the same port and data.
    pub fn restart(&mut self) {
        self.kill();
        // The old server processes take a moment to end.
        let begin = Instant::now();
        while let Err(why) = self.run() {
            assert!(begin.elapsed() < Duration::from_secs(30), "{why}\n{}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    fn run(&mut self) -> Result<(), String> {
        let path = self.directory.path().join("log");
        let log = OpenOptions::new().create(true).append(true).open(path).unwrap();
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]);
        command.args(["-c", "fsync=off", "-c", "unix_socket_directories="]);
        for option in &self.options {
            command.args(["-c", option]);
        }
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        let server = command.spawn().unwrap();
        let mut guard = Command::new("sh");
        guard.args([
            "-c",
            "trap '' INT TERM HUP; cat; kill -QUIT \"$1\"; sleep 1; rm -rf \"$2\"",
            "sh",
            &server.id().to_string(),
        ]);
        guard.arg(self.directory.path()).stdin(Stdio::piped()).stdout(Stdio::null());
        let guard = guard.stderr(Stdio::null()).spawn().unwrap();
        self.process = Some(Running { server, guard });
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            let running = self.process.as_mut().map(|running| running.server.try_wait());
            if let Some(Ok(Some(status))) = running {
                self.stop("-QUIT");
                return Err(format!("{status}"));
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.is_ready() {
                return Ok(());
            }
            sleep(Duration::from_millis(20));
        }
        Err("expected an answer within 20 seconds, got none".into())
    }

    fn is_ready(&self) -> bool {
        let file = self.data().join("postmaster.pid");
        fs::read_to_string(file).is_ok_and(|text| {
            ["ready", "standby"].contains(&text.lines().last().unwrap_or_default().trim_end())
        })
    }

    /// Kills the main process with `kill -9`. The other processes end when they notice.
    pub fn kill(&mut self) {
        self.stop("-KILL");
    }

    /// Ends the server with a signal, and waits until it has ended. `-INT` closes all connections.
    pub fn stop(&mut self, signal: &str) {
        if let Some(mut running) = self.process.take() {
            let _ = running.guard.kill();
            let _ = running.guard.wait();
            if let Ok(None) = running.server.try_wait() {
                let process = running.server.id().to_string();
                let _ = Command::new("kill").args([signal, &process]).status();
            }
            let _ = running.server.wait();
        }
    }

    /// Sends a signal, such as `-HUP`, to the main process.
    pub fn signal(&self, signal: &str) {
        if let Some(running) = &self.process {
            let _ = Command::new("kill").args([signal, &running.server.id().to_string()]).status();
        }
    }

    /// Returns the URL of the database `tasklife`.
    pub fn address(&self) -> String {
        self.url("tasklife")
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://tasklife@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL in the database `tasklife` with `psql`, and returns its output.
    pub fn psql(&self, sql: &str) -> String {
        self.psql_in("tasklife", sql)
    }

    /// Runs SQL in another database with `psql`, and returns its output.
    pub fn psql_in(&self, database: &str, sql: &str) -> String {
        let mut psql = self.program("psql");
        let psql = psql.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let output = psql.arg(self.url(database)).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Returns the server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Returns the data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Returns a command for a program of PostgreSQL, to be run as the user of the server.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(find_program(name));
        command.current_dir(self.directory.path()).env("HOME", self.directory.path());
        if let Some((user, group)) = other_user(self.directory.path()) {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes the server's user the owner of a folder and its files. Key files become readable only
    /// to that user.
    pub fn give(&self, folder: &Path) {
        let other = other_user(self.directory.path());
        if let Some((user, group)) = other {
            chown(folder, Some(user), Some(group)).unwrap();
        }
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "key") {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            }
            if let Some((user, group)) = other {
                chown(&path, Some(user), Some(group)).unwrap();
            }
        }
    }
}

/// Returns the user and group of the server if the tests run as root, because PostgreSQL refuses to
/// run as root.
fn other_user(folder: &Path) -> Option<(u32, u32)> {
    let parent = fs::metadata("/proc/self").ok()?;
    if parent.uid() != 0 || !folder.exists() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut words = line.split(':').skip(2);
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody"))
}

/// Finds a program of PostgreSQL where Debian installs it, or else in the path.
fn find_program(name: &str) -> PathBuf {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    versions.sort_by_key(|path| {
        path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()).unwrap_or(0)
    });
    let debian = versions.into_iter().next_back().map(|version| version.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        iter::empty().chain(debian).chain(env::split_paths(&path)).collect();
    let file = folders.iter().map(|folder| folder.join(name)).find(|file| file.exists());
    file.unwrap_or_else(|| {
        panic!(
            "expected the program {name} of PostgreSQL in the path or below /usr/lib/postgresql: \
             install it, on Debian with `apt-get install postgresql`"
        )
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
