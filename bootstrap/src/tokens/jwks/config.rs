use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

use super::JwksAlgorithm;

/// The settings of an issuer beside the configured key.
#[derive(Debug, Clone)]
pub struct JwksConfig {
    /// `JWT_JWKS_URL` or `JWT_JWKS_PATH`.
    pub source: JwksSource,
    /// `JWT_JWKS_CA_PATH`: the only authorities whose certificates are good for the URL; none means the public ones.
    pub authorities: Option<PathBuf>,
    /// `JWT_JWKS_ALGORITHMS`: keys of other algorithms are left out.
    pub algorithms: Vec<JwksAlgorithm>,
    /// `JWT_ISSUER`: what `iss` of its tokens must be.
    pub issuer: Option<String>,
    /// `JWT_AUDIENCE`: what `aud` of its tokens must be or contain.
    pub audience: Option<String>,
    /// `JWT_JWKS_REFRESH_SECONDS`: how often the set is read.
    pub refresh: Duration,
    /// How long an answer may take, from the first byte of the request to the last of the body.
    pub patience: Duration,
}

impl JwksConfig {
    /// A source with the defaults of everything else.
    pub fn new(source: JwksSource) -> Self {
        Self {
            source,
            authorities: None,
            algorithms: vec![JwksAlgorithm::Es256, JwksAlgorithm::Es384],
            issuer: None,
            audience: None,
            refresh: Duration::from_mins(5),
            patience: Duration::from_secs(5),
        }
    }
}

/// Where an issuer publishes its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// At a URL.
    Url(JwksUrl),
    /// In a file that somebody else keeps up to date.
    File(PathBuf),
}

impl JwksSource {
    pub(in crate::tokens) const fn setting(&self) -> &'static str {
        match self {
            Self::Url(_) => "JWT_JWKS_URL",
            Self::File(_) => "JWT_JWKS_PATH",
        }
    }
}

/// A URL that keys may be fetched from.
#[derive(Clone, PartialEq, Eq)]
pub struct JwksUrl(Url);

impl JwksUrl {
    /// Reads an `https://` URL. In production plain `http://` must lead to this machine: whoever can change the answer
    /// on its way can sign for every tenant. Credentials do not belong into a URL.
    pub fn parse(text: &str, production: bool) -> Option<Self> {
        let url = Self(Url::parse(text.trim()).ok()?);
        let safe = match url.0.scheme() {
            "https" => true,
            "http" => !production || url.is_local(),
            _ => false,
        };
        let bare = url.0.username().is_empty() && url.0.password().is_none();
        (safe && bare && url.0.has_host()).then_some(url)
    }

    /// Whether it leads to this machine.
    pub(super) fn is_local(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for JwksUrl {
    /// Without the query, where some issuers want a key of their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.0.scheme(), self.0.authority(), self.0.path())
    }
}
