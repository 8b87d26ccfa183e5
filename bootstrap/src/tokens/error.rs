use std::path::PathBuf;

use jsonwebtoken::errors::ErrorKind;
use muster_application::ErrorCode;

use super::JwksError;

/// Why a token opens nothing. Closed; says nothing of the token or of what a library thought of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no token.
    #[error("a tenant token is required; send it as X-Tenant-Token or Authorization: Bearer")]
    Missing,
    /// It was good once.
    #[error("the tenant token has expired; get a new one")]
    Expired,
    /// Somebody else signed it.
    #[error("the signature of the tenant token is not valid")]
    InvalidSignature,
    /// It is no signed token of an algorithm that is accepted.
    #[error("the tenant token is malformed")]
    Malformed,
    /// It is genuine, but does not say what a tenant token must say.
    #[error("the claims of the tenant token are not valid")]
    InvalidClaims,
    /// Anything else, such as a key that is not known.
    #[error("the tenant token could not be validated")]
    ValidationFailed,
}

impl TokenError {
    /// The stable public code.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Missing => ErrorCode::TenantTokenMissing,
            Self::Expired => ErrorCode::TenantTokenExpired,
            Self::InvalidSignature => ErrorCode::TenantTokenInvalidSignature,
            Self::Malformed => ErrorCode::TenantTokenMalformed,
            Self::InvalidClaims => ErrorCode::TenantTokenInvalidClaims,
            Self::ValidationFailed => ErrorCode::TenantTokenValidationFailed,
        }
    }

    /// The public sentence: the same for every token with this error.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Missing => "a tenant token is required; send it as X-Tenant-Token or Authorization: Bearer",
            Self::Expired => "the tenant token has expired; get a new one",
            Self::InvalidSignature => "the signature of the tenant token is not valid",
            Self::Malformed => "the tenant token is malformed",
            Self::InvalidClaims => "the claims of the tenant token are not valid",
            Self::ValidationFailed => "the tenant token could not be validated",
        }
    }

    pub(super) fn of_library(error: &jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::Base64(_) | ErrorKind::InvalidToken => Self::Malformed,
            ErrorKind::InvalidSignature => Self::InvalidSignature,
            _ => Self::ValidationFailed,
        }
    }
}

/// Why tokens cannot be issued or verified with this configuration. Never contains a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Production, and nothing is set.
    #[error(
        "no key for tenant tokens: set JWT_PRIVATE_KEY (base64 of the key), JWT_PRIVATE_KEY_PATH, or, to verify only, \
         JWT_PUBLIC_KEY or JWT_PUBLIC_KEY_PATH"
    )]
    NotSet,
    /// A file cannot be read.
    #[error("{name}={}: the key file cannot be read", path.display())]
    Unreadable {
        /// The setting.
        name: &'static str,
        /// Its value.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file with the keys of another issuer cannot be used.
    #[error("JWT_JWKS_PATH={}: {why}", path.display())]
    WrongJwks {
        /// Its value.
        path: PathBuf,
        /// Why not.
        why: JwksError,
    },
    /// The authorities of another issuer's URL cannot be read.
    #[error("JWT_JWKS_CA_PATH={}: it must be a file with certificates in PEM (BEGIN CERTIFICATE)", path.display())]
    NoAuthorities {
        /// Its value.
        path: PathBuf,
    },
    /// A development key cannot be stored.
    #[error("the development key {} cannot be made", path.display())]
    NotMade {
        /// Where it was to be.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The operating system has no random numbers.
    #[error("no random numbers to make a development key from")]
    NoRandomness,
    /// A value is not base64.
    #[error("{name} must be the base64 of a key, such as `base64 -w0 key.pem` prints")]
    NotBase64 {
        /// The setting.
        name: &'static str,
    },
    /// A key has the wrong form.
    #[error("{name} must be a {wanted}")]
    WrongKey {
        /// The setting.
        name: &'static str,
        /// What would be right.
        wanted: &'static str,
    },
    /// ES384 without a key, in development.
    #[error(
        "ES384 needs a key of your own: \
         `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out FILE`, then JWT_PRIVATE_KEY_PATH=FILE"
    )]
    NotGenerated,
    /// Only a public key is there.
    #[error("tokens cannot be issued without a private key: set JWT_PRIVATE_KEY or JWT_PRIVATE_KEY_PATH")]
    NoPrivateKey,
    /// A token with it would be refused.
    #[error("the subject of a token must have at most 255 characters, and no control characters")]
    WrongSubject,
    /// The two keys are not a pair.
    #[error("JWT_PUBLIC_KEY does not belong to JWT_PRIVATE_KEY; leave it out and it is derived")]
    Mismatch,
    /// The key is not one of the algorithm.
    #[error("the key is not usable with JWT_ALGORITHM; ES256 needs a P-256 key, ES384 a P-384 key")]
    Unusable,
}
