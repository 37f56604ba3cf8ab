//! What the server is told on its command line.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use axum::http::uri::Authority;
use axum::http::{HeaderValue, Uri};
use clap::{Parser, ValueEnum};
use clap_complete::Shell;
use tasklife::format::BuiltIn;
use tasklife::{CommandType, LinkShape};
use tasklife_mock::Pace;

/// A mock of the task API of Redis Cloud, in memory: its tasks move by themselves.
///
/// It answers as the documented API does, in every operation, or as another API whose OpenAPI
/// description it is given, so that a client is tried against it as it is: only its base address is
/// another. Any key opens an account of its own, and from then on goes with the secret that first
/// came with it.
#[derive(Parser)]
#[command(version, verbatim_doc_comment, after_long_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Options {
    /// Where to listen; port 0 stands for any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The address below which links lead, where clients come by way of a proxy; otherwise links lead
    /// to the host that a request was sent to
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Lets links lead where a proxy says, in Forwarded or X-Forwarded-Host and -Proto, that the client
    /// sent its request; only for a server that nobody reaches but by way of that proxy
    #[arg(long, conflicts_with = "public_url")]
    pub(crate) trust_forwarded: bool,
    /// The shape of links: the `links` of the live API, or `_links`, as documented
    #[arg(long, value_name = "array|map", default_value_t = LinkShape::Array)]
    pub(crate) links: LinkShape,
    /// Answers as this OpenAPI description has it (JSON, version 3.0 or 3.1), in place of Redis Cloud
    #[arg(long, value_name = "FILE")]
    pub(crate) openapi: Option<PathBuf>,
    /// The name of the schema of tasks in the description: what is answered with it has a task
    #[arg(long, value_name = "SCHEMA")]
    pub(crate) tasks_are: Option<String>,
    /// The format of tasks, lists and errors: that of Redis Cloud, of Google's long-running operations,
    /// of Azure's data plane, or of Azure Resource Manager [default: redis-cloud]
    #[arg(
        long,
        value_name = "redis-cloud|google|azure|azure-resource-manager",
        default_value_t,
        hide_default_value = true
    )]
    pub(crate) format: BuiltIn,
    /// The path of tasks below /v1, such as /operations [default: /tasks]
    #[arg(long, value_name = "PATH")]
    pub(crate) tasks: Option<String>,
    /// A file that says more: accounts, scripts for certain requests, resources that are there
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How fast tasks move: when a task ends [default: 2]
    ///
    /// `immediate` ends it at once, `2.5` after so many seconds, `reads:3` with the third time that the
    /// client reads it, `never` leaves it as it was received. Half of it the task is received, half of
    /// it in progress. What it made is then pending for half as long, or for as many reads.
    #[arg(long, value_name = "immediate|SECONDS|reads:N|never", verbatim_doc_comment)]
    pub(crate) advance: Option<Pace>,
    /// Lets the tasks of a command type end in an error with this code; may be given again
    #[arg(long, value_name = "COMMAND_TYPE=CODE", value_parser = failing)]
    pub(crate) fail: Vec<Failing>,
    /// Answers the first so many reads of a new task with 404, as the live API may
    #[arg(long, value_name = "READS")]
    pub(crate) not_found_for: Option<u32>,
    /// Answers more than so many requests a minute of an account with 429; the live API has 400
    #[arg(long, value_name = "REQUESTS")]
    pub(crate) rate_limit: Option<NonZeroU32>,
    /// How many seconds pass in the API for one in the world, such as 60; with 0 its time stands still
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Appends each request and its answer to a file, as a line of JSON that the auditor reads: what is
    /// reset, spoiled or gone on purpose is to it as if the API had broken its laws
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Prints the OpenAPI description of what it answers, and ends
    #[arg(long)]
    pub(crate) describe: bool,
    /// The form of the line that is printed for each request
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub(crate) log_format: LogFormat,
    /// Prints no line for each request
    #[arg(long, conflicts_with = "log_format")]
    pub(crate) quiet: bool,
    /// Lets it be steered over HTTP, below /_mock, by whoever reaches it; unless it listens on a loopback
    /// address, where that is so anyway
    #[arg(long)]
    pub(crate) control: bool,
    /// A name of this machine under which it may be steered and its page looked at, beside localhost and
    /// IP addresses, such as the name of a container; may be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// Lets pages of this origin call the API from a browser, such as `http://localhost:5173`, or `*` for all;
    /// may be given again
    #[arg(long, value_name = "ORIGIN", value_parser = cors_origin)]
    pub(crate) cors: Vec<CorsOrigin>,
    /// Prints completions for a shell, and ends
    #[arg(long, value_name = "bash|elvish|fish|powershell|zsh", hide_possible_values = true)]
    pub(crate) completions: Option<Shell>,
}

/// The form of the line that is printed for each request.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Whose pages may call the API.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum CorsOrigin {
    Any,
    This(HeaderValue),
}

fn cors_origin(text: &str) -> Result<CorsOrigin, String> {
    if text == "*" {
        return Ok(CorsOrigin::Any);
    }
    // As a browser sends it: scheme and host, and neither a path nor a slash.
    let uri: Option<Uri> = text.parse().ok();
    let host = uri.as_ref().and_then(Uri::authority).map(Authority::as_str);
    let scheme = uri.as_ref().and_then(Uri::scheme_str);
    let is_origin = scheme
        .zip(host)
        .is_some_and(|(scheme, host)| text == format!("{scheme}://{host}") && !host.contains('@'));
    let value = HeaderValue::from_str(text).ok().filter(|_| is_origin);
    let expected = "expected an origin such as http://localhost:5173, or *";
    value.map(CorsOrigin::This).ok_or_else(|| expected.to_owned())
}

/// A command type whose tasks are to fail.
#[derive(Clone)]
pub(crate) struct Failing {
    pub(crate) command: CommandType,
    pub(crate) code: String,
}

fn failing(text: &str) -> Result<Failing, String> {
    let expected = || "expected a command type, `=`, and the code of an error".to_owned();
    let (command, code) = text.split_once('=').ok_or_else(expected)?;
    if code.is_empty() {
        return Err(expected());
    }
    let command = command.parse().map_err(|fault| format!("{fault}"))?;
    Ok(Failing { command, code: code.to_owned() })
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed >= 0.0);
    speed.ok_or_else(|| "expected a number from 0 on".to_owned())
}

const EXAMPLES: &str = r#"Try it:
  tasklife-mock
  curl -i http://127.0.0.1:8080/v1/subscriptions -d '{"name": "test"}' \
      -H 'x-api-key: key' -H 'x-api-secret-key: secret'
  curl -i http://127.0.0.1:8080/v1/tasks -H 'x-api-key: key' -H 'x-api-secret-key: secret'
  and in a browser, http://127.0.0.1:8080/ shows the tasks moving.

For tests:
  tasklife-mock --advance immediate
      nothing to wait for
  tasklife-mock --advance reads:3 --not-found-for 2
      no clock: a task is unknown twice, and then the third read sees its end
  tasklife-mock --advance 600 --speed 60
      tasks of ten minutes, in ten seconds
  tasklife-mock --fail databaseCreateRequest=DATABASE_NOT_ACTIVE
      what does the client make of a failure?
  tasklife-mock --rate-limit 400
      does the client keep to the limit of the live API?
  tasklife-mock --cors http://localhost:5173
      a page under development calls it from a browser
  tasklife-mock --openapi widgets.json --tasks-are Job
      another API: what answers with a Job has a task; all else is answered at once
  tasklife-mock --config scenario.json --journal journal.jsonl
      what did the client do? The example `audit` of tasklife reads the journal, too

Steer it while it runs, as a test in any language can (all of it is in /_mock/control.json):
  curl -X PUT http://127.0.0.1:8080/_mock/scripts -d '[{"command": "databaseCreateRequest",
      "faults": [{"status": 503, "retryAfter": 5, "reads": [1, 2]}]}]'
  curl -X POST http://127.0.0.1:8080/_mock/clock -d '{"advance": "10d"}'
  curl 'http://127.0.0.1:8080/_mock/journal?account=key'
  curl http://127.0.0.1:8080/_mock/conduct
      did the client wait, how often did it poll, did it send the same key again?
  curl -X POST http://127.0.0.1:8080/_mock/reset
      all is as at the start; with ?account=key, all of an account

Completions: tasklife-mock --completions bash > ~/.local/share/bash-completion/completions/tasklife-mock

The file of --config is a JSON object. All of its fields may be left out:
  base            the path below which the API is, /v1 unless given
  openapi         a file with the OpenAPI description of the API, as --openapi, and
  tasksAre        the name of its schema of tasks, as --tasks-are
  operations      [{"method", "path", "command", "status"}]: what is answered with a task, of the
                  description; or without one, of an API that has these alone
  resources       [{"path": "/widgets/{widgetId}", "idField": "id"}]: its kinds of resources
  keys            where a request has its key: "none", "basic", "bearer", {"header": "x-token"},
                  or {"header", "secret"}, which names the header of the secret, too
  checkBodies     true: a body that doesn't fit its schema in the description gets 400
  accounts        [{"key", "secret", "account"}]: who may call, and whose tasks they see.
                  Others are answered with 401, unless openAccounts says how many keys
                  may open an account of their own (without accounts, 1000)
  advance         as --advance, which comes before it
  visibilityLag   how long a new task is unknown, such as "reads:2", "0.5" (--not-found-for)
  maxInProgress   how many tasks of an account are in progress at a time; else unlimited
  maxOpen         how many tasks of an account may be unfinished; another gets 429
  maxTasks        how many tasks there are in all, 1000000 unless given; another gets 503
  maxInput        how long a body may be, 1048576 bytes unless given; a longer one gets 413
  retentionDays   for how many days a task is kept, 10 unless given
  rateLimit       as --rate-limit
  existing        [{"account", "path": "/subscriptions/1", "fields": {"name": "old"}}]:
                  resources that are there from the start
  scripts         what becomes of the tasks of a command type. The last that fits is the one;
                  those of --fail come after them. Each may have
      command     such as "databaseCreateRequest"; without one, it is for all that have none
      account     only for the requests of this account; comes before all that are for every one
      when        only where the request's body contains this, such as {"name": "broken"}
      pace        as --advance; or, status by status:
      initialized, received, inProgress
                  how long the task stays in it: "immediate", "2.5", "reads:3", "never"
      progress    [10, 50, 90]: what it reports on the way, in percent, in equal parts
      resource    how long its resource is pending, or deleting
      resourceFails   true: the resource becomes error in place of active, or of gone
      fail        {"code", "status", "description", "additionalInfo"}, or a code: the task fails; or
      complete    {"resourceId", "additionalResourceId", "resource"}: its result
      goneAfter   how long it is there once it has ended; "reads:1" shows its end once
      faults      what goes wrong with the answers about the task. Each has one of
          status      400 to 599: nothing is done, a read counts for no pace, and this is answered
          cutShort    true: the body, and the connection, end in the middle of it
          notJson     true: the body is a page of HTML
          delay       seconds of the world: the answer comes after so long
        or several at once, and may have
          retryAfter  seconds
          reads       on which reads of the task (GET), from 1: 2, [2, 3], or {"share": 0.1, "seed": 42};
                      on all, unless given
          submissions on which requests that the script is for, in place of reads"#;
