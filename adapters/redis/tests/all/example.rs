//! The example server: two processes of it behind one store, with clients on both.

use std::env::consts::EXE_SUFFIX;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tasklife::{TaskDocument, TaskStatus};

use crate::support::Server;

/// What of the example is not in the root's.
const LINES: [&str; 7] = [
    "use tasklife_redis::{Redis, RedisStore};",
    "/// An API server with tasks in Redis.",
    "/// Where the tasks are kept, by all servers that are told so",
    "#[arg(long, value_name = \"ADDRESS\", default_value = \"redis://127.0.0.1:6379\")]",
    "redis: String,",
    "Arc::new(RedisStore::new(Redis::server(&options.redis)?, config));",
    "let served = runtime.block_on(serve(listener, store, JoinSet::new()));",
];

#[test]
fn the_example_is_the_roots_with_another_store() {
    let lines = |text: &'static str| {
        // The list of names that are imported is wrapped otherwise where it is shorter.
        let (imports, rest) = text.split_once("\nconst CREATE").unwrap();
        let imports = imports.split_once("#![").unwrap().1.split_once("use tasklife::{").unwrap();
        let imports = imports.1.split_once("};").unwrap().1.lines().chain(imports.0.lines());
        imports.chain(rest.lines()).map(str::trim).collect::<Vec<_>>()
    };
    let root = lines(include_str!("../../../../examples/server.rs"));
    let own = lines(include_str!("../../examples/server.rs"));
    let new: Vec<&str> = own
        .into_iter()
        .filter(|line| !root.contains(line) && !line.starts_with("// "))
        .filter(|line| {
            !matches!(
                *line,
                "use std::io::{self, Write};"
                    | "use chrono::Utc;"
                    | "use tokio::task::JoinSet;"
                    | "let listen = options.listen;"
            )
        })
        .filter(|line| *line != "let store: Arc<dyn AsyncTaskStore> =")
        .collect();
    assert_eq!(new, LINES);
}

#[test]
fn two_servers_share_a_store() {
    let redis = Server::start(&[]);
    let servers = [Api::start(&redis.address()), Api::start(&redis.address())];
    let [one, other] = &servers;
    // Whatever server a client asks: the same task, the same answer, the same list.
    let keyed = "Idempotency-Key: order-7f3a\r\n";
    let first = one.post(keyed, r#"{"name": "test"}"#);
    let again = other.post(keyed, r#"{"name": "test"}"#);
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.task().task_id(), again.task().task_id());
    assert_eq!(other.post(keyed, r#"{"name": "other"}"#).status, 422);
    let ended = follow(other, &format!("/v1/tasks/{}", first.task().task_id()));
    assert_eq!(ended.status().known(), Some(TaskStatus::ProcessingCompleted));
    assert_eq!(one.get("/v1/tasks").body, other.get("/v1/tasks").body);
}

#[test]
fn a_task_of_a_server_that_died_is_taken_over_by_another() {
    let redis = Server::start(&[]);
    let mut one = Api::start(&redis.address());
    let path = format!("/v1/tasks/{}", one.post("", "{}").task().task_id());
    while one.get(&path).task().progress().is_none() {
        sleep(Duration::from_millis(20));
    }
    one.process.kill().unwrap();
    let other = Api::start(&redis.address());
    let task = other.get(&path).task();
    assert_eq!(task.status().known(), Some(TaskStatus::ProcessingInProgress));
    let ended = follow(&other, &path);
    assert_eq!(ended.status().known(), Some(TaskStatus::ProcessingCompleted));
}

fn follow(api: &Api, path: &str) -> TaskDocument {
    for _ in 0..500 {
        let task = api.get(path).task();
        if task.status().is_terminal() {
            return task;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("expected {path} to end within 10 seconds");
}

/// A process of the example. Dropped, it ends.
struct Api {
    process: Child,
    address: String,
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Api {
    fn start(redis: &str) -> Self {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
        let program = profile.join("examples").join(format!("server{EXE_SUFFIX}"));
        let mut command = Command::new(&program);
        command.args(["--listen", "127.0.0.1:0", "--takeover-after", "1", "--redis", redis]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("{}: {error}: run `cargo build --example server`", program.display())
        });
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").unwrap().trim_end().to_owned();
        Self { process, address }
    }

    fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", "")
    }

    fn post(&self, headers: &str, body: &str) -> Reply {
        self.send("POST", "/v1/subscriptions", headers, body)
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        write!(request, "Connection: close\r\nContent-Length: {}\r\n", body.len()).unwrap();
        write!(request, "x-api-key: acme\r\n{headers}\r\n{body}").unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        Reply { status, body: body.to_owned() }
    }
}

struct Reply {
    status: u16,
    body: String,
}

impl Reply {
    fn task(&self) -> TaskDocument {
        TaskDocument::from_json(self.body.as_bytes()).unwrap()
    }
}
