//! The names of the laws.

use crate::wire::named_enum;

named_enum! {
    /// A law of [`TaskStore`](crate::TaskStore#contract), numbered as in its documentation, or
    /// [`Methods`](Self::Methods).
    ///
    /// The variants are described in a few words. The documentation of `TaskStore` has the exact
    /// laws, with their conditions and exceptions.
    pub enum Law {
        /// Each method does what its own documentation says: what it refuses and in which order,
        /// what it returns, and which account has its turn.
        Methods = "Methods",
        /// A list is in descending order of revision, and `updated_at` never increases along it.
        S1 = "S1",
        /// A page has min(limit, number of remaining tasks) tasks. It has a cursor exactly if more
        /// tasks follow.
        S2 = "S2",
        /// Paging through a store at rest returns each visible task exactly once.
        S3 = "S3",
        /// Paging while others write loses nothing.
        S4 = "S4",
        /// Filters return exactly the matching tasks. A cursor continues at its place or is
        /// refused.
        S5 = "S5",
        /// A task is visible to all methods alike until it expires.
        S6 = "S6",
        /// No call drops a visible task. A full store drops the task that expired first, or
        /// refuses.
        S7 = "S7",
        /// Reads change nothing.
        S8 = "S8",
        /// An ended task never changes. A refused call changes nothing.
        S9 = "S9",
        /// Each accepted event gives its task a revision greater than any before in the account.
        /// Two reads of a task at the same revision are equal.
        S10 = "S10",
        /// No account sees or affects another.
        S11 = "S11",
        /// A task starts only while fewer than `max_in_progress` visible tasks of its account are
        /// in progress. Claims start received tasks in the order in which they became received.
        S12 = "S12",
        /// Concurrent calls are equal to some sequential order of them.
        S13 = "S13",
    }
}

impl Law {
    /// Returns whether the law is about concurrent calls.
    #[must_use]
    pub const fn is_concurrent(self) -> bool {
        matches!(self, Self::S13)
    }
}
