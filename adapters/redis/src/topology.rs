//! Whether one script can use the keys of an account and the shared keys together.

use std::sync::atomic::{AtomicBool, Ordering};

use tasklife::BackendError;

use crate::connection::Redis;
use crate::error::crosses_slots;

/// Whether the server has slots, as the nodes of a cluster do.
///
/// A script can use the keys of one slot only. Without slots, an account's scripts also read the
/// keys that all accounts share.
#[derive(Debug)]
pub(crate) struct Topology {
    has_slots: AtomicBool,
}

impl Topology {
    pub(crate) fn of(redis: &Redis) -> Self {
        Self { has_slots: AtomicBool::new(redis.is_cluster()) }
    }

    pub(crate) fn has_slots(&self) -> bool {
        self.has_slots.load(Ordering::Relaxed)
    }

    /// Records that there are slots, if this error shows it: an address given as that of a single
    /// server may belong to a cluster of one node, or to a proxy in front of several. Returns
    /// whether the error shows it, so that the call can be made again.
    pub(crate) fn learn_from(&self, error: &BackendError) -> bool {
        let crosses = crosses_slots(error);
        if crosses {
            self.has_slots.store(true, Ordering::Relaxed);
        }
        crosses
    }
}
