//! The public base address, and what an address may be made of.

use alloc::boxed::Box;
use core::fmt;
use core::net::Ipv6Addr;

use crate::wire::Excerpt;

/// An address under which the API is reached, without a slash at its end, and the path of its tasks below
/// it. They are kept as one text, as most links are to a task.
#[derive(Clone, Debug)]
pub(super) struct Base {
    /// The address, the path, and a slash.
    tasks: Box<str>,
    /// How much of it is the address.
    length: usize,
}

impl Base {
    pub(super) fn parse(text: &str) -> Result<Self, LinkError> {
        let fail = |fault| Err(LinkError::new("a base address", fault, text));
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        let path = match trimmed.strip_prefix("https://").or(trimmed.strip_prefix("http://")) {
            Some(rest) => {
                let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
                if let Err(fault) = check_authority(host) {
                    return fail(fault);
                }
                path
            }
            None if text.starts_with('/') => trimmed,
            None => return fail(Fault::NoAddress),
        };
        let segments = path.strip_prefix('/').map(|path| path.split('/'));
        // What follows the host at once, without a slash, is a query or a fragment.
        let others = Some(path).filter(|path| !path.is_empty() && !path.starts_with('/'));
        for segment in segments.into_iter().flatten().chain(others) {
            if let Err(fault) = check_segment(segment) {
                return fail(fault);
            }
        }
        Ok(Self::of(trimmed, "/tasks"))
    }

    fn of(address: &str, tasks: &str) -> Self {
        Self { tasks: [address, tasks, "/"].concat().into(), length: address.len() }
    }

    /// The same path of tasks, below another address.
    pub(super) fn with_address(&self, text: &str) -> Result<Self, LinkError> {
        Ok(Self::of(Self::parse(text)?.as_str(), self.tasks_path()))
    }

    /// The same address, with its tasks at another path.
    pub(super) fn with_tasks_path(&self, path: &str) -> Result<Self, LinkError> {
        let fail = |fault| LinkError::new("a path of tasks", fault, path);
        let rest = path.strip_prefix('/').ok_or_else(|| fail(Fault::NoSlash))?;
        rest.split('/').try_for_each(check_segment).map_err(fail)?;
        Ok(Self::of(self.as_str(), path))
    }

    pub(super) fn as_str(&self) -> &str {
        self.tasks.get(..self.length).unwrap_or_default()
    }

    /// The path of tasks below the address.
    pub(super) fn tasks_path(&self) -> &str {
        self.list().get(self.length..).unwrap_or_default()
    }

    /// The address of the list of tasks.
    pub(super) fn list(&self) -> &str {
        self.tasks.strip_suffix('/').unwrap_or_default()
    }

    /// What a task's id follows.
    pub(super) fn tasks(&self) -> &str {
        &self.tasks
    }
}

/// Checks `host` or `host:port`. User information is refused: a link is no place for it.
fn check_authority(authority: &str) -> Result<(), Fault> {
    if authority.contains('@') {
        return Err(Fault::UserInformation);
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(Fault::Host)?;
            address.parse::<Ipv6Addr>().map_err(|_| Fault::Host)?;
            let port = if port.is_empty() {
                None
            } else {
                Some(port.strip_prefix(':').ok_or(Fault::Host)?)
            };
            (None, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(authority), None),
        },
    };
    let permitted = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    let fits = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(permitted)
    };
    // One dot may end it: the name is then complete.
    let host = host.map(|host| host.strip_suffix('.').unwrap_or(host));
    if host.is_some_and(|host| !host.split('.').all(fits)) {
        return Err(Fault::Host);
    }
    let digits = |port: &str| port.bytes().all(|c| c.is_ascii_digit());
    if port.is_some_and(|port| !digits(port) || port.parse::<u16>().is_err()) {
        return Err(Fault::Port);
    }
    Ok(())
}

/// Checks one segment of a path: RFC 3986's `pchar`s, at least one, and no step such as `..`,
/// however encoded.
pub(super) fn check_segment(segment: &str) -> Result<(), Fault> {
    let mut rest = segment.chars();
    while let Some(c) = rest.next() {
        let encoded = || rest.clone().take(2).filter(char::is_ascii_hexdigit).count() == 2;
        match c {
            _ if c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c) => {}
            '%' if encoded() => {}
            '?' => return Err(Fault::Query),
            '#' => return Err(Fault::Fragment),
            _ => return Err(Fault::Character(c)),
        }
    }
    match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
        "" => Err(Fault::EmptySegment),
        "." | ".." => Err(Fault::Step),
        _ => Ok(()),
    }
}

/// The error for a base address, a route or a title of which no link can be made.
///
/// ```
/// use tasklife::Links;
///
/// assert_eq!(
///     Links::new("https://api.example.com/v1?key=7").unwrap_err().to_string(),
///     "expected a base address without a query, got \"https://api.example.com/v1?key=7\""
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {what} {fault}{}", Got(got.as_ref()))]
pub struct LinkError {
    what: &'static str,
    fault: Fault,
    /// Unless it may hold a secret.
    got: Option<Excerpt>,
}

struct Got<'a>(Option<&'a Excerpt>);

impl fmt::Display for Got<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |got| write!(f, ", got {got}"))
    }
}

impl LinkError {
    pub(super) fn new(what: &'static str, fault: Fault, got: &str) -> Self {
        let got = (fault != Fault::UserInformation).then(|| Excerpt::of(got));
        Self { what, fault, got }
    }

    /// That of an origin, which has no host.
    #[cfg(feature = "poll")]
    pub(crate) fn no_host(got: &str) -> Self {
        Self::new("an origin", Fault::Host, got)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("such as https://api.example.com/v1 or /v1")]
    NoAddress,
    #[error("without user information, which is no secret in a link")]
    UserInformation,
    #[error("with a host name or address")]
    Host,
    #[error("with a port of 0 to 65535")]
    Port,
    #[error("without a query")]
    Query,
    #[error("without a fragment")]
    Fragment,
    #[error("without the character {0:?}")]
    Character(char),
    #[error("without empty segments")]
    EmptySegment,
    #[error("without the steps `.` and `..`")]
    Step,
    #[error("that begins with a slash")]
    NoSlash,
    #[error(
        "whose placeholders are {{resourceId}} and {{additionalResourceId}}, each a whole segment"
    )]
    Placeholder,
    #[error("that is not empty and has no control characters")]
    Title,
}
