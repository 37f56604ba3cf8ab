//! Encryption: the trusted certificates, and the client's own.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateFault {
    #[error("expected a readable file of certificates at {0:?}")]
    File(PathBuf, #[source] io::Error),
    #[error("expected certificates in PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    #[error("expected at least one certificate in PEM, got none")]
    NoCertificate,
    #[error("expected the certificate of an authority, got one that can't be used")]
    Root(#[source] rustls::Error),
    #[error(
        "expected certificate authorities that this system trusts, got none: name a file with `sslrootcert`"
    )]
    NoSystemRoots,
    #[error("expected a private key in PEM")]
    Key(#[source] rustls::pki_types::pem::Error),
    #[error("expected a client certificate and the private key that belongs to it")]
    Client(#[source] rustls::Error),
    #[error("TLS could not be set up")]
    Setup(#[source] rustls::Error),
}

/// Parses at least one certificate in PEM.
pub(crate) fn parse_certificates(
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(CertificateFault::Pem)?;
    if certificates.is_empty() {
        return Err(CertificateFault::NoCertificate);
    }
    Ok(certificates)
}

/// Reads the certificates in a file.
pub(crate) fn read_certificates(
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let pem = std::fs::read(file).map_err(|error| CertificateFault::File(file.into(), error))?;
    parse_certificates(&pem)
}

/// The client's certificate chain and its private key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

impl fmt::Debug for Identity {
    /// Omits the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    pub(crate) fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, CertificateFault> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateFault::Key)?;
        Ok(Self { chain: parse_certificates(certificate)?, key })
    }
}

/// Creates the TLS connector.
///
/// It trusts `roots`, or the system's certificate authorities if there are none. The system's are
/// read only if the connection is to be encrypted, because the connector is otherwise unused.
pub(crate) fn connector(
    is_encrypted: bool,
    roots: Option<Vec<CertificateDer<'static>>>,
    identity: Option<Identity>,
) -> Result<MakeRustlsConnect, CertificateFault> {
    let mut trusted = RootCertStore::empty();
    match roots {
        Some(roots) => {
            for root in roots {
                trusted.add(root).map_err(CertificateFault::Root)?;
            }
        }
        None if is_encrypted => {
            trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if trusted.is_empty() {
                return Err(CertificateFault::NoSystemRoots);
            }
        }
        None => {}
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(CertificateFault::Setup)?
        .with_root_certificates(trusted);
    let config = match identity {
        Some(Identity { chain, key }) => {
            config.with_client_auth_cert(chain, key).map_err(CertificateFault::Client)?
        }
        None => config.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}
