//! The core of `tasklife`, linked without `std`: it compiles only if nothing brings `std` in.
//!
//! That is so where a panic ends the program. Everywhere else this crate is empty, so that it stands
//! in the way of no command for the whole workspace.

#![cfg_attr(panic = "abort", no_std)]
#![cfg(panic = "abort")]

use linked_list_allocator::LockedHeap;
use tasklife::{LocalStore, StoreConfig};

/// Without memory: nothing here is run.
#[global_allocator]
static ALLOCATOR: LockedHeap = LockedHeap::empty();

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Something of the core that has to be linked.
#[must_use]
pub fn store() -> LocalStore {
    LocalStore::new(StoreConfig::default())
}
