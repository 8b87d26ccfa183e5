use serde_json::{Value, json};

use super::issuer::{Signer, beside, set};
use super::support::{good, now, symmetric};
use crate::tokens::{JwksAlgorithm, JwksSource, TenantTokens, TokenConfig};

/// Opens a file with this in it.
fn open(document: &str, algorithms: &[JwksAlgorithm]) -> Result<TenantTokens, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document).unwrap();
    let mut config = beside(symmetric(), JwksSource::File(file.path().to_owned()));
    config.jwks.as_mut().unwrap().algorithms = algorithms.to_vec();
    TenantTokens::new(&config).map_err(|error| error.to_string())
}

fn changed(key: &Value, change: &Value) -> Value {
    let mut key = key.clone();
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            key.as_object_mut().unwrap().remove(name)
        } else {
            key[name] = value.clone();
            None
        };
    }
    key
}

#[test]
fn keys_of_every_allowed_kind_verify() {
    let signers = [Signer::es256(1), Signer::es384(2), Signer::rs256()];
    let keys: Vec<_> = signers.iter().enumerate().map(|(n, signer)| signer.jwk(&n.to_string())).collect();
    let tokens = open(&set(&keys), &JwksAlgorithm::ALL).unwrap();
    for (n, signer) in signers.iter().enumerate() {
        let verdict = tokens.verify_with_known_keys(&signer.token(&n.to_string()), now());
        assert_eq!(verdict, good(), "{:?}", signer.algorithm);
    }
}

#[test]
fn a_key_is_for_what_it_says() {
    let key = Signer::es256(1).jwk("a");
    let token = Signer::es256(1).token("a");
    for change in [
        json!({"alg": null, "use": null}),
        json!({"alg": "ES256", "key_ops": ["verify"], "x5t": "abc", "ext": true}),
        json!({"use": null, "key_ops": ["sign", "verify"]}),
    ] {
        let tokens = open(&set(&[changed(&key, &change)]), &JwksAlgorithm::ALL).unwrap();
        assert_eq!(tokens.verify_with_known_keys(&token, now()), good(), "{change}");
    }
    for change in [
        json!({"alg": "ES384"}),
        json!({"alg": "HS256"}),
        json!({"alg": "none"}),
        json!({"alg": 7}),
        json!({"use": "enc"}),
        json!({"key_ops": ["encrypt"]}),
        json!({"key_ops": []}),
        json!({"key_ops": "verify"}),
        json!({"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}),
        json!({"kty": "RSA"}),
        json!({"kty": "OKP"}),
        json!({"kty": null}),
        json!({"crv": "P-384"}),
        json!({"crv": "secp256k1"}),
        json!({"crv": null}),
        json!({"x": null}),
        json!({"y": "AAAA"}),
        json!({"x": "%%%"}),
        json!({"y": key["x"]}),
        json!({"kid": null}),
        json!({"kid": ""}),
        json!({"kid": 7}),
        json!({"d": "AQAB"}),
    ] {
        let wrong = open(&set(&[changed(&key, &change)]), &JwksAlgorithm::ALL).unwrap_err();
        assert!(wrong.contains("JWT_JWKS_PATH=") && wrong.contains("no key can be used"), "{change}: {wrong}");
    }
    let rsa = Signer::rs256().jwk("a");
    for change in [json!({"n": "AQAB"}), json!({"e": "AQ"}), json!({"e": "Ag"}), json!({"e": ""}), json!({"n": null})] {
        let wrong = open(&set(&[changed(&rsa, &change)]), &JwksAlgorithm::ALL).unwrap_err();
        assert!(wrong.contains("no key can be used"), "{change}: {wrong}");
    }
}

#[test]
fn keys_of_algorithms_that_are_not_allowed_are_left_out() {
    let keys = [Signer::es256(1).jwk("a"), Signer::rs256().jwk("b")];
    assert!(open(&set(&keys[1..]), &[JwksAlgorithm::Es256, JwksAlgorithm::Es384]).is_err());
    let tokens = open(&set(&keys), &[JwksAlgorithm::Es256]).unwrap();
    assert_eq!(tokens.verify_with_known_keys(&Signer::es256(1).token("a"), now()), good());
    assert!(tokens.verify_with_known_keys(&Signer::rs256().token("b"), now()).is_err());
}

#[test]
fn keys_that_nobody_knows_spoil_no_others() {
    let strange = [json!(7), json!({"kty": "PQC", "alg": "ML-DSA"}), json!({}), Signer::es256(2).jwk("a")];
    let tokens = open(&set(&strange), &JwksAlgorithm::ALL).unwrap();
    assert_eq!(tokens.verify_with_known_keys(&Signer::es256(2).token("a"), now()), good());
}

#[test]
fn a_file_that_is_no_set_stops_the_start() {
    let (a, b) = (Signer::es256(1).jwk("same"), Signer::es384(2).jwk("same"));
    for (document, says) in [
        (String::new(), "not a JSON Web Key Set"),
        ("[]".to_owned(), "not a JSON Web Key Set"),
        ("{}".to_owned(), "not a JSON Web Key Set"),
        (r#"{"keys":{}}"#.to_owned(), "not a JSON Web Key Set"),
        ("[".repeat(10_000), "not a JSON Web Key Set"),
        ("<html>".to_owned(), "not a JSON Web Key Set"),
        (set(&[]), "no key can be used"),
        (set(&[a, b]), "two keys have the same kid"),
        (format!("{}{}", set(&[]), " ".repeat(300 << 10)), "more than 256 KiB"),
    ] {
        let wrong = open(&document, &JwksAlgorithm::ALL).unwrap_err();
        assert!(wrong.contains(says), "{wrong}");
    }
    let missing = beside(symmetric(), JwksSource::File("/nowhere/keys.json".into()));
    let wrong = TenantTokens::new(&missing).unwrap_err().to_string();
    assert!(wrong.contains("JWT_JWKS_PATH=/nowhere/keys.json: it cannot be read"), "{wrong}");
    assert!(TenantTokens::new(&TokenConfig { jwks: None, ..missing }).is_ok());
}
