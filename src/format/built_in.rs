//! The formats that are built in, by name.

use alloc::boxed::Box;

use super::{AzureOperation, AzureResourceManager, Format, GoogleOperation, RedisCloud};
use crate::wire::named_enum;

named_enum! {
    /// The formats that are built in, by the names that they have in options and configurations.
    ///
    /// ```
    /// use tasklife::format::{BuiltIn, Format};
    ///
    /// let chosen: BuiltIn = "azure".parse()?;
    /// let format = chosen.format("example.com");
    /// assert_eq!(format.read_task(br#"{"id": "7", "status": "Running"}"#)?.task_id(), "7");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default)]
    pub enum BuiltIn {
        /// [`RedisCloud`].
        #[default]
        RedisCloud = "redis-cloud",
        /// [`GoogleOperation`].
        Google = "google",
        /// [`AzureOperation`].
        Azure = "azure",
        /// [`AzureResourceManager`].
        AzureResourceManager = "azure-resource-manager",
    }
}

impl BuiltIn {
    /// The format, of a service with this domain, which Google's errors name.
    #[must_use]
    pub fn format(self, domain: &str) -> Box<dyn Format> {
        match self {
            Self::RedisCloud => Box::new(RedisCloud),
            Self::Google => Box::new(GoogleOperation::new(domain)),
            Self::Azure => Box::new(AzureOperation),
            Self::AzureResourceManager => Box::new(AzureResourceManager),
        }
    }
}
