//! The core of `tasklife`, linked without `std`: it compiles only if nothing brings `std` in.

#![no_std]
#![forbid(unsafe_code)]

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
pub fn store() -> LocalStore {
    LocalStore::new(StoreConfig::default())
}
