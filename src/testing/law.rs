//! The laws of a store, by name.

use crate::wire::named_enum;

named_enum! {
    /// A law of [`TaskStore`](crate::TaskStore), as its documentation numbers them.
    pub enum Law {
        /// Each method does what its own documentation says: what is refused and in which order, what
        /// is answered, whose turn it is.
        Methods = "Methods",
        /// A list is in descending order of revision, and `updated_at` never increases along it.
        S1 = "S1",
        /// A page has as many tasks as asked for, or as are left; a cursor exactly where more
        /// follows.
        S2 = "S2",
        /// Paging through a store at rest gives each visible task exactly once.
        S3 = "S3",
        /// Paging while others write loses nothing.
        S4 = "S4",
        /// Filters give exactly what matches; cursors continue at their place, or are refused.
        S5 = "S5",
        /// A task is visible until it expires, to every method alike.
        S6 = "S6",
        /// No call drops what is visible; a full store drops the task that expired first, or refuses.
        S7 = "S7",
        /// Reads change nothing.
        S8 = "S8",
        /// What has ended never changes; what is refused changes nothing.
        S9 = "S9",
        /// Revisions grow, and tell tasks apart from what they were.
        S10 = "S10",
        /// Accounts see nothing of each other.
        S11 = "S11",
        /// A lane lets in as many as it is wide, in the order of receipt.
        S12 = "S12",
        /// Concurrent calls are equal to some order of them.
        S13 = "S13",
    }
}

impl Law {
    /// Whether it takes threads to check the law.
    #[must_use]
    pub const fn is_concurrent(self) -> bool {
        matches!(self, Self::S13)
    }
}
