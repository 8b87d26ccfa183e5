use serde_json::Value;

use super::TokenError;
use super::members::Members;

/// Longest token that is looked at, in bytes. Ours have about 400.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A token in the compact form of RFC 7515, cut at its dots.
pub(super) struct Compact<'a> {
    /// What is signed.
    pub(super) message: &'a str,
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Compact<'a> {
    /// Comes before everything that costs more than a comparison.
    pub(super) fn check_size(token: &str) -> Result<(), TokenError> {
        match token.len() {
            0 => Err(TokenError::Missing),
            1..=MAX_TOKEN_BYTES => Ok(()),
            _ => Err(TokenError::Malformed),
        }
    }

    /// Exactly three parts of base64url without padding: whatever else stands there is refused before it is decoded.
    pub(super) fn split(token: &'a str) -> Result<Self, TokenError> {
        if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return Err(TokenError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') || header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(TokenError::Malformed);
        }
        Ok(Self { message, header, payload, signature })
    }
}

/// What of a header counts. `jwk`, `jku`, `x5u` and their like are not among it: a token does not bring its own key.
pub(super) struct Header {
    pub(super) algorithm: String,
    pub(super) kid: Option<String>,
}

impl Header {
    pub(super) fn read(part: &str) -> Result<Self, TokenError> {
        let Members::Unique(mut header) = Members::decode(part)? else {
            return Err(TokenError::Malformed);
        };
        // `crit` names extensions that must be understood (RFC 7515); we understand none.
        if header.contains_key("crit") {
            return Err(TokenError::Malformed);
        }
        let Some(Value::String(algorithm)) = header.remove("alg") else {
            return Err(TokenError::Malformed);
        };
        let kid = match header.remove("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid),
            Some(_) => return Err(TokenError::Malformed),
        };
        Ok(Self { algorithm, kid })
    }
}
