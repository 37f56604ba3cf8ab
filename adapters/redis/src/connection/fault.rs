//! What a failure leaves certain, and whether it may be over soon.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::endpoint::Endpoint;

/// A failure, and whether the command certainly had no effect.
pub(super) struct Fault {
    pub(super) error: RedisError,
    pub(super) had_no_effect: bool,
}

impl Fault {
    /// A failure before anything was sent.
    pub(super) fn before(error: RedisError) -> Self {
        Self { error, had_no_effect: true }
    }

    /// A failure after a command was given to the connection.
    pub(super) fn of(error: RedisError) -> Self {
        let had_no_effect = match error.kind() {
            // An error reply: a script compares before it writes, and is let in as a whole. Or there
            // was no connection to send it to.
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

    /// Whether it may be over soon.
    pub(super) fn is_transient(&self) -> bool {
        use ServerErrorKind as S;
        match self.error.kind() {
            _ if is_final(&self.error) => false,
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

    /// Whether the connection is of no more use.
    pub(super) fn breaks_connection(&self, endpoint: &Endpoint) -> bool {
        // Whoever is silent now may have gone for good.
        let silent = self.error.is_timeout();
        match endpoint {
            Endpoint::Server(_) | Endpoint::Sentinel(_) => {
                silent || self.error.is_unrecoverable_error() || self.is(ServerErrorKind::ReadOnly)
            }
            // It recovers by itself, as long as it knows any node that answers.
            Endpoint::Cluster(_) => {
                silent || self.error.kind() == ErrorKind::ClusterConnectionNotFound
            }
        }
    }
}

/// Whether no connection can be made before someone does something about it: a certificate was
/// refused, or a user.
pub(super) fn is_final(error: &RedisError) -> bool {
    match of_tls(error) {
        Some(rustls::Error::InvalidCertificate(_)) => true,
        Some(rustls::Error::AlertReceived(alert)) => is_about_certificates(*alert),
        _ => {
            matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig)
        }
    }
}

/// What an encrypted connection failed for.
fn of_tls(error: &RedisError) -> Option<&rustls::Error> {
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
