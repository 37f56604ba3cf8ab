//! The statuses of a resource, which begin when its task completes.

use crate::wire::named_enum;

named_enum! {
    /// The status of a resource after the task that created it has completed.
    ///
    /// A task in `processing-completed` means only that provisioning has begun. The resource is
    /// ready for use once it is `active`.
    ///
    /// The names are documented by the Redis Cloud API. The API defines each status but not the
    /// order of statuses: [`successors`](Self::successors) is this crate's interpretation.
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
        /// The resource is being created or changed.
        Pending = "pending",
        /// The resource is ready for use.
        Active = "active",
        /// The resource is being deleted. Afterwards it no longer exists, which is not a status.
        Deleting = "deleting",
        /// The resource could not be created, changed or deleted.
        Error = "error",
    }
}

impl ProvisioningStatus {
    /// Returns the statuses that can follow this one.
    ///
    /// | from | to |
    /// |---|---|
    /// | pending | active, deleting, error |
    /// | active | pending (a change is in progress), deleting, error |
    /// | deleting | error, or no longer exists |
    /// | error | pending (another attempt), deleting |
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Active, Self::Deleting, Self::Error],
            Self::Active => &[Self::Pending, Self::Deleting, Self::Error],
            Self::Deleting => &[Self::Error],
            Self::Error => &[Self::Pending, Self::Deleting],
        }
    }

    /// Returns `true` if `next` can follow this status.
    #[must_use]
    pub fn can_become(self, next: Self) -> bool {
        self.successors().contains(&next)
    }

    /// Returns `true` if a resource in this status can cease to exist.
    #[must_use]
    pub const fn can_vanish(self) -> bool {
        matches!(self, Self::Deleting)
    }
}
