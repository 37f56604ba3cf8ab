//! The origin of links: the scheme and host at which the client reached the API.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use http::header::{FORWARDED, HOST};
use http::request::Parts;
use http::{HeaderName, Version};

use super::refusal_reason::RefusalReason;
use super::request::split_unquoted;
use crate::link::Links;
use crate::wire::Excerpt;

/// The host that the links of responses lead to.
///
/// If a proxy removes a path prefix, a request doesn't show it. In that case, pass the complete
/// address to [`Links::new`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The host of the base address, whatever a request contains. A malformed `Host` is still
    /// answered with 400.
    #[default]
    Base,
    /// The host that the request is for, according to its target or its `Host` header (RFC 9110,
    /// section 7.2).
    ///
    /// The scheme is that of the target, otherwise that of the base address, otherwise `http`.
    ///
    /// A request that names no host is answered with 400. An HTTP/1.0 request that names none is
    /// treated as with [`Base`](Self::Base). In tests, set a `Host` header on the requests that you
    /// build.
    Host,
    /// The host that the client sent the request to, according to a proxy.
    ///
    /// A proxy states it in `Forwarded` (RFC 7239), or in `X-Forwarded-Host` and
    /// `X-Forwarded-Proto`. If there is a `Forwarded` header, the others are ignored. If there is
    /// none of them, this is the same as [`Host`](Self::Host).
    ///
    /// Use this only if clients reach the API exclusively through a proxy that sets these headers
    /// itself. Whoever sets them decides where links lead.
    Forwarded,
}

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

impl Origin {
    /// Returns the headers that decide where links lead, in addition to the host.
    pub(super) fn headers(self) -> &'static [HeaderName] {
        static FORWARDING: [HeaderName; 3] = [FORWARDED, X_FORWARDED_HOST, X_FORWARDED_PROTO];
        if self == Self::Forwarded { &FORWARDING } else { &[] }
    }

    /// Returns the scheme and host of the links in the response, or `None` for those of the base
    /// address.
    ///
    /// A malformed `Host` is refused in any case.
    pub(super) fn of(
        self,
        request: &Parts,
        base_scheme: &str,
    ) -> Result<Option<String>, RefusalReason> {
        let target = request.uri.authority().map(|authority| authority.as_str().to_owned());
        let host = single(request, &HOST)?;
        let host = match (target, host) {
            (Some(target), _) => Some(authority("the target", &target)?),
            // An empty `Host` means that the target has no host (RFC 9110, section 7.2).
            (None, Some(host)) if !host.is_empty() => Some(authority("Host", &host)?),
            (None, _) => None,
        };
        if self == Self::Base {
            return Ok(None);
        }
        let proto = request.uri.scheme_str().map(|text| scheme("the target", text));
        let (mut proto, mut host) = (proto.transpose()?, host);
        if self == Self::Forwarded {
            let (forwarded_host, forwarded_proto) = forwarded(request)?;
            host = forwarded_host.or(host);
            proto = forwarded_proto.or(proto);
        }
        match host {
            Some(host) => {
                let proto = proto.unwrap_or_else(|| base_scheme.to_owned());
                Ok(Some(format!("{proto}://{host}")))
            }
            None if request.version == Version::HTTP_10 => Ok(None),
            None => Err(RefusalReason::bad_request("expected the header Host, got none")),
        }
    }
}

/// Returns the host and the scheme of the client's request, according to a proxy.
fn forwarded(request: &Parts) -> Result<(Option<String>, Option<String>), RefusalReason> {
    let first = |name: &HeaderName| {
        let value = request.headers.get(name)?.to_str().ok()?;
        let first = split_unquoted(value, ',').next().unwrap_or_default().trim();
        Some(first.to_owned()).filter(|first| !first.is_empty())
    };
    // The first element was added by the proxy that the client reached.
    let Some(element) = first(&FORWARDED) else {
        let host = first(&X_FORWARDED_HOST).map(|host| authority("X-Forwarded-Host", &host));
        let proto = first(&X_FORWARDED_PROTO).map(|proto| scheme("X-Forwarded-Proto", &proto));
        return Ok((host.transpose()?, proto.transpose()?));
    };
    let (mut host, mut proto) = (None, None);
    for pair in split_unquoted(&element, ';') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.trim().trim_matches('"').to_owned();
        match name.trim().to_ascii_lowercase().as_str() {
            "host" => host = Some(authority("Forwarded, host", &value)?),
            "proto" => proto = Some(scheme("Forwarded, proto", &value)?),
            _ => {}
        }
    }
    Ok((host, proto))
}

/// Returns the value of a header that must not occur twice.
fn single(request: &Parts, name: &HeaderName) -> Result<Option<String>, RefusalReason> {
    let mut values = request.headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(RefusalReason::bad_request(format!(
            "expected the header {name} once, got it again"
        )));
    }
    Ok(Some(String::from_utf8_lossy(value.as_bytes()).to_string()))
}

/// Checks a host with an optional port. A colon without a port is removed.
fn authority(of: &str, text: &str) -> Result<String, RefusalReason> {
    let host = text.strip_suffix(':').unwrap_or(text);
    // `Links::new` checks the host. A slash would begin a path.
    if host.contains('/') || Links::new(&format!("http://{host}")).is_err() {
        let got = Excerpt::of(text);
        return Err(RefusalReason::bad_request(format!(
            "{of}: expected a host name or address, with or without a port, got {got}"
        )));
    }
    Ok(host.to_owned())
}

fn scheme(of: &str, text: &str) -> Result<String, RefusalReason> {
    let scheme = text.to_ascii_lowercase();
    match scheme.as_str() {
        "http" | "https" => Ok(scheme),
        _ => {
            let got = Excerpt::of(text);
            Err(RefusalReason::bad_request(format!("{of}: expected http or https, got {got}")))
        }
    }
}
