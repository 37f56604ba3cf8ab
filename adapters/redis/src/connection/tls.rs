//! Certificates for encrypted connections.

use std::sync::Arc;

use redis::{ClientTlsConfig, TlsCertificates};
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Redis;

impl Redis {
    /// Sets the certificates of the only authorities to trust, in PEM. The default is to trust the
    /// authorities that the system trusts.
    ///
    /// # Errors
    ///
    /// Returns [`CertificateError`] if the text is not PEM, if it has no certificate of an
    /// authority, or if no address begins with `rediss://`.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, CertificateError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(Unusable::Root)?;
        }
        self.tls_settings()?.root_cert = Some(pem.to_vec());
        Ok(self)
    }

    /// Sets the certificate to present to servers that ask for one, and its private key, both in
    /// PEM. The certificate may be followed by its chain of issuers.
    ///
    /// # Errors
    ///
    /// Returns [`CertificateError`] if either text is not PEM, if there is no certificate or no key
    /// for RSA, ECDSA or Ed25519, or if no address begins with `rediss://`.
    pub fn with_client_certificate(
        mut self,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Self, CertificateError> {
        certificates(certificate)?;
        let private = PrivateKeyDer::from_pem_slice(key).map_err(Unusable::Key)?;
        ring::sign::any_supported_type(&private).map_err(Unusable::UnsupportedKey)?;
        let (client_cert, client_key) = (certificate.to_vec(), key.to_vec());
        self.tls_settings()?.client_tls = Some(ClientTlsConfig { client_cert, client_key });
        Ok(self)
    }

    /// Returns the certificates to change. The next call opens a new connection, which uses them.
    fn tls_settings(&mut self) -> Result<&mut TlsCertificates, CertificateError> {
        if !self.endpoint.is_encrypted() {
            return Err(Unusable::NotEncrypted.into());
        }
        self.shared = Arc::default();
        let none = TlsCertificates { client_tls: None, root_cert: None };
        Ok(self.certificates.get_or_insert(none))
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(Unusable::Certificates)?;
    if all.is_empty() { Err(Unusable::Certificates(pem::Error::NoItemsFound))? } else { Ok(all) }
}

/// Makes `ring` the crypto provider of this process, unless one is installed.
pub(super) fn ensure_crypto_provider() {
    if CryptoProvider::get_default().is_none() {
        // Fails only if another thread was faster.
        let _ = ring::default_provider().install_default();
    }
}

/// The error for an unusable certificate or private key.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CertificateError(#[from] Unusable);

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("expected certificates in PEM, each beginning with -----BEGIN CERTIFICATE-----")]
    Certificates(#[source] pem::Error),
    #[error("expected the certificate of an authority")]
    Root(#[source] rustls::Error),
    #[error(
        "expected a private key in PEM, beginning with a line such as -----BEGIN PRIVATE KEY-----"
    )]
    Key(#[source] pem::Error),
    #[error("expected a private key for RSA, ECDSA or Ed25519")]
    UnsupportedKey(#[source] rustls::Error),
    #[error("expected an address that begins with rediss://: only these use certificates")]
    NotEncrypted,
}
