//! The addresses that a server gives: resolving them, and checking whether the client may ask
//! there.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http::Uri;
use http::uri::Scheme;

use crate::wire::Excerpt;

/// A scheme, a host and a port, for which a client's credentials are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Origin {
    /// Returns the origin of an `http` or `https` address with a host.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let (scheme, authority) = (uri.scheme()?, uri.authority()?);
        let default_port = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let host = authority.host();
        // User information makes the prefix differ. It and malformed ports only serve to deceive.
        let rest = authority.as_str().strip_prefix(host)?;
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => default_port,
            Some("") => default_port,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok()?,
            _ => return None,
        };
        if host.is_empty() {
            return None;
        }
        Some(Self { scheme: scheme.clone(), host: host.to_ascii_lowercase(), port })
    }
}

/// Why the client does not ask at an address that a server gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AddressFault {
    /// It is not an address.
    Malformed(Excerpt),
    /// Its origin is not allowed.
    ForbiddenOrigin(Excerpt),
}

/// The base against which a relative reference is resolved (RFC 3986, section 5.2): an address
/// without the last segment of its path. It may be only a path, without a scheme and a host.
#[derive(Clone, Debug)]
pub(super) struct BaseUri {
    scheme: Option<Scheme>,
    /// The scheme and the host, or nothing if they are unknown.
    root: String,
    /// The path, up to and with its last slash.
    path: String,
}

impl BaseUri {
    /// Returns the base for references to what is below an address.
    pub(super) fn below(address: &Uri) -> Self {
        let path = [address.path().trim_end_matches('/'), "/"].concat();
        Self { path, ..Self::beside(address) }
    }

    /// Returns the base for references to what is beside an address, as RFC 3986 resolves them.
    pub(super) fn beside(address: &Uri) -> Self {
        let path = address.path();
        let end = path.rfind('/').map_or(0, |slash| slash + 1);
        let root = match (address.scheme(), address.authority()) {
            (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
            _ => String::new(),
        };
        let path = path.get(..end).filter(|path| !path.is_empty()).unwrap_or("/").into();
        Self { scheme: address.scheme().cloned(), root, path }
    }

    /// Returns the base for references to what is beside an address. If the address has no host, it
    /// is on this base's host.
    pub(super) fn beside_on_same_host(&self, address: &Uri) -> Self {
        let other = Self::beside(address);
        if other.root.is_empty() { Self { path: other.path, ..self.clone() } } else { other }
    }

    /// Resolves a reference.
    ///
    /// Without a known host, the result must be a path. Otherwise its origin must be allowed.
    pub(super) fn resolve(&self, text: &str, allowed: &[Origin]) -> Result<Uri, AddressFault> {
        let malformed = || AddressFault::Malformed(Excerpt::of(without_query(text)));
        let forbidden = || AddressFault::ForbiddenOrigin(Excerpt::of(without_query(text)));
        let reference = text.trim().split('#').next().unwrap_or_default();
        // Some clients read a backslash as a slash.
        if reference.is_empty() || reference.contains('\\') {
            return Err(malformed());
        }
        let absolute = if has_scheme(reference) {
            reference.into()
        } else if let Some(rest) = reference.strip_prefix("//") {
            let scheme = self.scheme.as_ref().ok_or_else(forbidden)?;
            format!("{scheme}://{rest}")
        } else {
            let path = self.path_of(reference);
            // Without a root before them, two slashes would begin a host.
            if path.starts_with("//") && self.root.is_empty() {
                return Err(malformed());
            }
            [&*self.root, &*path].concat()
        };
        let uri: Uri = absolute.parse().map_err(|_| malformed())?;
        if uri.scheme().is_none() && uri.authority().is_none() && self.root.is_empty() {
            return Ok(uri);
        }
        match Origin::of(&uri) {
            Some(origin) if allowed.contains(&origin) => Ok(uri),
            Some(_) => Err(forbidden()),
            None => Err(malformed()),
        }
    }

    /// Returns the path and query of a reference that has no host.
    fn path_of(&self, reference: &str) -> String {
        let (path, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
        let merged = if path.starts_with('/') { path.into() } else { [&*self.path, path].concat() };
        without_dot_segments(&merged) + query
    }
}

/// Returns the part of an address that messages may show. A query may contain a key.
pub(super) fn without_query(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
}

/// Returns the last segment of the path of an address.
pub(super) fn last_segment(text: &str) -> &str {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// Returns whether a reference begins with a scheme.
fn has_scheme(reference: &str) -> bool {
    let end = reference.find([':', '/', '?']).unwrap_or(reference.len());
    reference.get(end..).is_some_and(|rest| rest.starts_with(':'))
}

/// Resolves the segments `.` and `..` of a path (RFC 3986, section 5.2.4).
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    ["/", &kept.join("/")].concat()
}
