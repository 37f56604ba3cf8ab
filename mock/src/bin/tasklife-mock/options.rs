//! The command line.

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

/// A mock of the Redis Cloud API, with tasks that move on their own. It keeps everything in memory.
///
/// It answers every operation as the documented API does. With --openapi it answers as another API
/// instead. To try a client against it, you only change the client's base address.
///
/// By default, any key opens an account, up to 1,000 accounts. From then on, the key is only
/// accepted with the secret of its first request.
#[derive(Parser)]
#[command(version, verbatim_doc_comment, after_long_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Options {
    /// The address to listen on; port 0 takes a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The base address of links, for clients that come through a proxy
    ///
    /// By default, links lead to the `Host` of the request.
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Takes the address of links from the proxy's Forwarded or X-Forwarded-Host and -Proto headers
    ///
    /// Use this only if every request comes through that proxy.
    #[arg(long, conflicts_with = "public_url")]
    pub(crate) trust_forwarded: bool,
    /// The shape of links: `array` (`links`, as in the live API) or `map` (`_links`, as documented)
    #[arg(long, value_name = "array|map", default_value_t = LinkShape::Array)]
    pub(crate) links: LinkShape,
    /// Mocks the API of this OpenAPI description (JSON, 3.0 or 3.1) instead of Redis Cloud
    #[arg(long, value_name = "FILE")]
    pub(crate) openapi: Option<PathBuf>,
    /// The name of the description's task schema; operations that answer with it create a task
    #[arg(long, value_name = "SCHEMA")]
    pub(crate) tasks_are: Option<String>,
    /// The format of tasks, lists and errors [default: redis-cloud]
    ///
    /// `redis-cloud` is the format of Redis Cloud, `google` of Google's long-running operations,
    /// `azure` of Azure's data plane, and `azure-resource-manager` of Azure Resource Manager.
    #[arg(
        long,
        value_name = "redis-cloud|google|azure|azure-resource-manager",
        default_value_t,
        hide_default_value = true,
        verbatim_doc_comment
    )]
    pub(crate) format: BuiltIn,
    /// The path of tasks below /v1, such as /operations [default: /tasks]
    #[arg(long, value_name = "PATH")]
    pub(crate) tasks: Option<String>,
    /// Reads accounts, scripts, existing resources and limits from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// When tasks end [default: 2]
    ///
    /// `immediate` ends a task at once, `2.5` after 2.5 seconds, and `reads:3` with the third read.
    /// With `never`, it stays received. The task is received for the first half of this time or
    /// these reads, and in progress for the second half. Its resource is then pending for half the
    /// time, or for the same number of reads.
    #[arg(long, value_name = "immediate|SECONDS|reads:N|never", verbatim_doc_comment)]
    pub(crate) advance: Option<Pace>,
    /// Fails the tasks of a command type with this error code; can be repeated
    #[arg(long, value_name = "COMMAND_TYPE=CODE", value_parser = parse_failure)]
    pub(crate) fail: Vec<CommandFailure>,
    /// Answers the first READS reads of a new task with 404, as the live API may
    #[arg(long, value_name = "READS")]
    pub(crate) not_found_for: Option<u32>,
    /// Answers an account's requests over REQUESTS a minute with 429; the live API allows 400
    #[arg(long, value_name = "REQUESTS")]
    pub(crate) rate_limit: Option<NonZeroU32>,
    /// How many seconds pass in the mock for each real second; with 0, time stands still
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_speed)]
    pub(crate) speed: f64,
    /// Appends each request and its answer to this file, as a line of JSON
    ///
    /// The auditor of `tasklife` reads these lines. It reports the effects of a reset, a fault or a
    /// task that disappears as violations, because it does not know that you asked for them.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) journal: Option<PathBuf>,
    /// Prints the OpenAPI description of the mock, and exits
    #[arg(long)]
    pub(crate) describe: bool,
    /// The format of the line that is logged for each request
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub(crate) log_format: LogFormat,
    /// Logs no requests
    #[arg(long, conflicts_with = "log_format")]
    pub(crate) quiet: bool,
    /// Allows anyone who reaches the mock to control it over HTTP, below /_mock
    ///
    /// This is always allowed if the mock listens on a loopback address.
    #[arg(long)]
    pub(crate) control: bool,
    /// A host name under which the page and control over HTTP are available; can be repeated
    ///
    /// Use this for the name of a container, for example. They are always available under
    /// localhost, IP addresses and the host of --public-url.
    #[arg(long, value_name = "NAME", verbatim_doc_comment)]
    pub(crate) allow_host: Vec<String>,
    /// Allows pages of this origin to call the API from a browser; can be repeated
    ///
    /// Give an origin such as `http://localhost:5173`, or `*` for every origin.
    #[arg(long, value_name = "ORIGIN", value_parser = parse_cors_origin)]
    pub(crate) cors: Vec<CorsOrigin>,
    /// Prints completions for a shell, and exits
    #[arg(long, value_name = "bash|elvish|fish|powershell|zsh", hide_possible_values = true)]
    pub(crate) completions: Option<Shell>,
}

/// The format of the line that is logged for each request.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// An origin whose pages may call the API.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum CorsOrigin {
    Any,
    Exact(HeaderValue),
}

fn parse_cors_origin(text: &str) -> Result<CorsOrigin, String> {
    if text == "*" {
        return Ok(CorsOrigin::Any);
    }
    // A browser sends the scheme and the host, without a path or a trailing slash.
    let uri: Option<Uri> = text.parse().ok();
    let host = uri.as_ref().and_then(Uri::authority).map(Authority::as_str);
    let scheme = uri.as_ref().and_then(Uri::scheme_str);
    let is_origin = scheme
        .zip(host)
        .is_some_and(|(scheme, host)| text == format!("{scheme}://{host}") && !host.contains('@'));
    let value = HeaderValue::from_str(text).ok().filter(|_| is_origin);
    let expected = "expected an origin such as http://localhost:5173, or *";
    value.map(CorsOrigin::Exact).ok_or_else(|| expected.to_owned())
}

/// A command type whose tasks fail, and their error code.
#[derive(Clone)]
pub(crate) struct CommandFailure {
    pub(crate) command: CommandType,
    pub(crate) code: String,
}

fn parse_failure(text: &str) -> Result<CommandFailure, String> {
    let expected = || {
        "expected COMMAND_TYPE=CODE, such as databaseCreateRequest=DATABASE_NOT_ACTIVE".to_owned()
    };
    let (command, code) = text.split_once('=').ok_or_else(expected)?;
    if code.is_empty() {
        return Err(expected());
    }
    let command = command.parse().map_err(|error| format!("{error}"))?;
    Ok(CommandFailure { command, code: code.to_owned() })
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed >= 0.0);
    speed.ok_or_else(|| "expected a number of 0 or more".to_owned())
}

const EXAMPLES: &str = r#"Try it:
  tasklife-mock
  curl -i http://127.0.0.1:8080/v1/subscriptions -d '{"name": "test"}' \
      -H 'x-api-key: key' -H 'x-api-secret-key: secret'
  curl -i http://127.0.0.1:8080/v1/tasks -H 'x-api-key: key' -H 'x-api-secret-key: secret'
  In a browser, http://127.0.0.1:8080/ shows the tasks as they move.

For tests:
  tasklife-mock --advance immediate
      ends every task at once, so that the client never waits
  tasklife-mock --advance reads:3 --not-found-for 2
      needs no clock: after two 404s, the third read shows the end of the task
  tasklife-mock --advance 600 --speed 60
      runs tasks of ten minutes in ten seconds
  tasklife-mock --fail databaseCreateRequest=DATABASE_NOT_ACTIVE
      fails tasks, to test how the client handles it
  tasklife-mock --rate-limit 400
      enforces the rate limit of the live API
  tasklife-mock --cors http://localhost:5173
      allows a page under development to call the mock from a browser
  tasklife-mock --openapi widgets.json --tasks-are Job
      mocks another API: operations that answer with a Job create a task,
      and all others are answered at once
  tasklife-mock --config scenario.json --journal journal.jsonl
      records what the client did; the example `audit` of tasklife reads the journal

Control it over HTTP, from a test in any language (/_mock/control.json describes every request):
  curl -X PUT http://127.0.0.1:8080/_mock/scripts -d '[{"command": "databaseCreateRequest",
      "faults": [{"status": 503, "retryAfter": 5, "reads": [1, 2]}]}]'
  curl -X POST http://127.0.0.1:8080/_mock/clock -d '{"advance": "10d"}'
  curl 'http://127.0.0.1:8080/_mock/journal?account=key'
  curl http://127.0.0.1:8080/_mock/conduct
      reports whether the client waited as long as asked, how often it polled,
      and whether it repeated a request with the same key
  curl -X POST http://127.0.0.1:8080/_mock/reset
      returns the mock to its initial state; with ?account=key, only that account

Completions: tasklife-mock --completions bash > ~/.local/share/bash-completion/completions/tasklife-mock

The file of --config is a JSON object. Every field is optional:
  base            the path of the API [default: /v1]
  openapi         as --openapi, which overrides it; relative to the folder of this file
  tasksAre        as --tasks-are, which overrides it
  operations      [{"method", "path", "command", "status"}]: operations that create a task, and the
                  status that accepts them [default: 202]
  resources       [{"path": "/widgets/{widgetId}", "idField": "id"}]: kinds of resources.
                  With openapi, operations and resources add to the description. Without it, they
                  replace Redis Cloud: they are the whole API
  keys            where requests have their key: "none", "basic", "bearer", {"header": "x-token"},
                  or {"header", "secret"}, which also names the header of the secret
                  [default: as the API documents; "none" if operations and resources are the API]
  checkBodies     true: answers a body that does not match the description's schema with 400
  accounts        [{"key", "secret", "account"}]: the keys that may call, and their accounts.
                  Other keys are answered with 401
  openAccounts    how many other keys may open an account of their own
                  [default: 0 with accounts, 1000 without]
  advance         as --advance, which overrides it
  visibilityLag   how long a new task is answered with 404, such as "reads:2" or "0.5";
                  --not-found-for overrides it
  maxInProgress   how many tasks of an account may be in progress at a time [default: unlimited]
  maxOpen         how many open tasks an account may have [default: unlimited];
                  a submission over the limit is answered with 429
  maxTasks        how many tasks there may be in all [default: 1000000];
                  a submission over the limit is answered with 503
  maxInput        the limit of a body in bytes [default: 1048576]; a longer one is answered with 413
  retentionDays   how many days a task is kept after its submission [default: 10]
  rateLimit       as --rate-limit, which overrides it
  existing        [{"account", "path": "/subscriptions/1", "fields": {"name": "old"}}]:
                  resources that exist from the start
  scripts         what happens to tasks. A script for the request's account comes before one for
                  every account, then one for the command type before one for every command type.
                  Among the rest, the last match applies; --fail comes last. Fields of a script:
      command     a command type, such as "databaseCreateRequest" [default: every command type]
      account     the account whose requests it applies to [default: every account]
      when        applies only to bodies that contain this, such as {"name": "broken"};
                  needs command
      pace        as --advance; or instead, how long the task stays in each status:
      initialized, received, inProgress
                  "immediate", "2.5", "reads:3" or "never"
      progress    [10, 50, 90]: the percentages that the task reports, in equal parts of its time
                  in progress
      resource    how long the task's resource is pending or deleting
      resourceFails
                  true: the resource becomes error, instead of active or gone
      fail        {"code", "status", "description", "additionalInfo"} or a code: the task fails
      complete    {"resourceId", "additionalResourceId", "resource"}: the result of the task,
                  instead of fail
      goneAfter   how long the task stays after its end; "reads:1" shows the end once
      faults      what goes wrong with answers about the task. Each fault has one or more of:
          status      400 to 599: the request has no effect, does not count for a pace, and is
                      answered with this status
          cutShort    true: the body and the connection end in the middle
          notJson     true: the body is a page of HTML
          delay       the answer comes this many real seconds later
        and may have:
          retryAfter  the Retry-After header, in seconds
          reads       the reads (GET) of the task that it applies to, from 1: 2, [2, 3], or
                      {"share": 0.1, "seed": 42} [default: every read]
          submissions instead of reads, the requests (from 1) that the script applies to"#;
