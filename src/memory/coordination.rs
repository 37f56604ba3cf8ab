//! State that the shards of a store share: how many tasks and bytes there are, the horizon, the
//! tickets, and what each shard announces to the others.
//!
//! It is read without a lock, except for a horizon that is centuries away. A shard is written under
//! its lock, and renews its announcement before it is unlocked. A call reads the announcements one
//! after the other while other shards go on. Two rules make that safe:
//!
//! - A shard never announces an expiry too late. While it is unlocked, its announcement is exact.
//!   While it is locked, the announced expiry may be earlier than its tasks', but never later. So a
//!   new task's expiry is announced before the task takes its place, and a dropped task's place is
//!   given back before the new expiry is announced.
//! - A call that acts on an announcement checks it again under the lock of the shard. Whatever
//!   changes in other shards after that comes after the call.

mod announcement;
mod bytes;
mod horizon;
mod ordinal;
mod places;
mod tickets;

pub(super) use announcement::Announcement;
pub(super) use bytes::Bytes;
pub(super) use horizon::Horizon;
pub(super) use ordinal::Ordinal;
pub(super) use places::Places;
pub(super) use tickets::Tickets;
