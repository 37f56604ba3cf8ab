//! Where the links of an answer lead: to the address at which the client reached the API.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use http::header::{FORWARDED, HOST};
use http::request::Parts;
use http::{HeaderName, Version};

use super::request::{Rejection, unquoted};
use crate::link::Links;
use crate::wire::Excerpt;

/// To which host the links of an API's answers lead.
///
/// A path that a proxy takes away can't be seen in a request: where there is one, give the whole address
/// to [`Links::new`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// To that of the base address, whatever a request says.
    #[default]
    Base,
    /// To the one that the request is for, as its target or its `Host` says (RFC 9110, section 7.2). The
    /// scheme is that of the target or of the base address, otherwise `http`.
    ///
    /// A request that names no host is answered with 400, one of HTTP/1.0 as with [`Base`](Self::Base). One
    /// that a test builds has no `Host` unless the test sets it.
    Host,
    /// To the one that the client sent the request to, as a proxy says in `Forwarded` (RFC 7239), or in
    /// `X-Forwarded-Host` and `X-Forwarded-Proto`; as with [`Host`](Self::Host) where it doesn't. Where
    /// there is a `Forwarded`, the others are not looked at.
    ///
    /// For an API that is reached by way of a proxy alone, which sets these headers itself: who writes
    /// them decides where links lead.
    Forwarded,
}

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

impl Origin {
    /// The headers that decide where links lead, besides the host.
    pub(super) fn headers(self) -> &'static [HeaderName] {
        static DECIDING: [HeaderName; 3] = [FORWARDED, X_FORWARDED_HOST, X_FORWARDED_PROTO];
        if self == Self::Forwarded { &DECIDING } else { &[] }
    }

    /// The scheme and host to which the links in the answer lead, where they are not those of the base
    /// address. A `Host` that is there is looked at in any case.
    pub(super) fn of(
        self,
        request: &Parts,
        base_scheme: &str,
    ) -> Result<Option<String>, Rejection> {
        let target = request.uri.authority().map(|authority| authority.as_str().to_owned());
        let host = single(request, &HOST)?;
        let host = match (target, host) {
            (Some(target), _) => Some(authority("the target", &target)?),
            // An empty one says that there is none (RFC 9110, section 7.2).
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
            None => Err(Rejection::bad_request("expected the header Host, got none")),
        }
    }
}

/// What a proxy says of the request that it got: its host and its scheme.
fn forwarded(request: &Parts) -> Result<(Option<String>, Option<String>), Rejection> {
    let first = |name: &HeaderName| {
        let value = request.headers.get(name)?.to_str().ok()?;
        let first = unquoted(value, ',').next().unwrap_or_default().trim();
        Some(first.to_owned()).filter(|first| !first.is_empty())
    };
    // The first element is of the proxy that the client reached.
    let Some(element) = first(&FORWARDED) else {
        let host = first(&X_FORWARDED_HOST).map(|host| authority("X-Forwarded-Host", &host));
        let proto = first(&X_FORWARDED_PROTO).map(|proto| scheme("X-Forwarded-Proto", &proto));
        return Ok((host.transpose()?, proto.transpose()?));
    };
    let (mut host, mut proto) = (None, None);
    for pair in unquoted(&element, ';') {
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

/// A header that must not come twice.
fn single(request: &Parts, name: &HeaderName) -> Result<Option<String>, Rejection> {
    let mut values = request.headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Rejection::bad_request(format!(
            "expected the header {name} once, got it again"
        )));
    }
    Ok(Some(String::from_utf8_lossy(value.as_bytes()).to_string()))
}

/// A host and its port; without the colon, where no port follows it.
fn authority(of: &str, text: &str) -> Result<String, Rejection> {
    let host = text.strip_suffix(':').unwrap_or(text);
    // What an address can't be made of is no host; and what is more than one has a path.
    if host.contains('/') || Links::new(&format!("http://{host}")).is_err() {
        let got = Excerpt::of(text);
        return Err(Rejection::bad_request(format!(
            "{of}: expected a host name or address, with or without a port, got {got}"
        )));
    }
    Ok(host.to_owned())
}

fn scheme(of: &str, text: &str) -> Result<String, Rejection> {
    let scheme = text.to_ascii_lowercase();
    match scheme.as_str() {
        "http" | "https" => Ok(scheme),
        _ => {
            let got = Excerpt::of(text);
            Err(Rejection::bad_request(format!("{of}: expected http or https, got {got}")))
        }
    }
}
