//! Who steers the mock over HTTP, below `/_mock`: what may be asked for, and by whom.

use std::net::IpAddr;
use std::sync::Mutex;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, Response, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tasklife_mock::Pace;

use crate::config::ScriptConfig;
use crate::options::Options;

/// The OpenAPI description of all that can be asked for: what it doesn't name is not there.
pub(crate) const DESCRIPTION: &str = include_str!("control/description.json");

/// What steers the mock.
pub(crate) struct Control {
    /// Whether it can be steered.
    is_on: bool,
    /// The names of the machine.
    hosts: Vec<String>,
    /// The origin of the mock as others see it, where that is known.
    public_origin: Option<String>,
    routes: Vec<Route>,
    /// The scripts of the file and the options.
    pub(crate) at_start: Vec<ScriptConfig>,
    /// The scripts that are set.
    pub(crate) scripts: Mutex<Vec<ScriptConfig>>,
    /// The pace of tasks whose script says nothing of its own.
    pub(crate) advance: Pace,
}

/// A path of the description, and what is there.
struct Route {
    segments: Vec<String>,
    operations: Vec<Operation>,
}

/// What is done for a method.
pub(crate) struct Operation {
    method: Method,
    /// Its `operationId`.
    pub(crate) id: String,
    /// Whether the query says something to it.
    pub(crate) takes_query: bool,
}

/// What a method and a path ask for.
pub(crate) enum Found<'a> {
    /// An operation, and what is on the path in the place of placeholders.
    Operation(&'a Operation, Vec<String>),
    /// Something that is there, with another method: these.
    OtherMethod(String),
    Nothing,
}

/// Why something isn't done.
pub(crate) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl Control {
    /// How long a body may be, in bytes.
    pub(crate) const MAX_BODY: usize = 8 << 20;

    /// # Errors
    /// Where a host has a name that is none.
    pub(crate) fn new(
        options: &Options,
        scripts: Vec<ScriptConfig>,
        advance: Pace,
    ) -> Result<Self, String> {
        let mut hosts = Vec::new();
        for host in &options.allow_host {
            let authority = host.parse::<Authority>().ok();
            let is_name = authority.is_some_and(|it| it.host() == host);
            if !is_name {
                return Err(format!("--allow-host: expected the name of a host, got {host:?}"));
            }
            hosts.push(host.to_ascii_lowercase());
        }
        let public = options.public_url.as_deref().and_then(|url| url.parse::<Uri>().ok());
        hosts.extend(public.as_ref().and_then(|url| Some(url.host()?.to_ascii_lowercase())));
        let public_origin = public.and_then(|url| {
            Some(format!("{}://{}", url.scheme()?, url.authority()?).to_ascii_lowercase())
        });
        Ok(Self {
            is_on: options.control || options.listen.ip().is_loopback(),
            hosts,
            public_origin,
            routes: routes(),
            at_start: scripts.clone(),
            scripts: Mutex::new(scripts),
            advance,
        })
    }

    /// Why whoever sends these headers may not steer.
    ///
    /// A page of another origin has the browser of somebody who can: it is known by its `Origin`, or where
    /// its own name leads here, by the `Host`.
    pub(crate) fn refusal(&self, headers: &HeaderMap) -> Option<String> {
        if !self.is_on {
            let message =
                "expected the option --control, as the mock listens on more than loopback";
            return Some(message.to_owned());
        }
        let host = match self.host(headers) {
            Ok(host) => host,
            Err(foreign) => return Some(foreign),
        };
        for origin in headers.get_all(ORIGIN) {
            let origin = lowercase(origin).unwrap_or_default();
            let of = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            if of != Some(&*host) && self.public_origin.as_deref() != Some(&*origin) {
                return Some(format!("expected no Origin but the mock's own, got {origin:?}"));
            }
        }
        None
    }

    /// The name of this machine to which the request was sent.
    ///
    /// # Errors
    /// Where it is another's, which leads here in the browser of somebody who can reach the mock.
    pub(crate) fn host(&self, headers: &HeaderMap) -> Result<String, String> {
        let mut given = headers.get_all(HOST).iter();
        let (Some(host), None) = (given.next().and_then(lowercase), given.next()) else {
            return Err("expected one Host".into());
        };
        let authority = host.parse::<Authority>().ok().filter(|it| !it.as_str().contains('@'));
        let name = authority.map(|it| it.host().to_owned());
        let is_ours = name.as_deref().is_some_and(|name| {
            let bare = name.trim_start_matches('[').trim_end_matches(']');
            bare.parse::<IpAddr>().is_ok()
                || name == "localhost"
                || name.ends_with(".localhost")
                || self.hosts.iter().any(|known| known == name)
        });
        let expected =
            "expected a Host of localhost, an IP address, or a name given by --allow-host";
        if is_ours { Ok(host) } else { Err(format!("{expected}, got {host:?}")) }
    }

    /// What a method and a path ask for.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let fits = |route: &&Route| {
            route.segments.len() == segments.len()
                && route.segments.iter().zip(&segments).all(|(known, segment)| {
                    known == segment || (known.starts_with('{') && !segment.is_empty())
                })
        };
        let Some(route) = self.routes.iter().find(fits) else { return Found::Nothing };
        let ids = route.segments.iter().zip(&segments).filter(|(known, _)| known.starts_with('{'));
        let decoded = |id: &str| percent_decode_str(id).decode_utf8_lossy().into_owned();
        let Some(operation) = route.operations.iter().find(|it| it.method == method) else {
            let methods = route.operations.iter().map(|it| it.method.as_str());
            return Found::OtherMethod(methods.collect::<Vec<_>>().join(", "));
        };
        Found::Operation(operation, ids.map(|(_, id)| decoded(id)).collect())
    }
}

fn lowercase(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().map(str::to_ascii_lowercase)
}

/// All paths of the description.
fn routes() -> Vec<Route> {
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap_or_default();
    let paths = description["paths"].as_object().into_iter().flatten();
    let operation = |(method, said): (&String, &Value)| {
        let mut parameters = said["parameters"].as_array().into_iter().flatten();
        Some(Operation {
            method: method.to_ascii_uppercase().parse().ok()?,
            id: said["operationId"].as_str()?.to_owned(),
            takes_query: parameters.any(|parameter| parameter["in"] == "query"),
        })
    };
    paths
        .map(|(path, item)| Route {
            segments: path.split('/').skip(1).map(str::to_owned).collect(),
            operations: item.as_object().into_iter().flatten().filter_map(operation).collect(),
        })
        .collect()
}

/// The answer to somebody who may not have what is asked for.
pub(crate) fn forbidden(message: String) -> Response<String> {
    refused(&Refusal::new(StatusCode::FORBIDDEN, message))
}

pub(crate) fn refused(refusal: &Refusal) -> Response<String> {
    /// In bytes: some quote what came.
    const LONGEST: usize = 1_000;
    let mut message = refusal.message.clone();
    if message.len() > LONGEST {
        message.truncate(message.floor_char_boundary(LONGEST));
        message.push('…');
    }
    let mut response = with_type(json!({"error": message}).to_string(), "application/json");
    *response.status_mut() = refusal.status;
    response
}

pub(crate) fn with_type(body: String, content_type: &'static str) -> Response<String> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}
