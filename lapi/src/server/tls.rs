//! TLS: the server's certificate, and whose client certificates are believed. Upstream: `pkg/apiserver/middlewares/v1/tls_auth.go`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

/// What the files of the settings hold; they change when a certificate is renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Option<Vec<u8>>,
    revoked: Option<Vec<u8>>,
}

impl Files {
    fn read(settings: &Tls) -> Result<Self, TlsError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| TlsError::Pem {
                path: path.clone(),
                what: error.to_string(),
            })
        };
        Ok(Self {
            certificate: read(&settings.cert_file)?,
            key: read(&settings.key_file)?,
            authority: settings.ca_file.as_ref().map(read).transpose()?,
            revoked: settings.crl_file.as_ref().map(read).transpose()?,
        })
    }

    /// Builds the server's side; HTTP/2 and 1.1 are offered.
    fn configure(&self, settings: &Tls) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let bad = |error: &dyn std::fmt::Display| TlsError::Config(error.to_string());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(&error))?;
        let builder = match (&settings.ca_file, &self.authority, settings.client_verification) {
            // Without a CA of ours nobody's certificate proves anything.
            (None, ..)
            | (_, None, _)
            | (.., ClientVerification::None | ClientVerification::Request | ClientVerification::RequireAny) => {
                builder.with_no_client_auth()
            }
            (Some(path), Some(pem), verification) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path, pem)? {
                    roots.add(certificate).map_err(|error| bad(&error))?;
                }
                let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                if let (Some(path), Some(pem)) = (&settings.crl_file, &self.revoked) {
                    verifier = verifier
                        .with_crls(lists(path, pem)?)
                        .only_check_end_entity_revocation()
                        .allow_unknown_revocation_status();
                }
                if verification == ClientVerification::VerifyIfGiven {
                    verifier = verifier.allow_unauthenticated();
                }
                builder.with_client_cert_verifier(verifier.build().map_err(|error| bad(&error))?)
            }
        };
        let chain = certificates(&settings.cert_file, &self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| TlsError::Pem {
            path: settings.key_file.clone(),
            what: error.to_string(),
        })?;
        let mut server = builder
            .with_single_cert(chain, key)
            .map_err(|error| bad(&error))?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(server)
    }
}

/// TLS as its files say now: a renewed certificate needs no restart.
pub(super) struct Following {
    settings: Tls,
    current: Mutex<(Files, Arc<ServerConfig>)>,
}

impl Following {
    /// Reads the files; any problem is an error.
    pub(super) fn load(settings: &Tls) -> Result<Self, TlsError> {
        let files = Files::read(settings)?;
        let server = Arc::new(files.configure(settings)?);
        Ok(Self {
            settings: settings.clone(),
            current: Mutex::new((files, server)),
        })
    }

    /// Returns the acceptor for the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current.1))
    }

    /// Looks at the files again and again; what cannot be used changes nothing and is told once.
    pub(super) async fn follow(self: Arc<Self>, every: Duration) {
        let mut told = String::new();
        loop {
            tokio::time::sleep(every).await;
            let this = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || this.look());
            match looked.await {
                Ok(Ok(false)) => told.clear(),
                Ok(Ok(true)) => {
                    told.clear();
                    tracing::info!(
                        "the certificate was renewed: {}",
                        self.settings.cert_file.display()
                    );
                }
                // Half of a change may be seen: the next look sees all of it.
                Ok(Err(error)) if error.to_string() != told => {
                    told = error.to_string();
                    tracing::warn!("the certificate from before stays in use: {told}");
                }
                Ok(Err(_told)) => {}
                Err(_stopping) => return,
            }
        }
    }

    /// Says whether the files changed; they are in effect then.
    fn look(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.settings)?;
        let current = || self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current().0 == files {
            return Ok(false);
        }
        let server = Arc::new(files.configure(&self.settings)?);
        *current() = (files, server);
        Ok(true)
    }
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fail = |what: String| TlsError::Pem {
        path: path.to_owned(),
        what,
    };
    let all = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| fail(error.to_string()))?;
    if all.is_empty() {
        Err(fail("no certificate in this file".to_owned()))
    } else {
        Ok(all)
    }
}

fn lists(path: &Path, pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    CertificateRevocationListDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
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
