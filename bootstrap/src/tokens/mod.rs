//! Tenant tokens: who a request acts for.
//!
//! The library checks the signature and nothing else. The claims are read by hand, because a library's idea of an
//! optional or mistyped claim is how the reference service came to accept tokens that never expired.

mod claims;
mod config;
mod error;
mod generate;
mod keys;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::Header;
use muster_domain::TenantId;
use serde::Serialize;
use uuid::Uuid;

use self::claims::{Members, check_claims};
pub use self::config::{TokenAlgorithm, TokenConfig};
pub use self::error::{KeyError, TokenError};
use self::keys::Keys;

/// What `type` says in every token that opens the API.
const TOKEN_TYPE: &str = "tenant_access";
/// Longest token that is looked at, in bytes. Ours have about 400.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Issues and verifies tenant tokens with one algorithm and one key.
pub struct TenantTokens {
    algorithm: TokenAlgorithm,
    keys: Keys,
    lifetime: Duration,
}

/// The claims of a token that we issue.
#[derive(Serialize)]
struct Issued<'a> {
    tenant_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

impl TenantTokens {
    /// Loads the keys; in development a missing key file is made.
    ///
    /// # Errors
    /// Says which setting is missing or wrong, and what would be right.
    pub fn new(config: &TokenConfig) -> Result<Self, KeyError> {
        let tokens = Self { algorithm: config.algorithm, keys: Keys::load(config)?, lifetime: config.lifetime };
        tokens.check_pair()?;
        Ok(tokens)
    }

    /// How long a token lives unless somebody says otherwise.
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Issues a token for a tenant, good from `now` for `lifetime`.
    ///
    /// # Errors
    /// When only a public key is configured.
    pub fn issue(
        &self,
        tenant: TenantId,
        subject: Option<&str>,
        now: DateTime<Utc>,
        lifetime: Duration,
    ) -> Result<String, KeyError> {
        let key = self.keys.signing.as_ref().ok_or(KeyError::NoPrivateKey)?;
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let claims = Issued {
            tenant_id: tenant.get(),
            sub: subject,
            kind: TOKEN_TYPE,
            iat: now.timestamp(),
            exp: now.timestamp().saturating_add(seconds),
            jti: token_id(),
        };
        jsonwebtoken::encode(&Header::new(self.algorithm.into()), &claims, key).map_err(|_| KeyError::Unusable)
    }

    /// Says which tenant a token speaks for.
    ///
    /// # Errors
    /// The first thing that is wrong with it. Never contains anything of the token.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<TenantId, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(TokenError::Malformed);
        }
        self.check_header(header)?;
        let genuine =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.keys.verifying, self.algorithm.into())
                .map_err(|error| TokenError::of_library(&error))?;
        if !genuine {
            return Err(TokenError::InvalidSignature);
        }
        match Members::decode(payload)? {
            Members::Unique(claims) => check_claims(&claims, now),
            Members::Repeated => Err(TokenError::InvalidClaims),
        }
    }

    /// Exactly the configured algorithm, before any key is used: a token does not choose how it is checked.
    fn check_header(&self, header: &str) -> Result<(), TokenError> {
        let Members::Unique(header) = Members::decode(header)? else {
            return Err(TokenError::Malformed);
        };
        let algorithm = header.get("alg").and_then(serde_json::Value::as_str);
        // `crit` names extensions that must be understood (RFC 7515); we understand none.
        if algorithm != Some(self.algorithm.name()) || header.contains_key("crit") {
            return Err(TokenError::Malformed);
        }
        Ok(())
    }

    /// Two keys that do not belong together are found out at start, not with the first request.
    fn check_pair(&self) -> Result<(), KeyError> {
        let Some(key) = &self.keys.signing else { return Ok(()) };
        let message = b"muster";
        let signature =
            jsonwebtoken::crypto::sign(message, key, self.algorithm.into()).map_err(|_| KeyError::Unusable)?;
        match jsonwebtoken::crypto::verify(&signature, message, &self.keys.verifying, self.algorithm.into()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(KeyError::Mismatch),
            Err(_) => Err(KeyError::Unusable),
        }
    }
}

impl std::fmt::Debug for TenantTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantTokens").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing depends on a token's own id, so no test needs to set it")]
fn token_id() -> Uuid {
    Uuid::now_v7()
}
