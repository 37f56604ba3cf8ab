//! A program that listens, and its HTTP replies.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use std::{env, fs, process};

use serde_json::Value;
use tasklife::TaskDocument;

/// How long a program may take for something that it does immediately.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A running program that takes `--listen` and prints its address. The process ends on drop.
#[derive(Debug)]
pub struct Program {
    /// The process.
    pub process: Child,
    /// The output after the first line.
    pub stdout: BufReader<ChildStdout>,
    /// The address and port on which it listens.
    pub address: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Program {
    /// Starts an executable file, such as `env!("CARGO_BIN_EXE_name")`.
    pub fn start(file: &str, options: &[&str]) -> Self {
        Self::spawn(Command::new(file).args(options))
    }

    /// Starts a command, and waits until it listens.
    pub fn spawn(command: &mut Command) -> Self {
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").unwrap().trim_end().to_owned();
        Self { process, stdout, address }
    }

    /// Starts a command whose arguments include the address to listen on, and waits until it
    /// listens. Returns `None` if it can't.
    ///
    /// `address` is that address as seen from the test.
    pub fn listening(command: &mut Command, address: &str) -> Option<Self> {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let program = Self { process, stdout, address: address.to_owned() };
        line.starts_with("listening on http://").then_some(program)
    }

    /// Sends a signal, such as `-INT`, and returns the exit code.
    #[cfg(unix)]
    pub fn stop(&mut self, signal: &str) -> Option<i32> {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }

    /// Connects to the program. Reads time out after [`TIMEOUT`].
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Sends a request and returns the reply.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        write!(request, "Connection: close\r\nContent-Length: {}\r\n", body.len()).unwrap();
        write!(request, "{headers}\r\n").unwrap();
        self.exchange(&[request.as_bytes(), body].concat())
    }

    /// Sends these bytes and returns the reply. The program has to close the connection.
    pub fn exchange(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect();
        // The program may reply and close before it has read a body that is too long.
        let _ = stream.write_all(request);
        let mut reply = String::new();
        let _ = stream.read_to_string(&mut reply);
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }
}

/// An HTTP reply.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The status line and the headers, unchanged.
    pub head: String,
    /// The body, unchanged.
    pub body: String,
}

impl Reply {
    /// Returns the value of a header. The name has to match in case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Checks the status and the content type, and returns the body as JSON.
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// Checks the status, and returns the body as a task document.
    pub fn document(&self, status: u16) -> TaskDocument {
        assert_eq!(self.status, status, "{self:?}");
        TaskDocument::from_json(self.body.as_bytes()).unwrap()
    }

    /// Checks the status, and returns the `path` of an error body.
    pub fn error(&self, status: u16) -> String {
        let error = self.json(status);
        assert_eq!(error["status"], status);
        error["path"].as_str().unwrap().to_owned()
    }
}

/// The path of a temporary file. The file is removed on drop.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Scratch {
    /// Chooses a path. No file is created.
    pub fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("tasklife-{name}-{}.json", process::id())))
    }

    /// Returns the path as text, for the command line.
    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}
