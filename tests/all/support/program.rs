//! An example that serves, as a process of the test's own, and what it answers.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use std::{fs, process};

use serde_json::Value;
use tasklife::TaskDocument;

use super::program;

/// How long a program may take for anything that it does at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A program that listens on a port that was free. Dropped, it ends.
pub(crate) struct Program {
    pub(crate) process: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    pub(crate) address: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Program {
    pub(crate) fn start(name: &str, options: &[&str]) -> Self {
        Self::spawn(Command::new(program(name)).args(options))
    }

    /// Starts it as the command says, and waits until it listens.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").unwrap().trim_end().to_owned();
        Self { process, stdout, address }
    }

    /// The exit code, after a signal.
    #[cfg(unix)]
    pub(crate) fn stop(&mut self, signal: &str) -> Option<i32> {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }

    /// A connection on which nobody waits for ever.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        write!(request, "Connection: close\r\nContent-Length: {}\r\n", body.len()).unwrap();
        write!(request, "{headers}\r\n").unwrap();
        self.exchange(&[request.as_bytes(), body].concat())
    }

    /// The answer to these bytes, after which the connection ends.
    pub(crate) fn exchange(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect();
        // Where the body is too long, the answer comes before its end.
        let _ = stream.write_all(request);
        let mut reply = String::new();
        let _ = stream.read_to_string(&mut reply);
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The body of an answer with this status, in JSON.
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// The task in an answer with this status.
    pub(crate) fn document(&self, status: u16) -> TaskDocument {
        assert_eq!(self.status, status, "{self:?}");
        TaskDocument::from_json(self.body.as_bytes()).unwrap()
    }

    /// The path that an error with this status names, in the recorded form.
    pub(crate) fn error(&self, status: u16) -> String {
        let error = self.json(status);
        assert_eq!(error["status"], status);
        error["path"].as_str().unwrap().to_owned()
    }
}

/// A file of the test's own. Dropped, it goes.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("{name}-{}.json", process::id());
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}
