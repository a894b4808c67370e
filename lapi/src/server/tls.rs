//! TLS: the server's certificate, and whose client certificates are believed. `lapi.md` §1.1, §1.5.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::resolved::{ClientVerification, Tls};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::api::auth::Certificate;

/// Says which file or setting keeps TLS from working.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read as PEM.
    #[error("{}: {what}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Certificate and key do not go together, or the CA cannot be used.
    #[error("TLS: {0}")]
    Config(String),
}

/// Builds the acceptor; HTTP/2 and 1.1 are offered.
pub(super) fn acceptor(settings: &Tls) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let bad = |error: &dyn std::fmt::Display| TlsError::Config(error.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(&error))?;
    let builder = match (&settings.ca_file, settings.client_verification) {
        // Without a CA of ours nobody's certificate proves anything.
        (None, _)
        | (_, ClientVerification::None | ClientVerification::Request | ClientVerification::RequireAny) => {
            builder.with_no_client_auth()
        }
        (Some(path), verification) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| bad(&error))?;
            }
            let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            if let Some(path) = &settings.crl_file {
                verifier = verifier
                    .with_crls(lists(path)?)
                    .only_check_end_entity_revocation()
                    .allow_unknown_revocation_status();
            }
            if verification == ClientVerification::VerifyIfGiven {
                verifier = verifier.allow_unauthenticated();
            }
            builder.with_client_cert_verifier(verifier.build().map_err(|error| bad(&error))?)
        }
    };
    let chain = certificates(&settings.cert_file)?;
    let key = PrivateKeyDer::from_pem_file(&settings.key_file).map_err(|error| TlsError::Pem {
        path: settings.key_file.clone(),
        what: error.to_string(),
    })?;
    let mut server = builder
        .with_single_cert(chain, key)
        .map_err(|error| bad(&error))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fail = |what: String| TlsError::Pem {
        path: path.to_owned(),
        what,
    };
    let all = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail(error.to_string()))?;
    if all.is_empty() {
        Err(fail("no certificate in this file".to_owned()))
    } else {
        Ok(all)
    }
}

fn lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    CertificateRevocationListDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| TlsError::Pem {
            path: path.to_owned(),
            what: error.to_string(),
        })
}

/// Reads name and units from the verified client certificate; `None` without one.
pub(super) fn certificate(connection: &ServerConnection) -> Option<Certificate> {
    let leaf = connection.peer_certificates()?.first()?;
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf).ok()?;
    let subject = parsed.subject();
    let common_name = subject
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok());
    let units = subject
        .iter_organizational_unit()
        .filter_map(|unit| unit.as_str().ok());
    Some(Certificate {
        common_name: common_name.unwrap_or_default().to_owned(),
        units: units.map(ToOwned::to_owned).collect(),
    })
}
