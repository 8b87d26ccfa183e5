use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{JwksAlgorithm, JwksError};

/// Sizes of an RSA modulus in bytes: less than 2048 bits can be factored, more than 4096 costs too much to check.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// Keys by their `kid`.
pub(in crate::tokens) type KeySet = HashMap<String, IssuerKey>;

/// A key and the one algorithm that it is for.
pub(in crate::tokens) struct IssuerKey {
    pub(in crate::tokens) algorithm: JwksAlgorithm,
    pub(in crate::tokens) key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<IgnoredAny>,
}

/// Takes the keys that can be used out of a set. The others are left out, as RFC 7517 wants it: a set may hold keys of
/// kinds that are not made yet.
pub(super) fn read(document: &[u8], allowed: &[JwksAlgorithm]) -> Result<KeySet, JwksError> {
    let document: Document = serde_json::from_slice(document).map_err(|_| JwksError::NotJwks)?;
    let mut keys = KeySet::new();
    for value in document.keys {
        let Some((kid, key)) = serde_json::from_value(value).ok().and_then(|jwk| usable(jwk, allowed)) else {
            continue;
        };
        if keys.insert(kid, key).is_some() {
            return Err(JwksError::Ambiguous);
        }
    }
    Ok(keys)
}

fn usable(jwk: Jwk, allowed: &[JwksAlgorithm]) -> Option<(String, IssuerKey)> {
    let algorithm = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("EC", Some("P-256")) => JwksAlgorithm::Es256,
        ("EC", Some("P-384")) => JwksAlgorithm::Es384,
        ("RSA", _) => JwksAlgorithm::Rs256,
        _ => return None,
    };
    let named_so = jwk.alg.is_none_or(|name| name == algorithm.name());
    let signs = jwk.purpose.is_none_or(|purpose| purpose == "sig");
    let verifies = jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    // With `d` the private half is public: anybody may have signed.
    if !allowed.contains(&algorithm) || !named_so || !signs || !verifies || jwk.d.is_some() {
        return None;
    }
    let key = match algorithm {
        JwksAlgorithm::Es256 => elliptic(&jwk.x?, &jwk.y?, 32)?,
        JwksAlgorithm::Es384 => elliptic(&jwk.x?, &jwk.y?, 48)?,
        JwksAlgorithm::Rs256 => rsa(&jwk.n?, &jwk.e?)?,
    };
    // The library looks at a key when it uses it: a point that is not on the curve is found here, not by a request.
    jsonwebtoken::crypto::verify("AA", b"", &key, algorithm.into()).ok()?;
    let kid = jwk.kid.filter(|kid| !kid.is_empty())?;
    Some((kid, IssuerKey { algorithm, key }))
}

fn elliptic(x: &str, y: &str, size: usize) -> Option<DecodingKey> {
    let right = |part: &str| URL_SAFE_NO_PAD.decode(part).is_ok_and(|bytes| bytes.len() == size);
    (right(x) && right(y)).then(|| DecodingKey::from_ec_components(x, y).ok()).flatten()
}

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let n = URL_SAFE_NO_PAD.decode(modulus).ok()?;
    let e = URL_SAFE_NO_PAD.decode(exponent).ok()?;
    let odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last % 2 == 1);
    let right_modulus = MODULUS.contains(&n.len()) && n.first() != Some(&0) && odd(&n);
    let right_exponent = e.len() <= 4 && e != [1] && e.first() != Some(&0) && odd(&e);
    (right_modulus && right_exponent).then(|| DecodingKey::from_rsa_raw_components(&n, &e))
}
