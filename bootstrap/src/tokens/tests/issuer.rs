//! Another issuer, with keys of its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::support::claims;
use crate::tokens::{JwksConfig, JwksSource, TokenConfig};

/// A key pair. Elliptic ones come from a number, so that they cost nothing to make.
pub(super) struct Signer {
    pub(super) algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    pub(super) fn es256(number: u8) -> Self {
        let oids = hex("301306072a8648ce3d020106082a8648ce3d030107");
        Self::elliptic(Algorithm::ES256, &oids, &[number; 32])
    }

    pub(super) fn es384(number: u8) -> Self {
        let oids = hex("301006072a8648ce3d020106052b81040022");
        Self::elliptic(Algorithm::ES384, &oids, &[number; 48])
    }

    /// Made for this test; 2048 bits.
    pub(super) fn rs256() -> Self {
        let key = EncodingKey::from_rsa_pem(include_bytes!("rsa-for-tests.pem")).unwrap();
        Self { algorithm: Algorithm::RS256, key }
    }

    /// PKCS#8 around a number: version, algorithm, and the key in its own envelope.
    fn elliptic(algorithm: Algorithm, oids: &[u8], number: &[u8]) -> Self {
        let key = der(0x30, &[&[2, 1, 1], der(4, &[number]).as_slice()]);
        let pkcs8 = der(0x30, &[&[2, 1, 0], oids, der(4, &[&key]).as_slice()]);
        Self { algorithm, key: EncodingKey::from_ec_der(&pkcs8) }
    }

    /// The public half, as it is published.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk
    }

    pub(super) fn sign(&self, header: &Value, payload: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// A good token that names a key.
    pub(super) fn token(&self, kid: &str) -> String {
        self.sign(&json!({"alg": format!("{:?}", self.algorithm), "kid": kid}), &claims())
    }
}

/// A published set.
pub(super) fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// The configured key, and another issuer beside it.
pub(super) fn beside(config: TokenConfig, source: JwksSource) -> TokenConfig {
    TokenConfig { jwks: Some(JwksConfig::new(source)), ..config }
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&[tag, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
