//! The contents of a measured database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tasklife::uuid::Uuid;

/// The input of a task: JSON of 200 bytes.
pub const INPUT: &str = r#"{"name":"My example subscription","memoryStorage":"ram","cloudProviders":[{"provider":"AWS","regions":[{"region":"us-east-1","networking":{"deploymentCIDR":"10.0.0.0/24"}}]}],"note":"a task to do it"}"#;
const _: () = assert!(INPUT.len() == 200);

/// How many received tasks a database holds, and how many of them are in each account.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub tasks: u64,
    pub each: u64,
}

impl Size {
    pub const fn accounts(self) -> u64 {
        self.tasks / self.each
    }

    pub fn account(self, number: u64) -> u64 {
        number % self.accounts()
    }
}

/// Existing tasks: the name of the account and the id of each.
pub type Sample = Arc<Vec<(String, Uuid)>>;

/// Returns a pseudorandom index below a length.
#[expect(clippy::cast_possible_truncation, reason = "the index is below a length")]
pub fn index(number: u64, length: usize) -> usize {
    (mix(number) % length as u64) as usize
}

/// Returns a pseudorandom number (Splitmix64).
pub const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns a number that no other call has returned.
pub fn new_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
