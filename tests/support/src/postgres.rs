//! A PostgreSQL server.

#![expect(clippy::disallowed_methods, reason = "nobody waits for ever")]

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

/// A PostgreSQL server, and its directory, which outlives a restart.
///
/// It trusts whoever connects from this machine; `tasklife` is its superuser and its database. Where the tests run as
/// root, it runs as the user `postgres`, or `nobody`.
#[derive(Debug)]
pub struct PostgresServer {
    directory: TempDir,
    options: Vec<String>,
    /// Where it listens.
    pub port: u16,
    process: Option<Running>,
}

/// The server's process, and a guard that ends it when this process ends without doing so: what is static is never
/// dropped, and a test can be killed.
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
    /// Starts a server. It does not wait for its disk: what it acknowledged outlives its process, and not the machine.
    pub fn start(options: &[&str]) -> Self {
        Self::with_files(options, |_| {})
    }

    /// The same, with files of the test's own in its directory.
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

    /// Starts a standby of a server, which follows it.
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
        // Another process may be faster to take a port that was free.
        for _ in 0..10 {
            self.port = free_port();
            if self.run().is_ok() {
                return;
            }
        }
        panic!("expected the server of PostgreSQL to start:\n{}", self.log());
    }

    /// Starts it again, on the same port with the same files.
    pub fn restart(&mut self) {
        self.kill();
        // Its processes end when they notice.
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
        Err("it did not answer within 20 seconds".into())
    }

    fn is_ready(&self) -> bool {
        let file = self.data().join("postmaster.pid");
        fs::read_to_string(file).is_ok_and(|text| {
            ["ready", "standby"].contains(&text.lines().last().unwrap_or_default().trim_end())
        })
    }

    /// Ends it as `kill -9` does, which its processes notice.
    pub fn kill(&mut self) {
        self.stop("-KILL");
    }

    /// Ends it by a signal, such as `-INT`, with which it lets go of all connections, and waits for that.
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

    /// Sends its first process a signal, such as `-HUP`.
    pub fn signal(&self, signal: &str) {
        if let Some(running) = &self.process {
            let _ = Command::new("kill").args([signal, &running.server.id().to_string()]).status();
        }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.url("tasklife")
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://tasklife@127.0.0.1:{}/{database}", self.port)
    }

    /// What `psql` prints for statements.
    pub fn psql(&self, sql: &str) -> String {
        self.psql_in("tasklife", sql)
    }

    /// The same, in another database of the server.
    pub fn psql_in(&self, database: &str, sql: &str) -> String {
        let mut psql = self.program("psql");
        let psql = psql.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let output = psql.arg(self.url(database)).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Where its files are.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A command of PostgreSQL's, run as the user that the server is run by.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(found(name));
        command.current_dir(self.directory.path()).env("HOME", self.directory.path());
        if let Some((user, group)) = other_user(self.directory.path()) {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a folder and the files in it to the user that it is run by; those of keys to nobody else.
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

/// Whom it is run by, where that is not whoever runs the tests: it refuses to run as root.
fn other_user(folder: &Path) -> Option<(u32, u32)> {
    let parent = fs::metadata("/proc/self").ok()?;
    if parent.uid() != 0 || !folder.exists() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut words = line.split(':').skip(2);
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    of("postgres").or_else(|| of("nobody"))
}

/// The file of a program of PostgreSQL: in the path, or where Debian puts it.
fn found(name: &str) -> PathBuf {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    versions.sort_by_key(|path| {
        path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()).unwrap_or(0)
    });
    let of_debian = versions.into_iter().next_back().map(|version| version.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        iter::empty().chain(of_debian).chain(env::split_paths(&path)).collect();
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
