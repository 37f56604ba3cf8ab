//! The public base address, and the path of tasks below it.

use alloc::boxed::Box;
use core::net::Ipv6Addr;

use super::error::{LinkError, LinkErrorKind};

/// The address of the API without a trailing slash, and the path of its tasks below it.
///
/// Both are kept in one string, since most links lead to a task.
#[derive(Clone, Debug)]
pub(super) struct Base {
    /// The address, followed by the path of tasks and a slash.
    task_prefix: Box<str>,
    /// The length of the address, without the path of tasks.
    address_len: usize,
}

impl Base {
    pub(super) fn parse(text: &str) -> Result<Self, LinkError> {
        let fail = |kind| Err(LinkError::new("a base address", kind, text));
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        let path = match trimmed.strip_prefix("https://").or(trimmed.strip_prefix("http://")) {
            Some(rest) => {
                let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
                if let Err(kind) = check_authority(host) {
                    return fail(kind);
                }
                path
            }
            None if text.starts_with('/') => trimmed,
            None => return fail(LinkErrorKind::NoAddress),
        };
        let segments = path.strip_prefix('/').map(|path| path.split('/'));
        // Without a slash after the host, the rest is a query or a fragment.
        let query_or_fragment =
            Some(path).filter(|path| !path.is_empty() && !path.starts_with('/'));
        for segment in segments.into_iter().flatten().chain(query_or_fragment) {
            if let Err(kind) = check_segment(segment) {
                return fail(kind);
            }
        }
        Ok(Self::of(trimmed, "/tasks"))
    }

    fn of(address: &str, tasks: &str) -> Self {
        Self { task_prefix: [address, tasks, "/"].concat().into(), address_len: address.len() }
    }

    /// Replaces the address and keeps the path of tasks.
    pub(super) fn with_address(&self, text: &str) -> Result<Self, LinkError> {
        Ok(Self::of(Self::parse(text)?.as_str(), self.tasks_path()))
    }

    /// Replaces the path of tasks and keeps the address.
    pub(super) fn with_tasks_path(&self, path: &str) -> Result<Self, LinkError> {
        let fail = |kind| LinkError::new("a path of tasks", kind, path);
        let rest = path.strip_prefix('/').ok_or_else(|| fail(LinkErrorKind::NoSlash))?;
        rest.split('/').try_for_each(check_segment).map_err(fail)?;
        Ok(Self::of(self.as_str(), path))
    }

    pub(super) fn as_str(&self) -> &str {
        self.task_prefix.get(..self.address_len).unwrap_or_default()
    }

    /// Returns the path of tasks below the address.
    pub(super) fn tasks_path(&self) -> &str {
        self.list_address().get(self.address_len..).unwrap_or_default()
    }

    /// Returns the address of the list of tasks.
    pub(super) fn list_address(&self) -> &str {
        self.task_prefix.strip_suffix('/').unwrap_or_default()
    }

    /// Returns the address of a task up to its id.
    pub(super) fn task_prefix(&self) -> &str {
        &self.task_prefix
    }
}

/// Checks `host` or `host:port`. User information is refused, because links are not secret.
fn check_authority(authority: &str) -> Result<(), LinkErrorKind> {
    if authority.contains('@') {
        return Err(LinkErrorKind::UserInformation);
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(LinkErrorKind::Host)?;
            address.parse::<Ipv6Addr>().map_err(|_| LinkErrorKind::Host)?;
            let port = if port.is_empty() {
                None
            } else {
                Some(port.strip_prefix(':').ok_or(LinkErrorKind::Host)?)
            };
            (None, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(authority), None),
        },
    };
    let is_permitted = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(is_permitted)
    };
    // A fully qualified host name ends with a dot.
    let host = host.map(|host| host.strip_suffix('.').unwrap_or(host));
    if host.is_some_and(|host| !host.split('.').all(is_label)) {
        return Err(LinkErrorKind::Host);
    }
    let has_only_digits = |port: &str| port.bytes().all(|c| c.is_ascii_digit());
    if port.is_some_and(|port| !has_only_digits(port) || port.parse::<u16>().is_err()) {
        return Err(LinkErrorKind::Port);
    }
    Ok(())
}

/// Checks one path segment: at least one of RFC 3986's `pchar`s, and neither `.` nor `..`, encoded
/// or not.
pub(super) fn check_segment(segment: &str) -> Result<(), LinkErrorKind> {
    let mut rest = segment.chars();
    while let Some(c) = rest.next() {
        let is_encoded = || rest.clone().take(2).filter(char::is_ascii_hexdigit).count() == 2;
        match c {
            _ if c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c) => {}
            '%' if is_encoded() => {}
            '?' => return Err(LinkErrorKind::Query),
            '#' => return Err(LinkErrorKind::Fragment),
            _ => return Err(LinkErrorKind::Character(c)),
        }
    }
    match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
        "" => Err(LinkErrorKind::EmptySegment),
        "." | ".." => Err(LinkErrorKind::DotSegment),
        _ => Ok(()),
    }
}
