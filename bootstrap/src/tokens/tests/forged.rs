use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;

use super::support::{claims, good, hs256, in_folder, now, public_pem, signed, symmetric, tenant};
use crate::tokens::{TenantTokens, TokenConfig, TokenError};

#[test]
fn what_is_no_token_of_ours_opens_nothing() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    let genuine = hs256(&claims().to_string());
    let (message, signature) = genuine.rsplit_once('.').unwrap();
    let none = signed(r#"{"alg":"none"}"#, &claims().to_string());
    let none = none.rsplit_once('.').unwrap().0;
    let malformed = TokenError::Malformed;
    for (token, expected) in [
        (String::new(), TokenError::Missing),
        ("x".to_owned(), malformed),
        ("..".to_owned(), malformed),
        ("a.b.c".to_owned(), malformed),
        ("\u{1f600}.\u{0}.é".to_owned(), malformed),
        (message.to_owned(), malformed),
        (format!("{message}."), malformed),
        (format!(".{message}"), malformed),
        (format!("{genuine}.x"), malformed),
        (format!("{genuine}.AAAA"), malformed),
        (format!("{genuine}.{genuine}"), malformed),
        (format!("{genuine}="), malformed),
        (format!("{message}.!!!"), malformed),
        (format!("{none}."), malformed),
        (format!("{none}.AAAA"), malformed),
        (format!("{message}.{}", "A".repeat(9000)), malformed),
        (signed(r#"{"alg":"HS512"}"#, &claims().to_string()), malformed),
        (signed(r#"{"alg":"ES256"}"#, &claims().to_string()), malformed),
        (signed(r#"{"alg":"hs256"}"#, &claims().to_string()), malformed),
        (signed(r#"{"alg":"HS256","alg":"HS256"}"#, &claims().to_string()), malformed),
        (signed(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, &claims().to_string()), malformed),
        (signed(r#"{"alg":1}"#, &claims().to_string()), malformed),
        (signed("[]", &claims().to_string()), malformed),
        (hs256("[]"), malformed),
        (hs256("not json"), malformed),
        (hs256(&"[".repeat(4000)), malformed),
        (format!("{message}.{}", signature.chars().rev().collect::<String>()), TokenError::InvalidSignature),
        (format!("{message}.AAAA"), TokenError::InvalidSignature),
        (genuine.replacen("eyJ0", "eyJ1", 2), TokenError::InvalidSignature),
    ] {
        let verdict = tokens.verify_with_known_keys(&token, now());
        let expected = if token == genuine { good() } else { Err(expected) };
        // A reversed signature may have bits that its last letter must not have: that is no base64.
        let also = Err(TokenError::Malformed);
        let may = expected == Err(TokenError::InvalidSignature) && verdict == also;
        assert!(verdict == expected || may, "{token}: {verdict:?}");
    }
}

#[test]
fn the_public_key_is_no_hmac_secret() {
    let folder = tempfile::tempdir().unwrap();
    let config = in_folder(folder.path());
    let tokens = TenantTokens::new(&config).unwrap();
    let public = public_pem(folder.path());
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims().to_string()));
    let key = EncodingKey::from_secret(public.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    assert_eq!(tokens.verify_with_known_keys(&format!("{message}.{signature}"), now()), Err(TokenError::Malformed));
    // The same with the algorithm that we do accept in the header.
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#);
    let (_, payload) = message.split_once('.').unwrap();
    let verdict = tokens.verify_with_known_keys(&format!("{header}.{payload}.{signature}"), now());
    assert_eq!(verdict, Err(TokenError::InvalidSignature));
}

#[test]
fn another_key_of_the_same_kind_is_refused() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ours = TenantTokens::new(&in_folder(here.path())).unwrap();
    let theirs = TenantTokens::new(&in_folder(there.path())).unwrap();
    let token = theirs.issue(tenant(), None, now(), theirs.lifetime()).unwrap();
    assert_eq!(ours.verify_with_known_keys(&token, now()), Err(TokenError::InvalidSignature));
}

#[test]
fn the_name_of_the_key_is_a_text_and_nothing_else() {
    let named = |config: &TokenConfig, kid: &str| {
        let token = signed(&format!(r#"{{"alg":"HS256","kid":{kid}}}"#), &claims().to_string());
        TenantTokens::new(config).unwrap().verify_with_known_keys(&token, now())
    };
    let nameless = symmetric();
    let ours = TokenConfig { key_id: Some("ours".to_owned()), ..symmetric() };
    for config in [&nameless, &ours] {
        for kid in ["7", "null", "true", "[\"ours\"]", "{\"kid\":\"ours\"}"] {
            assert_eq!(named(config, kid), Err(TokenError::Malformed), "{kid}");
        }
        assert_eq!(named(config, "\"ours\""), good());
    }
    // A key without a name is the only one there is. One with a name is not meant by another name.
    for kid in ["\"\"", "\"theirs\"", "\"OURS\"", "\"../../dev/null\"", "\"' or 1=1 --\""] {
        assert_eq!(named(&nameless, kid), good(), "{kid}");
        assert_eq!(named(&ours, kid), Err(TokenError::ValidationFailed), "{kid}");
    }
}

#[test]
fn our_tokens_name_our_key() {
    let config = TokenConfig { key_id: Some("2026-11".to_owned()), ..symmetric() };
    let tokens = TenantTokens::new(&config).unwrap();
    let token = tokens.issue(tenant(), None, now(), tokens.lifetime()).unwrap();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["kid"], "2026-11");
    assert_eq!(tokens.verify_with_known_keys(&token, now()), good());
    assert_eq!(tokens.verify_with_known_keys(&hs256(&claims().to_string()), now()), good());
}
