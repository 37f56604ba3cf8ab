//! The built-in formats, by name.

use alloc::boxed::Box;

use super::{AzureOperation, AzureResourceManager, Format, GoogleOperation, RedisCloud};
use crate::wire::named_enum;

named_enum! {
    /// The built-in formats, by the names that options and configuration files use.
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
    /// Creates the format for a service with this domain, such as `video.example.com`. Only
    /// Google's format uses the domain: its errors contain it.
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
