//! Keys of another issuer: a set that it publishes (RFC 7517), read from a URL or a file again and again.

mod algorithm;
mod config;
mod document;
mod fetch;
mod refresh;

use serde_json::{Map, Value};
use tokio::sync::Mutex;

pub use self::algorithm::JwksAlgorithm;
pub use self::config::{JwksConfig, JwksSource, JwksUrl};
pub(super) use self::document::KeySet;
pub use self::fetch::JwksError;
use self::fetch::{authorities, load};
use self::refresh::Attempts;
use super::{KeyError, TokenError};

/// How many keys that can be used the issuer publishes now. Blocks.
pub(super) fn issued_keys(config: &JwksConfig) -> Result<usize, JwksError> {
    load(config).map(|loaded| loaded.keys.len())
}

/// An issuer beside the configured key.
pub(super) struct Jwks {
    config: JwksConfig,
    /// Held while keys are fetched, so that one fetch runs at a time.
    attempts: Mutex<Attempts>,
}

impl Jwks {
    /// Reads files, because one that is not there is a mistake of the operator. A URL may be down for a while; it is
    /// asked later.
    pub(super) fn open(config: &JwksConfig) -> Result<(Self, KeySet), KeyError> {
        let (attempts, keys) = match &config.source {
            JwksSource::Url(_) => {
                let path = || config.authorities.clone().unwrap_or_default();
                authorities(config).map_err(|_| KeyError::NoAuthorities { path: path() })?;
                (Attempts::default(), KeySet::new())
            }
            JwksSource::File(path) => {
                let wrong = |why| KeyError::WrongJwks { path: path.clone(), why };
                let loaded = load(config).map_err(wrong)?;
                if loaded.keys.is_empty() {
                    return Err(wrong(JwksError::NoUsableKey));
                }
                (Attempts::after(loaded.digest), loaded.keys)
            }
        };
        Ok((Self { config: config.clone(), attempts: Mutex::new(attempts) }, keys))
    }

    /// Whether any key of this issuer may be of this algorithm.
    pub(super) fn allows(&self, algorithm: &str) -> bool {
        self.config.algorithms.iter().any(|allowed| allowed.name() == algorithm)
    }

    /// What is asked of this issuer's tokens besides: an issuer of many services must mean this one.
    pub(super) fn check_claims(&self, claims: &Map<String, Value>) -> Result<(), TokenError> {
        let is = |value: &Value, wanted: &str| value.as_str() == Some(wanted);
        let issuer = self.config.issuer.as_deref();
        let audience = self.config.audience.as_deref();
        let right_issuer = issuer.is_none_or(|wanted| claims.get("iss").is_some_and(|value| is(value, wanted)));
        let right_audience = audience.is_none_or(|wanted| match claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(|value| is(value, wanted)),
            Some(value) => is(value, wanted),
            None => false,
        });
        if right_issuer && right_audience { Ok(()) } else { Err(TokenError::InvalidClaims) }
    }
}
