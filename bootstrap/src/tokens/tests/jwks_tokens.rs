use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::issuer::{Signer, beside, set};
use super::support::{claims, good, hs256, in_folder, now, symmetric, tenant};
use crate::tokens::{JwksAlgorithm, JwksSource, TenantTokens, TokenConfig, TokenError};

fn with_keys(config: TokenConfig, keys: &[Value], change: impl FnOnce(&mut crate::tokens::JwksConfig)) -> TenantTokens {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), set(keys)).unwrap();
    let mut config = beside(config, JwksSource::File(file.path().to_owned()));
    change(config.jwks.as_mut().unwrap());
    TenantTokens::new(&config).unwrap()
}

#[test]
fn both_issuers_are_believed_each_with_its_own_keys() {
    let tokens = with_keys(symmetric(), &[Signer::es256(1).jwk("a"), Signer::es384(2).jwk("b")], |_| {});
    for token in [Signer::es256(1).token("a"), Signer::es384(2).token("b"), hs256(&claims().to_string())] {
        assert_eq!(tokens.verify_with_known_keys(&token, now()), good());
    }
    let ours = tokens.issue(tenant(), None, now(), tokens.lifetime()).unwrap();
    assert_eq!(tokens.verify_with_known_keys(&ours, now()), good());
}

#[test]
fn a_key_is_chosen_by_its_name_and_bound_to_its_algorithm() {
    let folder = tempfile::tempdir().unwrap();
    let keys = [Signer::es256(1).jwk("a"), Signer::es384(2).jwk("b"), Signer::rs256().jwk("c")];
    let tokens = with_keys(in_folder(folder.path()), &keys, |jwks| jwks.algorithms = JwksAlgorithm::ALL.to_vec());
    let sign = |signer: Signer, header: Value| signer.sign(&header, &claims());
    let (malformed, unknown) = (TokenError::Malformed, TokenError::ValidationFailed);
    for (token, expected) in [
        // The right key under another one's name.
        (Signer::es256(1).token("b"), malformed),
        (Signer::es384(2).token("a"), malformed),
        (Signer::es256(9).token("a"), TokenError::InvalidSignature),
        (Signer::rs256().token("a"), malformed),
        (sign(Signer::es256(1), json!({"alg": "ES384", "kid": "b"})), TokenError::InvalidSignature),
        (sign(Signer::es256(1), json!({"alg": "RS256", "kid": "c"})), TokenError::InvalidSignature),
        // Names of nothing.
        (Signer::es256(1).token("z"), unknown),
        (Signer::es256(1).token(""), unknown),
        (Signer::es256(1).token("A"), unknown),
        (Signer::es256(1).token("../../../dev/null"), unknown),
        (Signer::es256(1).token("a' or '1'='1"), unknown),
        (Signer::es256(1).token("https://evil.example.com/keys"), unknown),
        (Signer::es256(1).token("a\0"), unknown),
        // Without a name it is the configured key that must have signed.
        (sign(Signer::es256(1), json!({"alg": "ES256"})), TokenError::InvalidSignature),
        (sign(Signer::es384(2), json!({"alg": "ES384"})), malformed),
        // Algorithms that no published key may have.
        (sign(Signer::es256(1), json!({"alg": "HS256", "kid": "a"})), malformed),
        (sign(Signer::es256(1), json!({"alg": "none", "kid": "a"})), malformed),
        (sign(Signer::es256(1), json!({"alg": "HS256", "kid": "z"})), malformed),
        (sign(Signer::es256(1), json!({"alg": "ES256", "kid": ["a"]})), malformed),
    ] {
        assert_eq!(tokens.verify_with_known_keys(&token, now()), Err(expected), "{token}");
    }
    assert_eq!(Signer::rs256().algorithm, Algorithm::RS256);
    assert_eq!(tokens.verify_with_known_keys(&Signer::rs256().token("c"), now()), good());
}

#[test]
fn our_key_under_its_name_is_not_looked_for_elsewhere() {
    let config = TokenConfig { key_id: Some("ours".to_owned()), ..symmetric() };
    // The other issuer has a key of the same name: it does not count.
    let tokens = with_keys(config, &[Signer::es256(1).jwk("ours")], |_| {});
    let ours = tokens.issue(tenant(), None, now(), tokens.lifetime()).unwrap();
    assert_eq!(tokens.verify_with_known_keys(&ours, now()), good());
    let theirs = Signer::es256(1).token("ours");
    assert_eq!(tokens.verify_with_known_keys(&theirs, now()), Err(TokenError::Malformed));
}

#[test]
fn an_issuer_of_many_services_must_mean_this_one() {
    let tokens = with_keys(symmetric(), &[Signer::es256(1).jwk("a")], |jwks| {
        jwks.issuer = Some("https://id.example.com".to_owned());
        jwks.audience = Some("muster".to_owned());
    });
    let judge = |issuer: Value, audience: Value| {
        let mut claims = claims();
        claims["iss"] = issuer;
        claims["aud"] = audience;
        let token = Signer::es256(1).sign(&json!({"alg": "ES256", "kid": "a"}), &claims);
        tokens.verify_with_known_keys(&token, now())
    };
    let right = json!("https://id.example.com");
    assert_eq!(judge(right.clone(), json!("muster")), good());
    assert_eq!(judge(right.clone(), json!(["other", "muster"])), good());
    for (issuer, audience) in [
        (right.clone(), json!("other")),
        (right.clone(), json!(["other"])),
        (right.clone(), json!([["muster"]])),
        (right.clone(), json!([])),
        (right.clone(), Value::Null),
        (right, json!({"muster": true})),
        (json!("https://id.example.com/"), json!("muster")),
        (json!(["https://id.example.com"]), json!("muster")),
        (Value::Null, json!("muster")),
    ] {
        assert_eq!(judge(issuer.clone(), audience.clone()), Err(TokenError::InvalidClaims), "{issuer} {audience}");
    }
    let neither = Signer::es256(1).token("a");
    assert_eq!(tokens.verify_with_known_keys(&neither, now()), Err(TokenError::InvalidClaims));
    // The configured key is asked for none of it.
    assert_eq!(tokens.verify_with_known_keys(&hs256(&claims().to_string()), now()), good());
}
