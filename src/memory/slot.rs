//! A shard behind its lock.

use core::ops::{Deref, DerefMut};

use super::coordination::{Announcement, Bytes};
use super::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::shard::Shard;

/// A shard and its announcement. The alignment keeps neighbours in different cache lines.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Slot {
    announcement: Announcement,
    shard: RwLock<Shard>,
}

impl Slot {
    pub(super) fn new(shard: Shard) -> Self {
        Self { announcement: Announcement::of(&shard), shard: RwLock::new(shard) }
    }

    pub(super) fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Shard> {
        self.shard.read()
    }

    pub(super) fn write<'a>(&'a self, bytes: &'a Bytes) -> ShardGuard<'a> {
        let shard = self.shard.write();
        let counted_bytes = shard.held_bytes();
        ShardGuard { announcement: &self.announcement, bytes, counted_bytes, shard }
    }
}

/// A shard locked for writing. When dropped, it renews the shard's announcement and counts its
/// bytes.
pub(super) struct ShardGuard<'a> {
    announcement: &'a Announcement,
    bytes: &'a Bytes,
    /// How many of the shard's bytes are counted in `bytes`.
    counted_bytes: usize,
    shard: RwLockWriteGuard<'a, Shard>,
}

impl ShardGuard<'_> {
    pub(super) fn announcement(&self) -> &Announcement {
        self.announcement
    }

    /// Reserves this many more bytes for the shard. Returns whether there was room for them.
    pub(super) fn take_bytes(&mut self, more: usize) -> bool {
        let is_taken = self.bytes.take(more);
        self.counted_bytes += if is_taken { more } else { 0 };
        is_taken
    }

    pub(super) fn counted_bytes(&self) -> usize {
        self.counted_bytes
    }

    /// Records that the store has counted all bytes that the shard holds.
    pub(super) fn set_bytes_counted(&mut self) {
        self.counted_bytes = self.shard.held_bytes();
    }
}

impl Drop for ShardGuard<'_> {
    fn drop(&mut self) {
        self.announcement.renew(&self.shard);
        self.bytes.count(self.counted_bytes, self.shard.held_bytes());
    }
}

impl Deref for ShardGuard<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.shard
    }
}

impl DerefMut for ShardGuard<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.shard
    }
}
