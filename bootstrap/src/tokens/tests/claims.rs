use chrono::TimeDelta;
use serde_json::json;

use super::support::{TENANT, claims, good, hs256, now, symmetric, tenant, with};
use crate::tokens::{KeyError, TenantTokens, TokenAlgorithm, TokenConfig, TokenError};

#[test]
fn every_algorithm_reads_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in [TokenAlgorithm::Es256, TokenAlgorithm::Hs256, TokenAlgorithm::Hs384, TokenAlgorithm::Hs512] {
        let path = folder.path().join(algorithm.name());
        let config = TokenConfig { algorithm, private_key_path: Some(path), ..TokenConfig::default() };
        let tokens = TenantTokens::new(&config).unwrap();
        let token = tokens.issue(tenant(), None, now(), tokens.lifetime()).unwrap();
        assert_eq!(tokens.verify_with_known_keys(&token, now()), good(), "{algorithm:?}");
        let later = now() + TimeDelta::minutes(30);
        assert_eq!(tokens.verify_with_known_keys(&token, later), Err(TokenError::Expired), "{algorithm:?}");
        assert_eq!(tokens.verify_with_known_keys(&token, later - TimeDelta::seconds(1)), good(), "{algorithm:?}");
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
        json!({"iat": seconds + 59}),
        json!({"iat": 0}),
        json!({"sub": ""}),
        json!({"exp": 1_790_000_000.75}),
        json!({"aud": "somebody", "extra": {"a": [1]}}),
        json!({"tenant_id": TENANT.to_uppercase()}),
    ] {
        assert_eq!(tokens.verify_with_known_keys(&hs256(&with(&change)), now()), good(), "{change}");
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
        (json!({"tenant_id": [TENANT]}), invalid),
        (json!({"tenant_id": {"id": TENANT}}), invalid),
        (json!({"tenant_id": "00000000-0000-0000-0000-000000000000"}), invalid),
        (json!({"exp": -0.5}), TokenError::Expired),
        (json!({"exp": -1e300}), invalid),
        (json!({"iat": seconds + 3600}), invalid),
        (json!({"iat": 1e300}), invalid),
        (json!({"iat": [seconds]}), invalid),
        (json!({"sub": 7}), invalid),
        (json!({"sub": ["me"]}), invalid),
        (json!({"sub": "me\nadmin"}), invalid),
        (json!({"sub": "me\u{0}"}), invalid),
        (json!({"sub": "me\u{85}"}), invalid),
        (json!({"sub": "x".repeat(256)}), invalid),
    ] {
        assert_eq!(tokens.verify_with_known_keys(&hs256(&with(&change)), now()), Err(expected), "{change}");
    }
}

#[test]
fn a_claim_given_twice_opens_nothing() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    let claims = claims().to_string();
    let twice = format!("{},\"exp\":9999999999}}", claims.strip_suffix('}').unwrap());
    assert_eq!(tokens.verify_with_known_keys(&hs256(&twice), now()), Err(TokenError::InvalidClaims));
}

#[test]
fn the_subject_is_told() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    for subject in ["me", "auth0|5f7c", "Zoë Ł.", &"ł".repeat(255)] {
        let token = tokens.issue(tenant(), Some(subject), now(), tokens.lifetime()).unwrap();
        let verified = tokens.verify_with_known_keys(&token, now()).unwrap();
        assert_eq!((verified.tenant, verified.subject.as_deref()), (tenant(), Some(subject)));
        // From memory.
        assert_eq!(tokens.verify_with_known_keys(&token, now()), Ok(verified));
    }
    let mut nobody = claims();
    nobody["sub"] = json!(null);
    let verdict = tokens.verify_with_known_keys(&hs256(&nobody.to_string()), now());
    assert_eq!(verdict, Err(TokenError::InvalidClaims));
    for subject in ["a\nb".to_owned(), "x".repeat(256)] {
        let refused = tokens.issue(tenant(), Some(&subject), now(), tokens.lifetime());
        assert!(matches!(refused, Err(KeyError::WrongSubject)));
    }
}
