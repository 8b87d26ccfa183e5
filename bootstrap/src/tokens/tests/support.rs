//! Configurations, claims and hand-made tokens.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::EncodingKey;
use muster_domain::TenantId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{TokenAlgorithm, TokenConfig, TokenError, Verified};

pub(super) const TENANT: &str = "0192f0c1-7c4e-7d0a-8f7a-3a1b2c3d4e5f";
pub(super) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 500_000_000).unwrap()
}

pub(super) fn tenant() -> TenantId {
    TenantId::new(Uuid::parse_str(TENANT).unwrap())
}

/// The verdict on a token for [`tenant`] without a subject.
#[expect(clippy::unnecessary_wraps, reason = "verdicts are compared with it")]
pub(super) fn good() -> Result<Verified, TokenError> {
    Ok(Verified { tenant: tenant(), subject: None })
}

pub(super) fn in_folder(folder: &Path) -> TokenConfig {
    TokenConfig { private_key_path: Some(folder.join("keys/jwt.pem")), ..TokenConfig::default() }
}

pub(super) fn symmetric() -> TokenConfig {
    TokenConfig {
        algorithm: TokenAlgorithm::Hs256,
        private_key: Some(STANDARD.encode(SECRET)),
        production: true,
        ..TokenConfig::default()
    }
}

pub(super) fn claims() -> Value {
    let now = now().timestamp();
    json!({"tenant_id": TENANT, "type": "tenant_access", "iat": now, "exp": now + 60, "jti": "1"})
}

/// The good claims with some changed; `null` in `change` removes one.
pub(super) fn with(change: &Value) -> String {
    let mut claims = claims();
    for (name, value) in change.as_object().unwrap() {
        let members = claims.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name)
        } else {
            members.insert(name.clone(), value.clone())
        };
    }
    claims.to_string()
}

pub(super) fn signed(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(SECRET);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

pub(super) fn hs256(payload: &str) -> String {
    signed(r#"{"alg":"HS256","typ":"JWT"}"#, payload)
}

pub(super) fn public_pem(folder: &Path) -> String {
    use p256::pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding};
    let pem = std::fs::read_to_string(folder.join("keys/jwt.pem")).unwrap();
    let key = p256::SecretKey::from_pkcs8_pem(&pem).unwrap();
    key.public_key().to_public_key_pem(LineEnding::LF).unwrap()
}
