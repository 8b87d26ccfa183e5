//! A forger's workshop: keys, and tokens made by hand.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use muster_bootstrap::tokens::{JwksConfig, JwksSource, TenantTokens, TokenConfig};
use serde_json::{Value, json};

use crate::support::World;

/// A P-256 key pair.
pub struct Pair {
    key: EncodingKey,
    jwk: Value,
}

/// A service that believes two issuers, and what a forger may get hold of.
pub struct Forge {
    pub world: World,
    /// The configured key.
    pub ours: Pair,
    /// The published key `theirs` of the other issuer.
    pub theirs: Pair,
    /// The forger's own.
    pub evil: Pair,
}

impl Pair {
    /// Development makes a key where there is none.
    fn make(path: &Path) -> Self {
        let config = TokenConfig { private_key_path: Some(path.to_owned()), ..TokenConfig::default() };
        TenantTokens::new(&config).unwrap();
        let key = EncodingKey::from_ec_pem(&std::fs::read(path).unwrap()).unwrap();
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        Self { key, jwk: serde_json::to_value(jwk).unwrap() }
    }

    /// The public half as it is published.
    pub fn jwk(&self, kid: &str) -> Value {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = json!(kid);
        jwk
    }

    /// The public half as bytes: uncompressed point, and DER.
    pub fn public(&self) -> (Vec<u8>, Vec<u8>) {
        let part = |name: &str| URL_SAFE_NO_PAD.decode(self.jwk[name].as_str().unwrap()).unwrap();
        let point = [vec![4], part("x"), part("y")].concat();
        let oids = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
        let der = [oids.as_slice(), b"\x03\x42\x00", &point].concat();
        (point, der)
    }

    /// The public half as PEM: what a key confusion takes for the secret.
    pub fn public_pem(&self) -> String {
        let text = STANDARD.encode(self.public().1);
        let (first, second) = text.split_at(64);
        format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n")
    }

    /// ES256, whatever the header says.
    pub fn sign(&self, header: &str, payload: &str) -> String {
        let message = message(header, payload);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    }
}

impl Forge {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (ours, theirs, evil) =
            (Pair::make(&at("ours.pem")), Pair::make(&at("theirs.pem")), Pair::make(&at("evil.pem")));
        std::fs::write(at("keys.json"), json!({"keys": [theirs.jwk("theirs")]}).to_string()).unwrap();
        let config = TokenConfig {
            private_key_path: Some(at("ours.pem")),
            jwks: Some(JwksConfig::new(JwksSource::File(at("keys.json")))),
            ..TokenConfig::default()
        };
        let mut world = World::new();
        world.state.tokens = Arc::new(TenantTokens::new(&config).unwrap());
        Self { world, ours, theirs, evil }
    }

    pub fn seconds(&self) -> i64 {
        use muster_application::ports::Clock;
        self.world.clock.now().timestamp()
    }

    /// What a good token says, changed; `null` removes a claim.
    pub fn claims(&self, change: &Value) -> String {
        let now = self.seconds();
        let mut claims = json!({
            "tenant_id": self.world.tenant.get(), "type": "tenant_access", "iat": now, "exp": now + 600, "sub": "me",
        });
        for (name, value) in change.as_object().unwrap() {
            let claims = claims.as_object_mut().unwrap();
            if value.is_null() {
                claims.remove(name)
            } else {
                claims.insert(name.clone(), value.clone())
            };
        }
        claims.to_string()
    }
}

/// What is signed.
pub fn message(header: &str, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// Signed with a secret.
pub fn hmac(header: &str, payload: &str, secret: &[u8]) -> String {
    let message = message(header, payload);
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

/// The bytes of a token's signature changed.
pub fn resigned(token: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = change(URL_SAFE_NO_PAD.decode(signature).unwrap());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A signature as most other formats have it: a sequence of two integers.
pub fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |part: &[u8]| {
        let sign: &[u8] = if part[0] >= 0x80 { &[0] } else { &[] };
        let length = u8::try_from(sign.len() + part.len()).unwrap();
        [&[2, length], sign, part].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()], both.as_slice()].concat()
}
