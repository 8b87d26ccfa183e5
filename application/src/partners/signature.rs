use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use muster_domain::partners::PartnerSecret;
use sha2::{Digest, Sha256};

use crate::AppError;

/// How far the timestamp of a request may be from our clock, either way.
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(300);

/// What a signature covers.
#[derive(Debug, Clone, Copy)]
pub struct SignedParts<'a> {
    /// Seconds since 1970, as it was sent.
    pub timestamp: &'a str,
    /// In capitals.
    pub method: &'a str,
    /// As it was sent, with `?` and the query if there is one.
    pub path: &'a str,
    /// As it was sent.
    pub body: &'a [u8],
}

impl SignedParts<'_> {
    /// What is signed. Without a body there is nothing behind the last colon.
    pub fn text(&self) -> String {
        let Self { timestamp, method, path, body } = self;
        let digest = if body.is_empty() { String::new() } else { hex(&Sha256::digest(body)) };
        format!("{timestamp}:{method}:{path}:{digest}")
    }
}

/// The header `X-API-Signature`.
///
/// # Errors
/// Never: keys of the hash may have any length.
pub fn sign(secret: &PartnerSecret, parts: &SignedParts<'_>) -> Result<String, AppError> {
    Ok(hex(&mac(secret, &parts.text())?.finalize().into_bytes()))
}

/// Whether this secret gives this signature, in the same time whether it does or not.
pub(super) fn verifies(secret: &PartnerSecret, text: &str, signature: &[u8; 32]) -> Result<bool, AppError> {
    Ok(mac(secret, text)?.verify_slice(signature).is_ok())
}

fn mac(secret: &PartnerSecret, text: &str) -> Result<Hmac<Sha256>, AppError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_err(AppError::internal)?;
    mac.update(text.as_bytes());
    Ok(mac)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Reads 64 lower-case hexadecimal digits: another spelling of a signature would be another one to whoever remembers them.
pub(super) fn read_signature(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect();
    if rest.is_empty() { bytes?.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_has_one_spelling() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(hex(&read_signature(&text).unwrap()), text);
        for wrong in ["", "00", &text.to_uppercase(), &text[1..], &format!("{text}0"), &format!("{text}00")] {
            assert_eq!(read_signature(wrong), None, "{wrong:?}");
        }
    }
}
