//! A program that serves, and what it answers.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use std::{env, fs, process};

use serde_json::Value;
use tasklife::TaskDocument;

/// How long a program may take for anything that it does at once.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A program that takes `--listen`, and prints where it does. Dropped, it ends.
#[derive(Debug)]
pub struct Program {
    /// Its process.
    pub process: Child,
    /// What it prints after the first line.
    pub stdout: BufReader<ChildStdout>,
    /// Where it listens: an address and a port.
    pub address: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Program {
    /// Starts the program in a file, such as `env!("CARGO_BIN_EXE_name")`.
    pub fn start(file: &str, options: &[&str]) -> Self {
        Self::spawn(Command::new(file).args(options))
    }

    /// Starts it as the command says, and waits until it listens.
    pub fn spawn(command: &mut Command) -> Self {
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").unwrap().trim_end().to_owned();
        Self { process, stdout, address }
    }

    /// Starts it as the command says, to listen where that says, and whose address this is as seen from here;
    /// nothing, where it can't.
    pub fn listening(command: &mut Command, address: &str) -> Option<Self> {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let program = Self { process, stdout, address: address.to_owned() };
        line.starts_with("listening on http://").then_some(program)
    }

    /// The exit code, after a signal.
    #[cfg(unix)]
    pub fn stop(&mut self, signal: &str) -> Option<i32> {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }

    /// A connection on which nobody waits for ever.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The answer to a request.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        write!(request, "Connection: close\r\nContent-Length: {}\r\n", body.len()).unwrap();
        write!(request, "{headers}\r\n").unwrap();
        self.exchange(&[request.as_bytes(), body].concat())
    }

    /// The answer to these bytes, after which the connection ends.
    pub fn exchange(&self, request: &[u8]) -> Reply {
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
pub struct Reply {
    /// The number.
    pub status: u16,
    /// The line with the status and the headers, as they came.
    pub head: String,
    /// The body, as it came.
    pub body: String,
}

impl Reply {
    /// The value of a header, whose name is as it came.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The body of an answer with this status, in JSON.
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// The task in an answer with this status.
    pub fn document(&self, status: u16) -> TaskDocument {
        assert_eq!(self.status, status, "{self:?}");
        TaskDocument::from_json(self.body.as_bytes()).unwrap()
    }

    /// The path that an error with this status names, in the recorded form.
    pub fn error(&self, status: u16) -> String {
        let error = self.json(status);
        assert_eq!(error["status"], status);
        error["path"].as_str().unwrap().to_owned()
    }
}

/// A file of the test's own. Dropped, it goes.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Scratch {
    /// A place for a file; there is none yet.
    pub fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("tasklife-{name}-{}.json", process::id())))
    }

    /// Where it is, as an option of a program.
    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}
