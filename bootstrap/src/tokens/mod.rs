//! Tenant tokens: who a request acts for.
//!
//! The library checks the signature and nothing else. The claims are read by hand, because a library's idea of an
//! optional or mistyped claim is how the reference service came to accept tokens that never expired.

mod check;
mod claims;
mod compact;
mod config;
mod error;
mod generate;
mod jwks;
mod keys;
mod known;
mod members;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::Header;
use muster_domain::TenantId;
use serde::Serialize;
use uuid::Uuid;

pub(crate) use self::check::check;
use self::claims::is_subject;
pub use self::config::{TokenAlgorithm, TokenConfig};
pub use self::error::{KeyError, TokenError};
pub(crate) use self::generate::place;
use self::jwks::{Jwks, KeySet};
pub use self::jwks::{JwksAlgorithm, JwksConfig, JwksError, JwksSource, JwksUrl};
use self::keys::Keys;
use self::known::Current;
pub use self::verify::Verified;

/// What `type` says in every token that opens the API.
const TOKEN_TYPE: &str = "tenant_access";

/// Issues and verifies tenant tokens with one algorithm and one key, and verifies those of another issuer besides.
pub struct TenantTokens {
    algorithm: TokenAlgorithm,
    keys: Keys,
    key_id: Option<String>,
    lifetime: Duration,
    jwks: Option<Jwks>,
    current: Current,
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
    /// Loads the keys; in development a missing key file is made. Keys behind a URL are not asked for yet:
    /// [`Self::keep_fresh`] does that.
    ///
    /// # Errors
    /// Says which setting is missing or wrong, and what would be right.
    pub fn new(config: &TokenConfig) -> Result<Self, KeyError> {
        let (jwks, issued_by_others) = match &config.jwks {
            Some(jwks) => Jwks::open(jwks).map(|(jwks, keys)| (Some(jwks), keys))?,
            None => (None, KeySet::new()),
        };
        let tokens = Self {
            algorithm: config.algorithm,
            keys: Keys::load(config)?,
            key_id: config.key_id.clone(),
            lifetime: config.lifetime,
            jwks,
            current: Current::new(issued_by_others),
        };
        tokens.check_pair()?;
        Ok(tokens)
    }

    /// How long a token lives unless somebody says otherwise.
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Fetches the keys of the other issuer again and again: to be spawned by whoever verifies tokens. Ends at once
    /// when there is no other issuer.
    pub fn keep_fresh(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<> {
        let tokens = Arc::clone(self);
        async move {
            if let Some(jwks) = &tokens.jwks {
                jwks.keep_fresh(&tokens.current).await;
            }
        }
    }

    /// Issues a token for a tenant, good from `now` for `lifetime`.
    ///
    /// # Errors
    /// When only a public key is configured, or the subject is one that would not be accepted.
    pub fn issue(
        &self,
        tenant: TenantId,
        subject: Option<&str>,
        now: DateTime<Utc>,
        lifetime: Duration,
    ) -> Result<String, KeyError> {
        let key = self.keys.signing.as_ref().ok_or(KeyError::NoPrivateKey)?;
        if subject.is_some_and(|subject| !is_subject(subject)) {
            return Err(KeyError::WrongSubject);
        }
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let claims = Issued {
            tenant_id: tenant.get(),
            sub: subject,
            kind: TOKEN_TYPE,
            iat: now.timestamp(),
            exp: now.timestamp().saturating_add(seconds),
            jti: token_id(),
        };
        let header = Header { kid: self.key_id.clone(), ..Header::new(self.algorithm.into()) };
        jsonwebtoken::encode(&header, &claims, key).map_err(|_| KeyError::Unusable)
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
