//! The names of tasks, accounts and commands, validated when they are parsed.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

use uuid::Uuid;

use crate::wire::{Excerpt, Text, serde_as_text};

/// The id of a task: a UUID, which the caller chooses. It is unique within the task's account.
///
/// An id is parsed from the hyphenated form in either case, and written in lower case.
///
/// ```
/// use tasklife::TaskId;
///
/// let id: TaskId = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
/// assert_eq!(id.to_string(), "36d4b04d-72d4-4404-8600-a223120a553e");
/// # Ok::<(), tasklife::IdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(Uuid);

impl TaskId {
    /// Derives the id of a task from a client's idempotency key.
    ///
    /// The same account and key always give the same id. Different pairs give different ids for all
    /// practical purposes: the id is a version 5 UUID, with 122 bits of hash, in a namespace
    /// derived from the account.
    ///
    /// ```
    /// use tasklife::{AccountId, TaskId};
    ///
    /// let (acme, umbrella): (AccountId, AccountId) = ("acme".parse()?, "umbrella".parse()?);
    /// assert_eq!(TaskId::for_key(&acme, "order-7"), TaskId::for_key(&acme, "order-7"));
    /// assert_ne!(TaskId::for_key(&acme, "order-7"), TaskId::for_key(&acme, "order-8"));
    /// assert_ne!(TaskId::for_key(&acme, "order-7"), TaskId::for_key(&umbrella, "order-7"));
    /// # Ok::<(), tasklife::IdError>(())
    /// ```
    #[must_use]
    pub fn for_key(account: &AccountId, key: &str) -> Self {
        /// The version 5 UUID of `tasklife` in the DNS namespace.
        const NAMESPACE: Uuid = Uuid::from_u128(0x02e8_bb7b_db1d_583a_ba06_7438_9a8f_ad0a);
        let account_namespace = Uuid::new_v5(&NAMESPACE, account.as_str().as_bytes());
        Self(Uuid::new_v5(&account_namespace, key.as_bytes()))
    }

    /// Returns the id as a UUID.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for TaskId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl From<TaskId> for Uuid {
    fn from(id: TaskId) -> Self {
        id.0
    }
}

impl FromStr for TaskId {
    type Err = IdError;

    /// Parses the hyphenated form, in either case. No other form is accepted.
    fn from_str(text: &str) -> Result<Self, IdError> {
        const HYPHENATED: usize = 36;
        match Uuid::try_parse(text) {
            Ok(uuid) if text.len() == HYPHENATED => Ok(Self(uuid)),
            _ => Err(IdError(ErrorKind::NotUuid(Excerpt::of(text)))),
        }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({self})")
    }
}

serde_as_text!(TaskId);

/// The length limit of an [`AccountId`] or a [`CommandType`], in bytes.
const LONGEST_NAME: usize = 255;

/// The id of an account, the tenant that tasks belong to. No account can see the tasks of another
/// account.
///
/// An id is a string of 1 to 255 bytes without control characters. It can't be `.` or `..`. Cloning
/// is cheap.
#[derive(Clone, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::derived_hash_with_manual_eq, reason = "equal strings have equal hashes")]
pub struct AccountId(Arc<str>);

impl PartialEq for AccountId {
    /// Compares the pointers first: a lookup often uses the account id of the task itself.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl AccountId {
    /// Returns the id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        check_name(text)
            .map_err(|kind| IdError(ErrorKind::Name { name: "an account id", kind }))?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({:?})", self.as_str())
    }
}

serde_as_text!(AccountId);

/// The type of operation that a task performs, such as `subscriptionCreateRequest`.
///
/// Any string of 1 to 255 bytes without control characters is a command type, except `.` and `..`.
/// Cloning is cheap.
///
/// ```
/// use tasklife::CommandType;
///
/// const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
/// assert_eq!("subscriptionCreateRequest".parse(), Ok(CREATE));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CommandType(Text);

impl CommandType {
    /// Creates a command type from a constant.
    ///
    /// # Panics
    ///
    /// Panics if the name is not a valid command type. In a `const`, that is a compile-time error.
    /// Use [`str::parse`] for names that aren't constants.
    ///
    /// ```compile_fail
    /// const EMPTY: tasklife::CommandType = tasklife::CommandType::from_static("");
    /// ```
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(
            check_name(name).is_ok(),
            "a command type is 1 to 255 bytes without control characters, and not `.` or `..`"
        );
        Self(Text::Static(name))
    }

    /// Returns the command type as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialOrd for CommandType {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CommandType {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl core::hash::Hash for CommandType {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl FromStr for CommandType {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        check_name(text)
            .map_err(|kind| IdError(ErrorKind::Name { name: "a command type", kind }))?;
        Ok(Self(Cow::<str>::Owned(String::from(text)).into()))
    }
}

impl fmt::Display for CommandType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for CommandType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandType({:?})", self.as_str())
    }
}

serde_as_text!(CommandType);

/// The error returned if a string is not a valid [`TaskId`], [`AccountId`] or [`CommandType`].
///
/// ```
/// use tasklife::{AccountId, TaskId};
///
/// assert_eq!(
///     "7".parse::<TaskId>().unwrap_err().to_string(),
///     "expected a UUID such as 36d4b04d-72d4-4404-8600-a223120a553e, got \"7\""
/// );
/// assert_eq!(
///     "".parse::<AccountId>().unwrap_err().to_string(),
///     "expected an account id of 1 to 255 bytes, got 0"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct IdError(ErrorKind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum ErrorKind {
    NotUuid(Excerpt),
    Name { name: &'static str, kind: NameErrorKind },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameErrorKind {
    Length(usize),
    Control { at: usize },
    DotSegment,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUuid(got) => {
                write!(f, "a UUID such as 36d4b04d-72d4-4404-8600-a223120a553e, got {got}")
            }
            Self::Name { name, kind: NameErrorKind::Length(got) } => {
                write!(f, "{name} of 1 to {LONGEST_NAME} bytes, got {got}")
            }
            Self::Name { name, kind: NameErrorKind::Control { at } } => {
                write!(f, "{name} without control characters, got one at byte {at}")
            }
            Self::Name { name, kind: NameErrorKind::DotSegment } => {
                write!(f, "{name} other than the path segments `.` and `..`")
            }
        }
    }
}

const fn check_name(name: &str) -> Result<(), NameErrorKind> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > LONGEST_NAME {
        return Err(NameErrorKind::Length(bytes.len()));
    }
    if matches!(bytes, b"." | b"..") {
        return Err(NameErrorKind::DotSegment);
    }
    let mut at = 0;
    while at < bytes.len() {
        // U+0080 to U+009F are C2 80 to C2 9F in UTF-8.
        let is_c1_control = bytes[at] == 0xC2 && bytes[at + 1] < 0xA0;
        if bytes[at].is_ascii_control() || is_c1_control {
            return Err(NameErrorKind::Control { at });
        }
        at += 1;
    }
    Ok(())
}
