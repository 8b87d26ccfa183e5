use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How often the files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// TLS 1.2 and 1.3 with a certificate from files, which may be replaced while the server runs. Clones share it.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    current: Arc<Current>,
    files: Arc<Files>,
}

/// Where the certificate comes from.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The certificate that is shown to clients.
#[derive(Debug)]
struct Current(RwLock<Loaded>);

#[derive(Debug, Clone)]
struct Loaded {
    shown: Arc<CertifiedKey>,
    /// Of both files, by which a change is noticed.
    digest: blake3::Hash,
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.read().shown)
    }
}

impl Current {
    fn read(&self) -> Loaded {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tls {
    /// Reads a chain of certificates, that of the server first, and its private key; both as PEM.
    ///
    /// # Errors
    /// When a file cannot be read, is no PEM of its kind, or the two do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let files = Arc::new(Files { certificate: certificate.to_owned(), key: key.to_owned() });
        let current = Arc::new(Current(RwLock::new(files.load()?)));
        let resolver = Arc::clone(&current);
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), current, files })
    }

    /// Looks at the files again and again, for as long as it is polled. What cannot be used is reported once, and the
    /// certificate before it stays.
    pub async fn keep_fresh(self) {
        let mut complained = None;
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            match self.reload() {
                Ok(false) => complained = None,
                Ok(true) => {
                    tracing::info!("a new certificate is shown to new connections");
                    complained = None;
                }
                Err(error) => {
                    let says = format!("{error:#}");
                    if complained.as_ref() != Some(&says) {
                        tracing::warn!("the certificate stays as it was: {says}");
                        complained = Some(says);
                    }
                }
            }
        }
    }

    /// Takes the files as they are now; says whether they have changed.
    ///
    /// # Errors
    /// As [`Self::load`]; what was loaded before stays.
    pub fn reload(&self) -> anyhow::Result<bool> {
        if self.files.digest()? == self.current.read().digest {
            return Ok(false);
        }
        let loaded = self.files.load()?;
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(true)
    }

    pub(super) async fn accept<S>(&self, stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        TlsAcceptor::from(Arc::clone(&self.config)).accept(stream).await
    }
}

impl Files {
    fn read(&self) -> anyhow::Result<[Vec<u8>; 2]> {
        let read = |file: &Path| std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()));
        Ok([read(&self.certificate)?, read(&self.key)?])
    }

    fn digest(&self) -> anyhow::Result<blake3::Hash> {
        Ok(digest(&self.read()?))
    }

    fn load(&self) -> anyhow::Result<Loaded> {
        let files = self.read()?;
        let [certificate, key] = &files;
        let (at, of) = (self.certificate.display(), self.key.display());
        let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.with_context(|| format!("{at} is no PEM of certificates"))?;
        ensure!(!chain.is_empty(), "{at} has no certificate");
        let key = PrivateKeyDer::from_pem_slice(key).with_context(|| format!("{of} is no PEM of a private key"))?;
        let shown = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())
            .with_context(|| format!("the key in {of} is not that of the certificate in {at}"))?;
        Ok(Loaded { shown: Arc::new(shown), digest: digest(&files) })
    }
}

fn digest([certificate, key]: &[Vec<u8>; 2]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(blake3::hash(certificate).as_bytes()).update(blake3::hash(key).as_bytes());
    hasher.finalize()
}
