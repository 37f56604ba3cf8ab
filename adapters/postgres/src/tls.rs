//! Encryption, and whose certificates are trusted.

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
    #[error("expected the file {0:?} with certificates")]
    File(PathBuf, #[source] io::Error),
    #[error("expected certificates in PEM, got {0}")]
    Pem(&'static str, #[source] Option<rustls::pki_types::pem::Error>),
    #[error("expected a certificate that can be trusted")]
    Root(#[source] rustls::Error),
    #[error(
        "expected certificates of this system that can be trusted, got none: name a file with `sslrootcert`"
    )]
    NoneHere,
    #[error("expected a private key in PEM")]
    Key(#[source] rustls::pki_types::pem::Error),
    #[error("expected a certificate of this client, and the private key that belongs to it")]
    Client(#[source] rustls::Error),
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
}

/// Certificates, in PEM.
pub(crate) fn parsed(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| CertificateFault::Pem("something else", Some(error)))?;
    if certificates.is_empty() {
        return Err(CertificateFault::Pem("none", None));
    }
    Ok(certificates)
}

pub(crate) fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let pem = std::fs::read(file).map_err(|error| CertificateFault::File(file.into(), error))?;
    parsed(&pem)
}

/// Who a client says it is: its certificate, with those that lead to an authority, and the private key.
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
    /// Leaves out the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    pub(crate) fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, CertificateFault> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateFault::Key)?;
        Ok(Self { chain: parsed(certificate)?, key })
    }
}

/// What encrypts connections, and trusts these certificates: without any, those that the system trusts. Where nothing
/// is encrypted, it is not used.
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
                return Err(CertificateFault::NoneHere);
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
