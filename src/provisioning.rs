//! The statuses of a resource, which begin where its task has completed.

use crate::wire::named_enum;

named_enum! {
    /// Where a resource stands after the task that made it has completed.
    ///
    /// A task's `processing-completed` only says that provisioning has begun; the resource can be
    /// used once it is `active`. The names are those that the Redis Cloud API documents. The API
    /// says what each status means but not what follows what: [`successors`](Self::successors) is
    /// this crate's reading of it.
    ///
    /// ```
    /// use tasklife::ProvisioningStatus;
    ///
    /// let status: ProvisioningStatus = "pending".parse()?;
    /// assert!(status.can_become(ProvisioningStatus::Active));
    /// assert!(!ProvisioningStatus::Deleting.can_become(ProvisioningStatus::Active));
    /// # Ok::<(), tasklife::UnknownName>(())
    /// ```
    pub enum ProvisioningStatus {
        /// Being made, or being changed.
        Pending = "pending",
        /// Ready for use.
        Active = "active",
        /// Being taken down; afterwards it is gone, which is no status.
        Deleting = "deleting",
        /// Making, changing or deleting it has failed.
        Error = "error",
    }
}

impl ProvisioningStatus {
    /// The statuses that can come next.
    ///
    /// | from | to |
    /// |---|---|
    /// | pending | active, deleting, error |
    /// | active | pending (a change is under way), deleting, error |
    /// | deleting | error, or gone |
    /// | error | pending (another try), deleting |
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Active, Self::Deleting, Self::Error],
            Self::Active => &[Self::Pending, Self::Deleting, Self::Error],
            Self::Deleting => &[Self::Error],
            Self::Error => &[Self::Pending, Self::Deleting],
        }
    }

    /// Whether `next` can come next.
    #[must_use]
    pub fn can_become(self, next: Self) -> bool {
        self.successors().contains(&next)
    }

    /// Whether a resource in this status can be gone at the next look.
    #[must_use]
    pub const fn can_vanish(self) -> bool {
        matches!(self, Self::Deleting)
    }
}
