//! The address of a database.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslMode};

/// The parsed address of a database, and the file of trusted certificates that it names.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) config: Config,
    /// The value of `sslrootcert`.
    pub(crate) root_file: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressFault {
    #[error("expected an address such as postgres://user:password@host:5432/database")]
    Scheme,
    #[error("expected an address such as postgres://user:password@host:5432/database")]
    Parse(#[source] tokio_postgres::Error),
    #[error(
        "expected sslmode to be disable, require, verify-ca or verify-full, got {0}: \
         a connection is either not encrypted, or encrypted with a verified certificate"
    )]
    SslMode(String),
    #[error("expected no parameter {0}: set the client certificate with `with_client_certificate`")]
    ClientCertificate(String),
    #[error("expected the parameter {0} to be percent-encoded UTF-8")]
    Encoding(&'static str),
}

impl Address {
    /// Parses a URL. Every encrypted connection verifies the certificate, whatever the `sslmode`.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressFault> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(AddressFault::Scheme);
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut rest, mut root_file, mut ssl_mode) = (Vec::new(), None, SslMode::Disable);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", "disable")) => ssl_mode = SslMode::Disable,
                Some(("sslmode", "require" | "verify-ca" | "verify-full")) => {
                    ssl_mode = SslMode::Require;
                }
                Some(("sslmode", other)) => return Err(AddressFault::SslMode(other.into())),
                Some((name @ ("sslcert" | "sslkey"), _)) => {
                    return Err(AddressFault::ClientCertificate(name.into()));
                }
                Some(("sslrootcert", "system")) => root_file = None,
                Some(("sslrootcert", file)) => {
                    let file = percent_decode_str(file).decode_utf8();
                    let file = file.map_err(|_| AddressFault::Encoding("sslrootcert"))?;
                    root_file = Some(file.into_owned().into());
                }
                _ => rest.push(parameter),
            }
        }
        let mut config: Config =
            format!("{base}?{}", rest.join("&")).parse().map_err(AddressFault::Parse)?;
        config.ssl_mode(ssl_mode);
        if ssl_mode == SslMode::Disable && config.get_channel_binding() == ChannelBinding::Prefer {
            config.channel_binding(ChannelBinding::Disable);
        }
        if config.get_application_name().is_none() {
            config.application_name("tasklife");
        }
        Ok(Self { config, root_file })
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }
}
