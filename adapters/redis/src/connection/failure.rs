//! What a failure leaves certain, and whether a retry may succeed.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// A failed command.
pub(super) struct Failure {
    pub(super) error: RedisError,
    /// Whether the command certainly changed nothing.
    pub(super) had_no_effect: bool,
}

impl Failure {
    /// Returns a failure before the command was sent.
    pub(super) fn before_sending(error: RedisError) -> Self {
        Self { error, had_no_effect: true }
    }

    /// Returns a failure after the command was given to the connection.
    pub(super) fn after_sending(error: RedisError) -> Self {
        let had_no_effect = match error.kind() {
            // Either the server replied with an error (a script checks everything before it writes,
            // and the server admits or refuses it as a whole), or no connection was there to send
            // the command over.
            ErrorKind::Server(_)
            | ErrorKind::Extension
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::AuthenticationFailed
            | ErrorKind::InvalidClientConfig => true,
            _ => error.is_connection_refusal(),
        };
        Self { error, had_no_effect }
    }

    pub(super) fn is(&self, kind: ServerErrorKind) -> bool {
        self.error.kind() == ErrorKind::Server(kind)
    }

    /// Returns whether a retry may succeed.
    pub(super) fn is_temporary(&self) -> bool {
        use ServerErrorKind as S;
        match self.error.kind() {
            _ if needs_an_operator(&self.error) => false,
            ErrorKind::Io | ErrorKind::Parse | ErrorKind::ClusterConnectionNotFound => true,
            ErrorKind::Server(kind) => matches!(
                kind,
                S::BusyLoading
                    | S::Moved
                    | S::Ask
                    | S::TryAgain
                    | S::ClusterDown
                    | S::MasterDown
                    | S::ReadOnly
            ),
            ErrorKind::Extension => matches!(self.error.code(), Some("BUSY" | "NOREPLICAS")),
            _ => false,
        }
    }

    /// Returns whether the connection to a single server can't be used any longer.
    pub(super) fn breaks_server_connection(&self) -> bool {
        // After a timeout, the server may never answer again.
        self.error.is_timeout()
            || self.error.is_unrecoverable_error()
            || self.is(ServerErrorKind::ReadOnly)
    }

    /// Returns whether the connection to a cluster can't be used any longer. The client reconnects
    /// to its nodes while it knows one that answers.
    pub(super) fn breaks_cluster_connection(&self) -> bool {
        self.error.is_timeout() || self.error.kind() == ErrorKind::ClusterConnectionNotFound
    }
}

/// Returns whether no connection can be made until somebody changes the configuration: a
/// certificate or a user was refused.
pub(super) fn needs_an_operator(error: &RedisError) -> bool {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(_)) => true,
        Some(rustls::Error::AlertReceived(alert)) => is_about_certificates(*alert),
        _ => {
            matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig)
        }
    }
}

/// Returns the TLS error that made a connection fail.
fn tls_error(error: &RedisError) -> Option<&rustls::Error> {
    let shared = error.source()?.downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    shared.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

fn is_about_certificates(alert: rustls::AlertDescription) -> bool {
    use rustls::AlertDescription as A;
    matches!(
        alert,
        A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::CertificateRequired
            | A::UnknownCA
            | A::AccessDenied
    )
}
