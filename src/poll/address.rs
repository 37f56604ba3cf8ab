//! Where to ask: addresses that a server gave, and whether they may be asked.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http::Uri;
use http::uri::Scheme;

use crate::wire::Excerpt;

/// A scheme, a host and a port: what a client's credentials are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Site {
    /// The site of an address with a host.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let (scheme, authority) = (uri.scheme()?, uri.authority()?);
        let usual = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let host = authority.host();
        // User information, and a port that is none, are for confusion only.
        let rest = authority.as_str().strip_prefix(host)?;
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => usual,
            Some("") => usual,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok()?,
            _ => return None,
        };
        if host.is_empty() {
            return None;
        }
        Some(Self { scheme: scheme.clone(), host: host.to_ascii_lowercase(), port })
    }
}

/// An address from a server that is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AddressFault {
    /// It is no address.
    Malformed(Excerpt),
    /// It leads to a site that was not allowed.
    Elsewhere(Excerpt),
}

/// What a relative address is relative to (RFC 3986, section 5.2): all but the last segment of a path, and where it
/// has one, a scheme and a host.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    scheme: Option<Scheme>,
    /// Scheme and host, where they are known.
    root: String,
    /// Without the last segment; it ends with a slash.
    path: String,
}

impl Directory {
    /// The directory that a base address is.
    pub(super) fn below(base: &Uri) -> Self {
        let mut directory = Self::of(base);
        directory.path = [base.path().trim_end_matches('/'), "/"].concat();
        directory
    }

    /// The directory that an address is in.
    pub(super) fn of(address: &Uri) -> Self {
        let path = address.path();
        let end = path.rfind('/').map_or(0, |slash| slash + 1);
        let root = match (address.scheme(), address.authority()) {
            (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
            _ => String::new(),
        };
        let path = path.get(..end).filter(|path| !path.is_empty()).unwrap_or("/").into();
        Self { scheme: address.scheme().cloned(), root, path }
    }

    /// The directory that an address is in, on this one's host if it has none.
    pub(super) fn beside(&self, address: &Uri) -> Self {
        let other = Self::of(address);
        if other.root.is_empty() { Self { path: other.path, ..self.clone() } } else { other }
    }

    /// The address that a text is, if it leads to one of these sites, or is a path where no host is known.
    pub(super) fn resolve(&self, text: &str, allowed: &[Site]) -> Result<Uri, AddressFault> {
        let malformed = || AddressFault::Malformed(Excerpt::of(without_query(text)));
        let elsewhere = || AddressFault::Elsewhere(Excerpt::of(without_query(text)));
        let reference = text.trim().split('#').next().unwrap_or_default();
        // Some clients take a backslash for a slash.
        if reference.is_empty() || reference.contains('\\') {
            return Err(malformed());
        }
        let absolute = if has_scheme(reference) {
            reference.into()
        } else if let Some(rest) = reference.strip_prefix("//") {
            let scheme = self.scheme.as_ref().ok_or_else(elsewhere)?;
            format!("{scheme}://{rest}")
        } else {
            let path = self.path_of(reference);
            // It would name a host, where there is none before it.
            if path.starts_with("//") && self.root.is_empty() {
                return Err(malformed());
            }
            [&*self.root, &*path].concat()
        };
        let uri: Uri = absolute.parse().map_err(|_| malformed())?;
        if uri.scheme().is_none() && uri.authority().is_none() && self.root.is_empty() {
            return Ok(uri);
        }
        match Site::of(&uri) {
            Some(site) if allowed.contains(&site) => Ok(uri),
            Some(_) => Err(elsewhere()),
            None => Err(malformed()),
        }
    }

    /// The path and query of a reference that has no host.
    fn path_of(&self, reference: &str) -> String {
        let (path, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
        let merged = if path.starts_with('/') { path.into() } else { [&*self.path, path].concat() };
        without_dots(&merged) + query
    }
}

/// What may be shown of an address: a query may have a key in it.
pub(super) fn without_query(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
}

/// The last step of the path of an address.
pub(super) fn last_segment(text: &str) -> &str {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether a reference begins with a scheme.
fn has_scheme(reference: &str) -> bool {
    let end = reference.find([':', '/', '?']).unwrap_or(reference.len());
    reference.get(end..).is_some_and(|rest| rest.starts_with(':'))
}

/// A path without the steps `.` and `..`.
fn without_dots(path: &str) -> String {
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
