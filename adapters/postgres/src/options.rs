//! The options for connecting to a store.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tasklife::StoreConfig;

use crate::address::Address;
use crate::connect_error::{ConnectError, ConnectFault};
use crate::database::Database;
use crate::schema::checked;
use crate::store::PostgresStore;
use crate::tls::{self, Identity};

/// Options for connecting to a [`PostgresStore`].
///
/// [`PostgresStore::connect`] uses the defaults.
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
///     .with_retry_time(Duration::from_secs(30))
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
    retry_time: Duration,
    roots: Option<Vec<CertificateDer<'static>>>,
    identity: Option<Identity>,
    listening: Listening,
    migrates: bool,
}

/// Where the store listens for the hints of other processes.
#[derive(Clone)]
enum Listening {
    SameAddress,
    OtherAddress(Box<Address>),
    Off,
}

impl std::fmt::Debug for Listening {
    /// Omits the address, which may contain a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SameAddress => "SameAddress",
            Self::OtherAddress(_) => "OtherAddress(..)",
            Self::Off => "Off",
        })
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl PostgresOptions {
    /// Creates the default options.
    ///
    /// | option | default |
    /// |---|---|
    /// | [schema](Self::with_schema) | `tasklife` |
    /// | [connections](Self::with_connections) | 10 |
    /// | [timeout](Self::with_timeout) | 2 seconds |
    /// | [retry time](Self::with_retry_time) | 5 seconds |
    /// | [certificate authorities](Self::with_root_certificates) | those that the system trusts |
    /// | [client certificate](Self::with_client_certificate) | none |
    /// | [listening for hints](Self::with_listen_address) | at the same address |
    /// | [migration](Self::without_migration) | creates and migrates the tables |
    #[must_use]
    pub fn new() -> Self {
        Self {
            schema: "tasklife".into(),
            connections: 10,
            timeout: Duration::from_secs(2),
            retry_time: Duration::from_secs(5),
            roots: None,
            identity: None,
            listening: Listening::SameAddress,
            migrates: true,
        }
    }

    /// Sets the schema that holds the store's tables.
    ///
    /// Each schema is a separate store. The default is `tasklife`.
    ///
    /// # Errors
    ///
    /// Returns [`ConnectError`] unless the name has 1 to 54 lower-case ASCII letters, digits and
    /// underscores and does not begin with a digit.
    pub fn with_schema(mut self, schema: &str) -> Result<Self, ConnectError> {
        self.schema = checked(schema)?;
        Ok(self)
    }

    /// Sets the largest number of connections that the store opens.
    ///
    /// The default is 10, and 0 counts as 1. The connection that listens for hints is not included.
    /// A call uses one connection for the duration of a statement. If an answer doesn't come in
    /// time, the store replaces the connection, although the statement may go on in the server.
    #[must_use]
    pub const fn with_connections(mut self, connections: usize) -> Self {
        self.connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// Sets how long the store waits for a connection or for the answer to a statement.
    ///
    /// The default is 2 seconds.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long each statement of a call is retried after a failure that may pass.
    ///
    /// The default is 5 seconds; the last try may take one [timeout](Self::with_timeout) more. Such
    /// failures are a database that can't be reached, is starting or is a standby, and a
    /// transaction that was rolled back because of a conflict. After a lost answer, the retries
    /// also find out whether the write had arrived, so a longer time leaves fewer outcomes unknown.
    ///
    /// A call waits as long as this for a free connection, and as long again for earlier calls of
    /// this process that write to the same account.
    #[must_use]
    pub const fn with_retry_time(mut self, retry_time: Duration) -> Self {
        self.retry_time = retry_time;
        self
    }

    /// Sets the trusted certificate authorities, in PEM.
    ///
    /// They replace those that the system trusts and the file that the address names with
    /// `sslrootcert`.
    ///
    /// # Errors
    ///
    /// Returns [`ConnectError`] if `pem` contains no certificate, or anything that can't be parsed.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, ConnectError> {
        self.roots = Some(tls::parse_certificates(pem).map_err(ConnectFault::from)?);
        Ok(self)
    }

    /// Sets the client certificate and its private key, both in PEM.
    ///
    /// The store presents the certificate if the server asks for one. Append the intermediate
    /// certificates of its chain, if there are any.
    ///
    /// # Errors
    ///
    /// Returns [`ConnectError`] if one of them can't be parsed. [`connect`](Self::connect) checks
    /// whether they belong together.
    pub fn with_client_certificate(
        mut self,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Self, ConnectError> {
        self.identity = Some(Identity::parse(certificate, key).map_err(ConnectFault::from)?);
        Ok(self)
    }

    /// Sets another address of the same database, at which the store listens for hints.
    ///
    /// Use it to bypass PgBouncer, which drops notifications when it pools transactions.
    ///
    /// # Errors
    ///
    /// Returns [`ConnectError`] if the address can't be parsed.
    pub fn with_listen_address(mut self, address: &str) -> Result<Self, ConnectError> {
        let address = Address::parse(address).map_err(ConnectFault::from)?;
        self.listening = Listening::OtherAddress(Box::new(address));
        Ok(self)
    }

    /// Disables listening for the hints of other processes, and the connection for it.
    ///
    /// The store still wakes waiters for what happens through it and its clones.
    #[must_use]
    pub fn without_listening(mut self) -> Self {
        self.listening = Listening::Off;
        self
    }

    /// Disables the creation and migration of tables.
    ///
    /// The store uses the existing tables, and its user needs no right to create or change any.
    #[must_use]
    pub const fn without_migration(mut self) -> Self {
        self.migrates = false;
        self
    }

    /// Connects to a database, and creates or migrates the store's tables.
    ///
    /// Several processes may connect at once: one of them creates the tables while the others wait.
    /// Call this, and await the store's futures, on a Tokio runtime.
    ///
    /// The address is a URL as PostgreSQL's own programs take it, such as
    /// `postgres://user:password@db.example.com:5432/database?sslmode=verify-full`. The `sslmode`
    /// is `disable` (the default), `require`, `verify-ca` or `verify-full`. Each of the last three
    /// verifies the certificate and its host name. Several hosts (`host1,host2`) are tried in turn.
    /// With `target_session_attrs=read-write`, only a host that accepts writes is used.
    ///
    /// # Errors
    ///
    /// Returns [`ConnectError`] in the following cases. Its
    /// [`is_of_database`](ConnectError::is_of_database) identifies the second one.
    ///
    /// - The address can't be parsed, or a certificate can't be used.
    /// - The database can't be reached before the [retry time](Self::with_retry_time) ends, or it fails.
    /// - The store can't use the database: its encoding is not UTF8, its isolation level is not
    ///   `read committed`, or the schema belongs to another program or a newer version.
    /// - Migration is [disabled](Self::without_migration), and the tables are missing or old.
    pub async fn connect(
        self,
        address: &str,
        config: StoreConfig,
    ) -> Result<PostgresStore, ConnectError> {
        let address = Address::parse(address).map_err(ConnectFault::from)?;
        let tls_of = |address: &Address| {
            let roots = match (&self.roots, &address.root_file) {
                (Some(roots), _) => Some(roots.clone()),
                (None, Some(file)) if address.is_encrypted() => Some(tls::read_certificates(file)?),
                (None, _) => None,
            };
            tls::connector(address.is_encrypted(), roots, self.identity.clone())
        };
        let tls = tls_of(&address).map_err(ConnectFault::from)?;
        let listens_at = match &self.listening {
            Listening::SameAddress => Some((address.config.clone(), tls.clone())),
            Listening::OtherAddress(other) => {
                Some((other.config.clone(), tls_of(other).map_err(ConnectFault::from)?))
            }
            Listening::Off => None,
        };
        let database =
            Database::new(address.config, tls, self.connections, self.timeout, self.retry_time)?;
        PostgresStore::open(database, listens_at, &self.schema, self.migrates, config).await
    }
}

impl PostgresStore {
    /// Connects to a database with the default [`PostgresOptions`].
    ///
    /// # Errors
    ///
    /// See [`PostgresOptions::connect`].
    pub async fn connect(address: &str, config: StoreConfig) -> Result<Self, ConnectError> {
        PostgresOptions::new().connect(address, config).await
    }
}
