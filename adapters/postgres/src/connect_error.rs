//! The error of connecting to a store.

use crate::address::AddressFault;
use crate::fault::Fault;
use crate::tls::CertificateFault;

/// The reason why connecting to a store failed.
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
        "expected a schema name of 1 to 54 lower-case letters, digits and underscores that does not begin with a digit, got {0:?}"
    )]
    Schema(String),
    #[error("expected a database with the encoding UTF8, got {0}")]
    Encoding(String),
    #[error(
        "expected the isolation level read committed, got {0}: \
         set `default_transaction_isolation` for the user or the database"
    )]
    Isolation(String),
    #[error(
        "expected tables of version {known} or earlier, got version {got}: a newer version of tasklife-postgres created them"
    )]
    Newer { known: usize, got: i64 },
    #[error(
        "expected tables of version {known} in the schema {schema}, got {got}: \
         connect once without `without_migration`, as a user with the right to create them"
    )]
    NotMigrated { schema: String, known: usize, got: String },
    #[error("expected the schema {0} to be empty, missing or a store's, got other tables in it")]
    Foreign(String),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ConnectError {
    /// Returns whether the database could not be reached, or failed.
    ///
    /// If so, the address and the options may be right, and you can try again later. Otherwise one
    /// of them, or the database's setup, must change.
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
