//! What the numbers of a history stand for.

use alloc::format;
use alloc::string::String;
use core::num::NonZeroUsize;

use chrono::TimeDelta;
use uuid::Uuid;

use super::History;
use crate::id::{AccountId, TaskId};
use crate::time::Timestamp;

/// Returns the instant this many nanoseconds after [`History::ORIGIN`].
pub(in crate::testing) fn instant(at: i64) -> Timestamp {
    History::ORIGIN + TimeDelta::nanoseconds(at)
}

/// Returns the account with a number. Some names differ only in case, or are a prefix of another,
/// to catch stores that confuse them.
pub(in crate::testing) fn account(number: u16) -> AccountId {
    let name = match number {
        0 => String::from("account"),
        1 => String::from("Account"),
        2 => String::from("account-1"),
        number => format!("account-{number}0"),
    };
    name.parse().expect("a permitted name for any number")
}

/// Returns the id with a number. Each id shares its first or its second half with others, to catch
/// stores that compare only one half.
pub(in crate::testing) fn task_id(number: u16) -> TaskId {
    let number = u64::from(number);
    TaskId::from(Uuid::from_u64_pair(number.div_ceil(2), number % 2))
}

/// Returns the number of an id.
pub(in crate::testing) fn id_number(id: TaskId) -> u64 {
    let (high, low) = id.as_uuid().as_u64_pair();
    high.wrapping_mul(2).wrapping_sub(low)
}

/// Returns the limit of a page; 0 counts as 1.
pub(in crate::testing) fn page_limit(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}
