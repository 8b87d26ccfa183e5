use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::JwksConfig;

/// How tokens are signed; only the configured one is accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TokenAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    #[default]
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl TokenAlgorithm {
    /// Every algorithm that can be configured.
    pub const ALL: [Self; 5] = [Self::Es256, Self::Es384, Self::Hs256, Self::Hs384, Self::Hs512];

    /// The name in configuration and in `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether the key that verifies is the key that signs.
    pub(super) const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

impl From<TokenAlgorithm> for Algorithm {
    fn from(algorithm: TokenAlgorithm) -> Self {
        match algorithm {
            TokenAlgorithm::Es256 => Self::ES256,
            TokenAlgorithm::Es384 => Self::ES384,
            TokenAlgorithm::Hs256 => Self::HS256,
            TokenAlgorithm::Hs384 => Self::HS384,
            TokenAlgorithm::Hs512 => Self::HS512,
        }
    }
}

/// The settings of tenant tokens. A value wins over a path.
#[derive(Clone)]
pub struct TokenConfig {
    /// `JWT_ALGORITHM`.
    pub algorithm: TokenAlgorithm,
    /// `JWT_PRIVATE_KEY`: base64 of a PKCS#8 PEM or, for HS…, of the secret.
    pub private_key: Option<String>,
    /// `JWT_PRIVATE_KEY_PATH`: a file with the same, not in base64. In development it is made when it is missing.
    pub private_key_path: Option<PathBuf>,
    /// `JWT_PUBLIC_KEY`: base64 of a PEM; derived from the private key when it is missing.
    pub public_key: Option<String>,
    /// `JWT_PUBLIC_KEY_PATH`.
    pub public_key_path: Option<PathBuf>,
    /// `JWT_KEY_ID`: the `kid` of the key above, in tokens that are issued and in those that are verified.
    pub key_id: Option<String>,
    /// `JWT_JWKS_…`: an issuer beside the key above.
    pub jwks: Option<JwksConfig>,
    /// Whether a missing key stops the start.
    pub production: bool,
    /// How long an issued token lives.
    pub lifetime: Duration,
}

impl Default for TokenConfig {
    fn default() -> Self {
        Self {
            algorithm: TokenAlgorithm::default(),
            private_key: None,
            private_key_path: None,
            public_key: None,
            public_key_path: None,
            key_id: None,
            jwks: None,
            production: false,
            lifetime: Duration::from_mins(30),
        }
    }
}

impl fmt::Debug for TokenConfig {
    /// Keys are never shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenConfig")
            .field("algorithm", &self.algorithm)
            .field("private_key", &self.private_key.as_ref().map(|_| "…"))
            .field("private_key_path", &self.private_key_path)
            .field("public_key", &self.public_key.as_ref().map(|_| "…"))
            .field("public_key_path", &self.public_key_path)
            .field("key_id", &self.key_id)
            .field("jwks", &self.jwks)
            .field("production", &self.production)
            .field("lifetime", &self.lifetime)
            .finish()
    }
}
