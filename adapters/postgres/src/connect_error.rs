//! Why there is no store.

use crate::address::AddressFault;
use crate::fault::Fault;
use crate::tls::CertificateFault;

/// Why a store was not connected to.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ConnectError(#[from] ConnectFault);

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFault {
    #[error(transparent)]
    Address(#[from] AddressFault),
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    #[error(
        "expected a schema's name of 1 to 54 lower-case letters, digits and underscores, not first a digit, got {0:?}"
    )]
    Schema(String),
    #[error("expected a database in UTF8, got one in {0}")]
    Encoding(String),
    #[error(
        "expected transactions at the level read committed, got {0}: \
         set `default_transaction_isolation` for the user or the database"
    )]
    Isolation(String),
    #[error(
        "expected tables of version {known} or before, got version {got}: a newer version of tasklife-postgres made them"
    )]
    Newer { known: usize, got: i64 },
    #[error(
        "expected the tables of a store in the schema {schema}, of version {known}, got {got}: \
         connect once without `without_migration`, as a user who may make them"
    )]
    NotMigrated { schema: String, known: usize, got: String },
    #[error("expected the schema {0} to be that of a store, or not there, got another")]
    Foreign(String),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ConnectError {
    /// Whether the database could not be reached, or failed: the arguments may be right.
    #[must_use]
    pub fn is_of_database(&self) -> bool {
        matches!(self.0, ConnectFault::Fault(_))
    }
}

impl From<Fault> for ConnectError {
    fn from(fault: Fault) -> Self {
        ConnectFault::from(fault).into()
    }
}
