use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey};
use muster_domain::TenantId;
use sha2::{Digest, Sha256};

use super::claims::Claims;
use super::compact::{Compact, Header};
use super::jwks::Jwks;
use super::known::Known;
use super::members::Members;
use super::{TenantTokens, TokenError};

/// Whom a good token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whose data it opens.
    pub tenant: TenantId,
    /// Who it was given to, for records: the claim `sub`, at most 255 characters without control characters.
    pub subject: Option<Arc<str>>,
}

/// Why a token was not accepted.
enum Refusal {
    Because(TokenError),
    /// It names a key that is not there, or not there yet.
    UnknownKey,
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        Self::Because(error)
    }
}

/// Which key a token is to be checked with.
enum Chosen<'a> {
    Configured,
    /// The one of this name, of the other issuer.
    OfIssuer(&'a Jwks, &'a str),
}

impl TenantTokens {
    /// Says whom a token speaks for. Waits only if the token names a key that is not known: the keys of the other
    /// issuer are then fetched, at most once in a while, whatever tokens come.
    ///
    /// # Errors
    /// The first thing that is wrong with it. Never contains anything of the token.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Verified, TokenError> {
        let known = self.current.get();
        match self.judge(&known, token, now) {
            Err(Refusal::UnknownKey) => {}
            verdict => return settle(verdict),
        }
        let Some(jwks) = &self.jwks else { return Err(TokenError::ValidationFailed) };
        match jwks.newer_than(&self.current, &known).await {
            Some(newer) => settle(self.judge(&newer, token, now)),
            None => Err(TokenError::ValidationFailed),
        }
    }

    /// The same with the keys that are known now; never waits.
    ///
    /// # Errors
    /// As [`Self::verify`]; a token with an unknown key is one that cannot be validated.
    pub fn verify_with_known_keys(&self, token: &str, now: DateTime<Utc>) -> Result<Verified, TokenError> {
        settle(self.judge(&self.current.get(), token, now))
    }

    fn judge(&self, known: &Known, token: &str, now: DateTime<Utc>) -> Result<Verified, Refusal> {
        Compact::check_size(token)?;
        // For each request: of a text as short as this BLAKE3 takes twice as long.
        let digest = Sha256::digest(token.as_bytes()).into();
        if let Some(claims) = known.genuine(&digest) {
            return Ok(claims.at(now)?);
        }
        let parts = Compact::split(token)?;
        let header = Header::read(parts.header)?;
        let claims = match self.choose(&header)? {
            Chosen::Configured => {
                self.check_signature(&header, &parts)?;
                read_claims(&parts, |_| Ok(()))?
            }
            Chosen::OfIssuer(jwks, kid) => {
                // Before the set is asked: a token of an algorithm that nobody wants fetches no keys.
                if !jwks.allows(&header.algorithm) {
                    return Err(TokenError::Malformed.into());
                }
                let key = known.keys.get(kid).ok_or(Refusal::UnknownKey)?;
                if key.algorithm.name() != header.algorithm {
                    return Err(TokenError::Malformed.into());
                }
                check(&parts, &key.key, key.algorithm.into())?;
                read_claims(&parts, |claims| jwks.check_claims(claims))?
            }
        };
        let verified = claims.at(now)?;
        known.remember(digest, claims);
        Ok(verified)
    }

    /// The key's name chooses among keys that we trust, and does nothing else: it is never a path, a query or a URL.
    fn choose<'a>(&'a self, header: &'a Header) -> Result<Chosen<'a>, Refusal> {
        match (&header.kid, &self.key_id, &self.jwks) {
            // There is a single key, and it has no name: what others call it does not matter.
            (None, _, _) | (Some(_), None, None) => Ok(Chosen::Configured),
            (Some(kid), Some(ours), _) if kid == ours => Ok(Chosen::Configured),
            (Some(kid), _, Some(jwks)) => Ok(Chosen::OfIssuer(jwks, kid)),
            (Some(_), Some(_), None) => Err(Refusal::UnknownKey),
        }
    }

    /// Exactly the configured algorithm, before any key is used: a token does not choose how it is checked.
    fn check_signature(&self, header: &Header, parts: &Compact<'_>) -> Result<(), TokenError> {
        if header.algorithm != self.algorithm.name() {
            return Err(TokenError::Malformed);
        }
        check(parts, &self.keys.verifying, self.algorithm.into())
    }
}

fn settle(verdict: Result<Verified, Refusal>) -> Result<Verified, TokenError> {
    verdict.map_err(|refusal| match refusal {
        Refusal::Because(error) => error,
        Refusal::UnknownKey => TokenError::ValidationFailed,
    })
}

fn check(parts: &Compact<'_>, key: &DecodingKey, algorithm: Algorithm) -> Result<(), TokenError> {
    match jsonwebtoken::crypto::verify(parts.signature, parts.message.as_bytes(), key, algorithm) {
        Ok(true) => Ok(()),
        Ok(false) => Err(TokenError::InvalidSignature),
        Err(error) => Err(TokenError::of_library(&error)),
    }
}

fn read_claims(
    parts: &Compact<'_>,
    further: impl FnOnce(&serde_json::Map<String, serde_json::Value>) -> Result<(), TokenError>,
) -> Result<Claims, TokenError> {
    match Members::decode(parts.payload)? {
        Members::Unique(claims) => further(&claims).and_then(|()| Claims::read(&claims)),
        Members::Repeated => Err(TokenError::InvalidClaims),
    }
}
