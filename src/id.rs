//! Names for tasks, accounts and commands, checked where they enter.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

use uuid::Uuid;

use crate::wire::{Excerpt, Text, serde_as_text};

/// The id of a task: a UUID, unique within its account. The caller chooses it.
///
/// Read from and written as the hyphenated form, in lower case when written.
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
    /// The id that belongs to a client's idempotency key: the same account and key always give
    /// the same id, and no other pair does in practice (a version 5 UUID, of which 122 bits are a
    /// hash, within a namespace made from the account).
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
        /// The version 5 UUID of `tasklife` within the DNS namespace.
        const NAMESPACE: Uuid = Uuid::from_u128(0x02e8_bb7b_db1d_583a_ba06_7438_9a8f_ad0a);
        let of_account = Uuid::new_v5(&NAMESPACE, account.as_str().as_bytes());
        Self(Uuid::new_v5(&of_account, key.as_bytes()))
    }

    /// The id as a UUID.
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

    /// Takes the hyphenated form alone, in either case.
    fn from_str(text: &str) -> Result<Self, IdError> {
        const HYPHENATED: usize = 36;
        match Uuid::try_parse(text) {
            Ok(uuid) if text.len() == HYPHENATED => Ok(Self(uuid)),
            _ => Err(IdError(Fault::NoUuid(Excerpt::of(text)))),
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

/// The longest [`AccountId`] or [`CommandType`], in bytes.
const LONGEST_NAME: usize = 255;

/// Whose task it is. Accounts see nothing of each other.
///
/// 1 to 255 bytes of text without control characters, and neither `.` nor `..`. Cheap to clone.
#[derive(Clone, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::derived_hash_with_manual_eq, reason = "equal texts have equal hashes")]
pub struct AccountId(Arc<str>);

impl PartialEq for AccountId {
    /// A task's account is often asked for by the task: it is then the very same text.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl AccountId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        check_name(text).map_err(|fault| IdError(Fault::Name("an account id", fault)))?;
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

/// What was asked for, such as `subscriptionCreateRequest`: an open set of names.
///
/// 1 to 255 bytes of text without control characters, and neither `.` nor `..`. Cheap to clone.
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
    /// A command type from a constant, checked when the program is compiled.
    ///
    /// # Panics
    /// If the name is none. In a `const` that is an error of the compiler; elsewhere, use
    /// [`str::parse`].
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

    /// The name as text.
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
        check_name(text).map_err(|fault| IdError(Fault::Name("a command type", fault)))?;
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

/// The error for a text that is no [`TaskId`], [`AccountId`] or [`CommandType`].
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
pub struct IdError(Fault);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    NoUuid(Excerpt),
    Name(&'static str, NameFault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameFault {
    Length(usize),
    Control { at: usize },
    Dots,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUuid(got) => {
                write!(f, "a UUID such as 36d4b04d-72d4-4404-8600-a223120a553e, got {got}")
            }
            Self::Name(what, NameFault::Length(got)) => {
                write!(f, "{what} of 1 to {LONGEST_NAME} bytes, got {got}")
            }
            Self::Name(what, NameFault::Control { at }) => {
                write!(f, "{what} without control characters, got one at byte {at}")
            }
            Self::Name(what, NameFault::Dots) => {
                write!(f, "{what} other than `.` and `..`, which are steps in a path")
            }
        }
    }
}

const fn check_name(name: &str) -> Result<(), NameFault> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > LONGEST_NAME {
        return Err(NameFault::Length(bytes.len()));
    }
    if matches!(bytes, b"." | b"..") {
        return Err(NameFault::Dots);
    }
    let mut at = 0;
    while at < bytes.len() {
        // U+0000 to U+001F, U+007F, and (as C2 80 to C2 9F) U+0080 to U+009F.
        let second_half = bytes[at] == 0xC2 && bytes[at + 1] < 0xA0;
        if bytes[at].is_ascii_control() || second_half {
            return Err(NameFault::Control { at });
        }
        at += 1;
    }
    Ok(())
}
