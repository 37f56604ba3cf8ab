//! Encrypted connections: whom to trust, and who one is.

use std::sync::Arc;

use redis::{ClientTlsConfig, TlsCertificates};
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Redis;

impl Redis {
    /// Trusts the authorities whose certificates these are, in PEM, and no other. Unless it is called,
    /// those are trusted that the system trusts.
    ///
    /// # Errors
    /// Where it is no PEM, there is no certificate in it, or no address begins with `rediss://`.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, CertificateError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(Unusable::Root)?;
        }
        self.encrypted()?.root_cert = Some(pem.to_vec());
        Ok(self)
    }

    /// Presents a certificate to servers that ask for one: it and those that it was made with up to the
    /// authority's, and its private key, each in PEM.
    ///
    /// # Errors
    /// Where either is no PEM, there is no certificate or no key in it, or no address begins with
    /// `rediss://`.
    pub fn with_client_certificate(
        mut self,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Self, CertificateError> {
        certificates(certificate)?;
        let private = PrivateKeyDer::from_pem_slice(key).map_err(Unusable::Key)?;
        ring::sign::any_supported_type(&private).map_err(Unusable::UnsupportedKey)?;
        let (client_cert, client_key) = (certificate.to_vec(), key.to_vec());
        self.encrypted()?.client_tls = Some(ClientTlsConfig { client_cert, client_key });
        Ok(self)
    }

    /// The certificates for its connections, which from now on are others.
    fn encrypted(&mut self) -> Result<&mut TlsCertificates, CertificateError> {
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

/// Chooses who does the cryptography of this process, unless it has been chosen.
pub(super) fn ensure_provider() {
    if CryptoProvider::get_default().is_none() {
        // Another may have been faster.
        let _ = ring::default_provider().install_default();
    }
}

/// The error for certificates and keys that can't be used.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CertificateError(#[from] Unusable);

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("expected certificates in PEM, which begin with -----BEGIN CERTIFICATE-----")]
    Certificates(#[source] pem::Error),
    #[error("expected the certificate of an authority")]
    Root(#[source] rustls::Error),
    #[error(
        "expected a private key in PEM, such as one that begins with -----BEGIN PRIVATE KEY-----"
    )]
    Key(#[source] pem::Error),
    #[error("expected a private key for RSA, ECDSA or Ed25519")]
    UnsupportedKey(#[source] rustls::Error),
    #[error("expected an address that begins with rediss://, as others need no certificates")]
    NotEncrypted,
}
