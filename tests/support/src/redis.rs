//! A Redis server.

#![expect(clippy::disallowed_methods, reason = "waits time out by the system clock")]

use std::env;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A Redis server and its directory, which survives a restart.
#[derive(Debug)]
pub struct RedisServer {
    directory: TempDir,
    settings: Option<String>,
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

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl RedisServer {
    /// Starts a server that writes nothing to disk, unless the options say otherwise.
    pub fn start(options: &[&str]) -> Self {
        Self::start_with(None, options)
    }

    /// Starts a server with a configuration file and options.
    pub fn start_with(settings: Option<&str>, options: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let settings = settings.map(str::to_owned);
        let mut server = Self { directory, settings, options, port: 0, process: None };
        // Another process may take the free port first.
        for _ in 0..10 {
            server.port = free_port();
            if server.run().is_ok() {
                return server;
            }
        }
        panic!("expected redis-server to start:\n{}", server.log());
    }

    /// Kills the server and starts it again, on the same port and directory.
    pub fn restart(&mut self) {
        self.kill();
        if let Err(why) = self.run() {
            panic!("expected redis-server to start again: {why}\n{}", self.log());
        }
    }

    fn run(&mut self) -> Result<(), String> {
        let path = self.directory.path().join("log");
        let log = OpenOptions::new().create(true).append(true).open(path).unwrap();
        let program = env::var("TASKLIFE_REDIS_SERVER").unwrap_or("redis-server".into());
        let mut command = Command::new(&program);
        command.args(&self.settings);
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        if !self.options.iter().any(|option| option == "--sentinel") {
            command.args(["--save", ""]);
        }
        command.arg("--dir").arg(self.directory.path()).args(&self.options);
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => panic!(
                "expected the program {program} in the path: \
                 install it, on Debian with `apt-get install redis-server`"
            ),
            _ => panic!("{program}: {error}"),
        });
        let mut guard = Command::new("sh");
        guard.args([
            "-c",
            "trap '' INT TERM HUP; cat; kill -9 \"$1\"; rm -rf \"$2\"",
            "sh",
            &process.id().to_string(),
        ]);
        guard.arg(self.directory.path()).stdin(Stdio::piped()).stdout(Stdio::null());
        let guard = guard.stderr(Stdio::null()).spawn().unwrap();
        self.process = Some(Running { server: process, guard });
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            if self.call(&["PING"]).is_ok_and(|answer| answer.starts_with("+PONG")) {
                return Ok(());
            }
            let running = self.process.as_mut().map(|running| running.server.try_wait());
            if let Some(Ok(Some(status))) = running {
                self.kill();
                return Err(format!("{status}"));
            }
            sleep(Duration::from_millis(10));
        }
        Err("expected an answer within 20 seconds, got none".into())
    }

    /// Kills the server with `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.process.take() {
            for process in [&mut running.guard, &mut running.server] {
                let _ = process.kill();
                let _ = process.wait();
            }
        }
    }

    /// Returns whether the server was started and not killed.
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Returns the `redis://` URL of the server.
    pub fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns the server's log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Sends a command, and returns the answer in the protocol of Redis. A long answer is cut off.
    ///
    /// # Errors
    ///
    /// Returns an I/O error if the server doesn't answer.
    pub fn call(&self, words: &[&str]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            let _ = write!(request, "${}\r\n{word}\r\n", word.len());
        }
        stream.write_all(request.as_bytes())?;
        let mut answer = vec![0; 1 << 16];
        let length = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }
}

fn free_port() -> u16 {
    // The nodes of a cluster also listen on the port 10000 higher.
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if port < 55_000 {
            return port;
        }
    }
}
