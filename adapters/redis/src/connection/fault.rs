//! What a failure leaves certain, and whether it may be over soon.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::Endpoint;

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
            Endpoint::Server(_) => {
                silent || self.error.is_unrecoverable_error() || self.is(ServerErrorKind::ReadOnly)
            }
            // It recovers by itself, as long as it knows any node that answers.
            Endpoint::Cluster(_) => {
                silent || self.error.kind() == ErrorKind::ClusterConnectionNotFound
            }
        }
    }
}
