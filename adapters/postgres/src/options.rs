//! How a store is connected to.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tasklife::StoreConfig;

use crate::address::Address;
use crate::connect_error::{ConnectError, ConnectFault};
use crate::database::Database;
use crate::schema::checked;
use crate::store::PostgresStore;
use crate::tls::{self, Identity};

/// How a store is connected to, where not as [`PostgresStore::connect`] does.
///
/// ```no_run
/// use std::time::Duration;
/// use tasklife::StoreConfig;
/// use tasklife_postgres::PostgresOptions;
///
/// # async fn start() -> Result<(), tasklife_postgres::ConnectError> {
/// let store = PostgresOptions::new()
///     .with_schema("orders")?
///     .with_connections(32)
///     .with_patience(Duration::from_secs(30))
///     .connect("postgres://user@127.0.0.1/database", StoreConfig::default())
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    schema: String,
    connections: usize,
    timeout: Duration,
    patience: Duration,
    roots: Option<Vec<CertificateDer<'static>>>,
    identity: Option<Identity>,
    listens: Listens,
    migrates: bool,
}

/// Over which connection hints are heard.
#[derive(Clone)]
enum Listens {
    AtTheSameAddress,
    At(Box<Address>),
    Not,
}

impl std::fmt::Debug for Listens {
    /// Leaves out the address, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AtTheSameAddress => "AtTheSameAddress",
            Self::At(_) => "At(..)",
            Self::Not => "Not",
        })
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl PostgresOptions {
    /// The schema `tasklife`, 10 connections, 2 seconds for an answer, 5 seconds of patience, the certificates that the
    /// system trusts, hints over a connection to the same address; tables are made and migrated.
    #[must_use]
    pub fn new() -> Self {
        Self {
            schema: "tasklife".into(),
            connections: 10,
            timeout: Duration::from_secs(2),
            patience: Duration::from_secs(5),
            roots: None,
            identity: None,
            listens: Listens::AtTheSameAddress,
            migrates: true,
        }
    }

    /// Sets the schema in which the store's tables are: `tasklife` unless set. Each schema is a store of its own.
    ///
    /// # Errors
    /// Where it is not a name of 1 to 54 lower-case ASCII letters, digits and underscores that does not begin with a
    /// digit.
    pub fn with_schema(mut self, schema: &str) -> Result<Self, ConnectError> {
        self.schema = checked(schema)?;
        Ok(self)
    }

    /// Sets how many connections the store makes at most, but for the one on which it hears hints: 10 unless set, at
    /// least 1. Each call uses one for as long as a statement takes. One on which no answer came in time is replaced,
    /// though its statement may go on in the server.
    #[must_use]
    pub const fn with_connections(mut self, connections: usize) -> Self {
        self.connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// Sets for how long a connection, or the answer to a statement, is waited for: 2 seconds unless set.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets for how long each statement of a call is tried while the database can't be reached, is starting, is a
    /// standby, or takes a transaction back for another's sake: 5 seconds unless set; the last try may take a
    /// [timeout](Self::with_timeout) more. It is also how long a call waits for a free connection, and for the calls of
    /// this process that write to the same account before it. Within that time it also finds out whether a write
    /// arrived whose answer was lost, so that fewer errors are unknown ones.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the certificates, in PEM, of the authorities that are trusted, in place of those that the system trusts
    /// and of the file that the address names with `sslrootcert`.
    ///
    /// # Errors
    /// Where there is no certificate in PEM.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, ConnectError> {
        self.roots = Some(tls::parsed(pem).map_err(ConnectFault::from)?);
        Ok(self)
    }

    /// Sets the certificate that the store shows where the server asks for one, with those that lead to an authority,
    /// and its private key: both in PEM.
    ///
    /// # Errors
    /// Where one of them is none. Whether they belong together is found when it connects.
    pub fn with_client_certificate(
        mut self,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Self, ConnectError> {
        self.identity = Some(Identity::parse(certificate, key).map_err(ConnectFault::from)?);
        Ok(self)
    }

    /// Sets another address of the same database for the connection on which the store hears hints: past PgBouncer,
    /// which hands on no notifications where it pools transactions.
    ///
    /// # Errors
    /// Where the address is none.
    pub fn with_listen_address(mut self, address: &str) -> Result<Self, ConnectError> {
        let address = Address::parse(address).map_err(ConnectFault::from)?;
        self.listens = Listens::At(Box::new(address));
        Ok(self)
    }

    /// Lets the store hear no hints of other processes, and make no connection for that.
    #[must_use]
    pub fn without_listening(mut self) -> Self {
        self.listens = Listens::Not;
        self
    }

    /// Lets the store use tables that are there, and make or change none: so its user needs no right to do so.
    #[must_use]
    pub const fn without_migration(mut self) -> Self {
        self.migrates = false;
        self
    }

    /// Connects to a database, and makes the store's tables there or brings them up to date. Several processes may do
    /// so at once: one makes them, and the others wait. Tokio has to run where this and the store's futures are
    /// awaited.
    ///
    /// The address is a URL as PostgreSQL's own programs take it, such as
    /// `postgres://user:password@db.example.com:5432/database?sslmode=verify-full`. `sslmode` is `disable`, which
    /// it is unless set, or `require`, `verify-ca` or `verify-full`: each of these verifies the certificate and its name.
    /// Several hosts (`host1,host2`) are tried in turn; with `target_session_attrs=read-write` the one is taken that
    /// may be written.
    ///
    /// # Errors
    /// Where the address is none, the database can't be reached before patience ends, or it is not one that the
    /// store can use.
    pub async fn connect(
        self,
        address: &str,
        config: StoreConfig,
    ) -> Result<PostgresStore, ConnectError> {
        let address = Address::parse(address).map_err(ConnectFault::from)?;
        let tls_of = |address: &Address| {
            let roots = match (&self.roots, &address.root_file) {
                (Some(roots), _) => Some(roots.clone()),
                (None, Some(file)) if address.is_encrypted() => Some(tls::read(file)?),
                (None, _) => None,
            };
            tls::connector(address.is_encrypted(), roots, self.identity.clone())
        };
        let tls = tls_of(&address).map_err(ConnectFault::from)?;
        let listens = match &self.listens {
            Listens::AtTheSameAddress => Some((address.config.clone(), tls.clone())),
            Listens::At(other) => {
                Some((other.config.clone(), tls_of(other).map_err(ConnectFault::from)?))
            }
            Listens::Not => None,
        };
        let database =
            Database::new(address.config, tls, self.connections, self.timeout, self.patience)?;
        PostgresStore::open(database, listens, &self.schema, self.migrates, config).await
    }
}

impl PostgresStore {
    /// Connects to a database, as [`PostgresOptions::connect`] with the options that are set from the start.
    ///
    /// # Errors
    /// As there.
    pub async fn connect(address: &str, config: StoreConfig) -> Result<Self, ConnectError> {
        PostgresOptions::new().connect(address, config).await
    }
}
