//! Control over HTTP, below `/_mock`: its operations, and which requests may use it.

mod operations;
mod query;
mod request;
mod scripts;
mod tasks;

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

/// The OpenAPI description of control over HTTP. It is also the routing table.
const DESCRIPTION: &str = include_str!("control/description.json");

/// The state of control over HTTP.
pub(crate) struct Control {
    /// Whether control is allowed at all.
    is_on: bool,
    /// The host names that a request may have, in lower case, besides localhost and IP addresses.
    hosts: Vec<String>,
    /// The origin of `--public-url`, in lower case.
    public_origin: Option<String>,
    routes: Vec<Route>,
    /// The scripts of the file and the options, to which a reset returns.
    initial_scripts: Vec<ScriptConfig>,
    /// The scripts that are set now.
    scripts: Mutex<Vec<ScriptConfig>>,
    /// The pace of tasks whose script sets none.
    advance: Pace,
}

/// A path of the description, and its operations.
struct Route {
    segments: Vec<String>,
    operations: Vec<Operation>,
}

/// An operation of the description.
struct Operation {
    method: Method,
    /// The `operationId`.
    id: String,
    /// Whether it has parameters in the query.
    takes_query: bool,
}

/// The route for a method and a path.
enum RouteMatch<'a> {
    /// An operation, and the values of the path's placeholders.
    Operation(&'a Operation, Vec<String>),
    /// The path exists, but only with these methods, as in an `Allow` header.
    MethodNotAllowed(String),
    NotFound,
}

/// The reason why a request is refused.
struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl Control {
    /// The limit of a request body, in bytes.
    pub(crate) const MAX_BODY: usize = 8 << 20;

    /// Creates the state of control over HTTP.
    ///
    /// # Errors
    ///
    /// Returns a message if an `--allow-host` is not a host name.
    pub(crate) fn new(
        options: &Options,
        scripts: Vec<ScriptConfig>,
        advance: Pace,
    ) -> Result<Self, String> {
        let mut hosts = Vec::new();
        for host in &options.allow_host {
            let authority = host.parse::<Authority>().ok();
            let is_name = authority.is_some_and(|authority| authority.host() == host);
            if !is_name {
                return Err(format!("--allow-host: expected a host name, got {host:?}"));
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
            initial_scripts: scripts.clone(),
            scripts: Mutex::new(scripts),
            advance,
        })
    }

    /// Returns why a request with these headers may not control the mock, or `None` if it may.
    ///
    /// A page of another origin could send requests from the browser of a user who may control the
    /// mock. Its requests have a foreign `Origin`. If the page's own host name resolves to the mock
    /// (DNS rebinding), they have a foreign `Host`.
    pub(crate) fn refusal(&self, headers: &HeaderMap) -> Option<String> {
        if !self.is_on {
            let message =
                "expected the mock to listen on a loopback address, or the option --control";
            return Some(message.to_owned());
        }
        let host = match self.host(headers) {
            Ok(host) => host,
            Err(message) => return Some(message),
        };
        for origin in headers.get_all(ORIGIN) {
            let origin = lowercase(origin).unwrap_or_default();
            let origin_host =
                origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            if origin_host != Some(&*host) && self.public_origin.as_deref() != Some(&*origin) {
                return Some(format!("expected the mock's own Origin or none, got {origin:?}"));
            }
        }
        None
    }

    /// Returns the `Host` of the request, in lower case.
    ///
    /// # Errors
    ///
    /// Returns a message if the headers do not have one `Host` that is localhost, an IP address or
    /// a known host name. See [`refusal`](Self::refusal).
    pub(crate) fn host(&self, headers: &HeaderMap) -> Result<String, String> {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next().and_then(lowercase), hosts.next()) else {
            return Err("expected exactly one Host".into());
        };
        let authority = host.parse::<Authority>().ok();
        let name = authority
            .filter(|authority| !authority.as_str().contains('@'))
            .map(|authority| authority.host().to_owned());
        let is_known = name.as_deref().is_some_and(|name| {
            let bare = name.trim_start_matches('[').trim_end_matches(']');
            bare.parse::<IpAddr>().is_ok()
                || name == "localhost"
                || name.ends_with(".localhost")
                || self.hosts.iter().any(|known| known == name)
        });
        let expected =
            "expected a Host that is localhost, an IP address, or a name given with --allow-host";
        if is_known { Ok(host) } else { Err(format!("{expected}, got {host:?}")) }
    }

    /// Finds the operation for a method and a path.
    fn route(&self, method: &Method, path: &str) -> RouteMatch<'_> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let matches = |route: &&Route| {
            route.segments.len() == segments.len()
                && route.segments.iter().zip(&segments).all(|(known, segment)| {
                    known == segment || (known.starts_with('{') && !segment.is_empty())
                })
        };
        let Some(route) = self.routes.iter().find(matches) else {
            return RouteMatch::NotFound;
        };
        let values =
            route.segments.iter().zip(&segments).filter(|(known, _)| known.starts_with('{'));
        let decoded = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
        let with_method = |operation: &&Operation| operation.method == method;
        let Some(operation) = route.operations.iter().find(with_method) else {
            let methods = route.operations.iter().map(|operation| operation.method.as_str());
            return RouteMatch::MethodNotAllowed(methods.collect::<Vec<_>>().join(", "));
        };
        RouteMatch::Operation(operation, values.map(|(_, value)| decoded(value)).collect())
    }
}

fn lowercase(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().map(str::to_ascii_lowercase)
}

/// Reads the routes from the description.
fn routes() -> Vec<Route> {
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap_or_default();
    let paths = description["paths"].as_object().into_iter().flatten();
    let operation = |(method, operation): (&String, &Value)| {
        let mut parameters = operation["parameters"].as_array().into_iter().flatten();
        Some(Operation {
            method: method.to_ascii_uppercase().parse().ok()?,
            id: operation["operationId"].as_str()?.to_owned(),
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

/// Creates a 403 with this message.
pub(crate) fn forbidden(message: String) -> Response<String> {
    refusal_response(&Refusal::new(StatusCode::FORBIDDEN, message))
}

fn refusal_response(refusal: &Refusal) -> Response<String> {
    /// In bytes. Some messages quote the request.
    const MAX_MESSAGE: usize = 1_000;
    let mut message = refusal.message.clone();
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.push('…');
    }
    let mut response = typed_response(json!({"error": message}).to_string(), "application/json");
    *response.status_mut() = refusal.status;
    response
}

fn typed_response(body: String, content_type: &'static str) -> Response<String> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}
