use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::document::{KeySet, read};
use super::{JwksConfig, JwksSource, JwksUrl};

/// Largest set that is read, in bytes. A key has about 300, or 800 with RSA.
const MAX_BYTES: u64 = 256 * 1024;

/// Why a set of keys could not be had. Our own words: libraries quote what they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// The file.
    #[error("it cannot be read ({0})")]
    Unreadable(io::ErrorKind),
    /// DNS or TCP.
    #[error("its host is not known or does not answer")]
    NoConnection,
    /// TLS: most often a certificate that is not trusted.
    #[error(
        "no secure connection: the certificate is not valid for it, or not from a public authority or, if \
         JWT_JWKS_CA_PATH is set, one of those"
    )]
    NoTls,
    /// The file of authorities.
    #[error("JWT_JWKS_CA_PATH cannot be read as a file of certificates in PEM")]
    NoAuthorities,
    /// Too slow.
    #[error("no answer in time")]
    TimedOut,
    /// HTTP.
    #[error("the answer has status {0}, not 200; redirects are not followed")]
    Status(u16),
    /// More bytes than any set has.
    #[error("it has more than 256 KiB")]
    TooLarge,
    /// Something else than JSON with `keys`.
    #[error("it is not a JSON Web Key Set")]
    NotJwks,
    /// Which one would be meant?
    #[error("two keys have the same kid")]
    Ambiguous,
    /// A file that would open nothing.
    #[error(
        "no key can be used: a key needs a kid, and must be for signatures and of one of JWT_JWKS_ALGORITHMS \
         (ES256 with P-256, ES384 with P-384, RS256 with 2048 to 4096 bits)"
    )]
    NoUsableKey,
    /// A defect.
    #[error("the attempt broke off")]
    Broken,
}

/// A set as it was published.
pub(super) struct Loaded {
    /// Of the document, to know one that has not changed.
    pub(super) digest: blake3::Hash,
    pub(super) keys: KeySet,
}

/// Reads the set. Blocks.
pub(super) fn load(config: &JwksConfig) -> Result<Loaded, JwksError> {
    let document = match &config.source {
        JwksSource::Url(url) => get(url, authorities(config)?, config.patience)?,
        JwksSource::File(path) => {
            let unreadable = |error: io::Error| JwksError::Unreadable(error.kind());
            File::open(path).map_err(unreadable).and_then(|file| bounded(file, unreadable))?
        }
    };
    let keys = read(&document, &config.algorithms)?;
    Ok(Loaded { digest: blake3::hash(&document), keys })
}

/// Whose certificates are trusted. Read each time: the file changes when an authority does.
pub(super) fn authorities(config: &JwksConfig) -> Result<RootCerts, JwksError> {
    let Some(path) = &config.authorities else { return Ok(RootCerts::WebPki) };
    let file = File::open(path).map_err(|_| JwksError::NoAuthorities)?;
    let text = bounded(file, |_| JwksError::NoAuthorities)?;
    let items = parse_pem(&text).collect::<Result<Vec<_>, _>>().map_err(|_| JwksError::NoAuthorities)?;
    let certificate = |item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None };
    let all: Vec<_> = items.into_iter().filter_map(certificate).collect();
    if all.is_empty() { Err(JwksError::NoAuthorities) } else { Ok(all.into()) }
}

fn get(url: &JwksUrl, trusted: RootCerts, patience: Duration) -> Result<Vec<u8>, JwksError> {
    let mut settings = ureq::Agent::config_builder()
        .timeout_global(Some(patience))
        .tls_config(TlsConfig::builder().root_certs(trusted).build())
        // Somebody else's word where the keys are is not enough.
        .max_redirects(0)
        .http_status_as_error(false)
        // The next request is minutes away.
        .max_idle_connections(0)
        .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
        .accept("application/jwk-set+json, application/json");
    if url.is_local() {
        settings = settings.proxy(None);
    }
    let agent: ureq::Agent = settings.build().into();
    let answer = agent.get(url.as_str()).call().map_err(|error| why(&error))?;
    match answer.status().as_u16() {
        200 => bounded(answer.into_body().into_reader(), |error| why(&error.into())),
        status => Err(JwksError::Status(status)),
    }
}

/// Never holds more than the largest set, however much there is to read.
fn bounded(source: impl Read, wrong: impl FnOnce(io::Error) -> JwksError) -> Result<Vec<u8>, JwksError> {
    let mut bytes = Vec::new();
    match source.take(MAX_BYTES + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(JwksError::TooLarge),
        Ok(_) => Ok(bytes),
        Err(error) => Err(wrong(error)),
    }
}

fn why(error: &ureq::Error) -> JwksError {
    match error {
        ureq::Error::Timeout(_) => JwksError::TimedOut,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => JwksError::NoTls,
        // A handshake that fails comes as an error of the socket, with what rustls said inside.
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => JwksError::NoTls,
        _ => JwksError::NoConnection,
    }
}
