//! The options for opening a store.

use std::path::Path;
use std::time::Duration;

use tasklife::StoreConfig;

use crate::database::{Durability, Location, OpenError};
use crate::store::SqliteStore;

/// Options for opening a [`SqliteStore`].
///
/// [`SqliteStore::open`] uses the defaults.
///
/// ```
/// use std::time::Duration;
/// use tasklife::StoreConfig;
/// use tasklife_sqlite::{Durability, SqliteOptions};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("tasks.db");
/// let store = SqliteOptions::new()
///     .with_durability(Durability::System)
///     .with_busy_timeout(Duration::from_secs(30))
///     .open(&path, StoreConfig::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    durability: Durability,
    busy_timeout: Duration,
    max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl SqliteOptions {
    /// Creates the default options.
    ///
    /// The [durability](Self::with_durability) is [`Durability::Disk`], the
    /// [busy timeout](Self::with_busy_timeout) is 5 seconds, and the [size](Self::with_max_bytes) of the
    /// file is unlimited.
    #[must_use]
    pub const fn new() -> Self {
        Self { durability: Durability::Disk, busy_timeout: Duration::from_secs(5), max_bytes: None }
    }

    /// Sets what a write waits for before it is acknowledged.
    ///
    /// The default is the [disk](Durability::Disk).
    #[must_use]
    pub const fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets how long a call waits while another process writes.
    ///
    /// The default is 5 seconds. After that time the call fails, and nothing was applied.
    #[must_use]
    pub const fn with_busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// Sets the largest size of the file, in bytes.
    ///
    /// The default is unlimited. The log beside the file is not included. When the file is full,
    /// calls that need room fail as on a full disk.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Opens the store in a file.
    ///
    /// This creates the file if it does not exist, and migrates it if an older version of this
    /// crate created it.
    ///
    /// # Errors
    ///
    /// Returns [`OpenError`], and leaves the file unchanged, if the file
    ///
    /// - belongs to another program or was written by a newer version of this crate,
    /// - is damaged or read-only,
    /// - stays locked by another process, or
    /// - can't be opened or created.
    pub fn open(
        self,
        path: impl AsRef<Path>,
        config: StoreConfig,
    ) -> Result<SqliteStore, OpenError> {
        SqliteStore::open_at(self.location(Some(path.as_ref())), config)
    }

    /// Creates a store in memory, for tests. It ends with the last of its clones.
    ///
    /// # Errors
    ///
    /// Returns [`OpenError`] if SQLite runs out of memory, or a thread can't be started.
    pub fn in_memory(self, config: StoreConfig) -> Result<SqliteStore, OpenError> {
        SqliteStore::open_at(self.location(None), config)
    }

    fn location(self, path: Option<&Path>) -> Location {
        let Self { durability, busy_timeout, max_bytes } = self;
        // The store opens more connections later, when the working directory may have changed.
        let path = path.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.into()));
        Location { path, durability, busy_timeout, max_bytes }
    }
}

impl SqliteStore {
    /// Opens the store in a file with the default [`SqliteOptions`].
    ///
    /// # Errors
    ///
    /// See [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>, config: StoreConfig) -> Result<Self, OpenError> {
        SqliteOptions::new().open(path, config)
    }

    /// Creates a store in memory with the default [`SqliteOptions`], for tests.
    ///
    /// # Errors
    ///
    /// See [`SqliteOptions::in_memory`].
    pub fn in_memory(config: StoreConfig) -> Result<Self, OpenError> {
        SqliteOptions::new().in_memory(config)
    }
}
