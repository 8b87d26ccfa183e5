use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::*;

const TENANT: &str = "0192f0c1-7c4e-7d0a-8f7a-3a1b2c3d4e5f";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 500_000_000).unwrap()
}

fn tenant() -> TenantId {
    TenantId::new(Uuid::parse_str(TENANT).unwrap())
}

fn in_folder(folder: &Path) -> TokenConfig {
    TokenConfig { private_key_path: Some(folder.join("keys/jwt.pem")), ..TokenConfig::default() }
}

fn symmetric() -> TokenConfig {
    TokenConfig {
        algorithm: TokenAlgorithm::Hs256,
        private_key: Some(STANDARD.encode(SECRET)),
        production: true,
        ..TokenConfig::default()
    }
}

fn claims() -> Value {
    let now = now().timestamp();
    json!({"tenant_id": TENANT, "type": "tenant_access", "iat": now, "exp": now + 60, "jti": "1"})
}

/// The good claims with some changed; `null` in `change` removes one.
fn with(change: &Value) -> String {
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

fn signed(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(SECRET);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn hs256(payload: &str) -> String {
    signed(r#"{"alg":"HS256","typ":"JWT"}"#, payload)
}

#[test]
fn every_algorithm_reads_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in [TokenAlgorithm::Es256, TokenAlgorithm::Hs256, TokenAlgorithm::Hs384, TokenAlgorithm::Hs512] {
        let path = folder.path().join(algorithm.name());
        let config = TokenConfig { algorithm, private_key_path: Some(path), ..TokenConfig::default() };
        let tokens = TenantTokens::new(&config).unwrap();
        let token = tokens.issue(tenant(), Some("me"), now(), tokens.lifetime()).unwrap();
        assert_eq!(tokens.verify(&token, now()), Ok(tenant()), "{algorithm:?}");
        let later = now() + TimeDelta::minutes(30);
        assert_eq!(tokens.verify(&token, later), Err(TokenError::Expired), "{algorithm:?}");
        assert_eq!(tokens.verify(&token, later - TimeDelta::seconds(1)), Ok(tenant()), "{algorithm:?}");
    }
}

#[test]
fn good_claims_are_good() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    let seconds = now().timestamp();
    for change in [
        json!({}),
        json!({"nbf": seconds}),
        json!({"nbf": seconds - 10}),
        json!({"jti": null}),
        json!({"exp": 1_790_000_000.75}),
        json!({"aud": "somebody", "extra": {"a": [1]}}),
        json!({"tenant_id": TENANT.to_uppercase()}),
    ] {
        assert_eq!(tokens.verify(&hs256(&with(&change)), now()), Ok(tenant()), "{change}");
    }
}

#[test]
fn bad_claims_open_nothing() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    let seconds = now().timestamp();
    let invalid = TokenError::InvalidClaims;
    for (change, expected) in [
        (json!({"exp": seconds}), TokenError::Expired),
        (json!({"exp": seconds - 1}), TokenError::Expired),
        (json!({"exp": 1_790_000_000.25}), TokenError::Expired),
        (json!({"exp": -5}), TokenError::Expired),
        (json!({"exp": (seconds + 60).to_string()}), invalid),
        (json!({"exp": null}), invalid),
        (json!({"exp": true}), invalid),
        (json!({"exp": [seconds + 60]}), invalid),
        (json!({"exp": 1e300}), invalid),
        (json!({"exp": u64::MAX}), invalid),
        (json!({"exp": i64::MAX}), invalid),
        (json!({"iat": null}), invalid),
        (json!({"iat": "now"}), invalid),
        (json!({"nbf": seconds + 1}), invalid),
        (json!({"nbf": "0"}), invalid),
        (json!({"type": null}), invalid),
        (json!({"type": "refresh"}), invalid),
        (json!({"type": ["tenant_access"]}), invalid),
        (json!({"tenant_id": null}), invalid),
        (json!({"tenant_id": 7}), invalid),
        (json!({"tenant_id": "' or 1=1"}), invalid),
        (json!({"tenant_id": ""}), invalid),
    ] {
        assert_eq!(tokens.verify(&hs256(&with(&change)), now()), Err(expected), "{change}");
    }
}

#[test]
fn a_claim_given_twice_opens_nothing() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    let claims = claims().to_string();
    let twice = format!("{},\"exp\":9999999999}}", claims.strip_suffix('}').unwrap());
    assert_eq!(tokens.verify(&hs256(&twice), now()), Err(TokenError::InvalidClaims));
}

#[test]
fn what_is_no_token_of_ours_opens_nothing() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    let good = hs256(&claims().to_string());
    let (message, signature) = good.rsplit_once('.').unwrap();
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
        (format!("{good}.x"), malformed),
        (format!("{good}="), malformed),
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
        (good.replacen("eyJ0", "eyJ1", 2), TokenError::InvalidSignature),
    ] {
        let verdict = tokens.verify(&token, now());
        let expected = if token == good { Ok(tenant()) } else { Err(expected) };
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
    assert_eq!(tokens.verify(&format!("{message}.{signature}"), now()), Err(TokenError::Malformed));
    // The same with the algorithm that we do accept in the header.
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#);
    let (_, payload) = message.split_once('.').unwrap();
    let verdict = tokens.verify(&format!("{header}.{payload}.{signature}"), now());
    assert_eq!(verdict, Err(TokenError::InvalidSignature));
}

#[test]
fn another_key_of_the_same_kind_is_refused() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ours = TenantTokens::new(&in_folder(here.path())).unwrap();
    let theirs = TenantTokens::new(&in_folder(there.path())).unwrap();
    let token = theirs.issue(tenant(), None, now(), theirs.lifetime()).unwrap();
    assert_eq!(ours.verify(&token, now()), Err(TokenError::InvalidSignature));
}

#[test]
fn processes_that_start_at_once_agree_on_one_private_development_key() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let config = in_folder(folder.path());
    let all: Vec<TenantTokens> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| TenantTokens::new(&config).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let token = all[0].issue(tenant(), None, now(), all[0].lifetime()).unwrap();
    for tokens in &all {
        assert_eq!(tokens.verify(&token, now()), Ok(tenant()));
    }
    let files: Vec<_> = std::fs::read_dir(folder.path().join("keys")).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 1, "no drafts are left");
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_public_key_verifies_and_does_not_issue() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = TenantTokens::new(&in_folder(folder.path())).unwrap();
    let token = issuer.issue(tenant(), None, now(), issuer.lifetime()).unwrap();
    let public = STANDARD.encode(public_pem(folder.path()));
    let config = TokenConfig { public_key: Some(public), production: true, ..TokenConfig::default() };
    let tokens = TenantTokens::new(&config).unwrap();
    assert_eq!(tokens.verify(&token, now()), Ok(tenant()));
    let refused = tokens.issue(tenant(), None, now(), tokens.lifetime());
    assert!(matches!(refused, Err(KeyError::NoPrivateKey)));
}

#[test]
fn wrong_keys_stop_the_start_and_say_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    TenantTokens::new(&in_folder(folder.path())).unwrap();
    TenantTokens::new(&in_folder(other.path())).unwrap();
    let production = || TokenConfig { production: true, ..TokenConfig::default() };
    let file = folder.path().join("keys/jwt.pem");
    let cases = [
        (production(), "set JWT_PRIVATE_KEY"),
        (TokenConfig { private_key_path: Some("/nowhere/jwt.pem".into()), ..production() }, "JWT_PRIVATE_KEY_PATH"),
        (TokenConfig { private_key: Some("%%%".into()), ..production() }, "JWT_PRIVATE_KEY must be the base64"),
        (TokenConfig { private_key: Some(STANDARD.encode("key")), ..production() }, "PKCS#8"),
        (TokenConfig { public_key: Some(STANDARD.encode("key")), ..production() }, "JWT_PUBLIC_KEY must be a PEM"),
        (
            TokenConfig { algorithm: TokenAlgorithm::Es384, private_key_path: Some(file.clone()), ..production() },
            "not usable with JWT_ALGORITHM",
        ),
        (
            TokenConfig {
                algorithm: TokenAlgorithm::Hs256,
                private_key: Some(STANDARD.encode("short")),
                ..production()
            },
            "at least 32 bytes",
        ),
        (
            TokenConfig {
                private_key_path: Some(file),
                public_key: Some(STANDARD.encode(public_pem(other.path()))),
                ..production()
            },
            "does not belong",
        ),
    ];
    for (config, says) in cases {
        let error = TenantTokens::new(&config).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn keys_are_never_shown() {
    let shown = format!("{:?}", symmetric());
    assert!(!shown.contains(&STANDARD.encode(SECRET)), "{shown}");
}

fn public_pem(folder: &Path) -> String {
    use p256::pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding};
    let pem = std::fs::read_to_string(folder.join("keys/jwt.pem")).unwrap();
    let key = p256::SecretKey::from_pkcs8_pem(&pem).unwrap();
    key.public_key().to_public_key_pem(LineEnding::LF).unwrap()
}
