use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::issuer::{Signer, beside, set};
use super::server::{KeyServer, Mood};
use super::support::{claims, good, hs256, now, symmetric, with};
use crate::tokens::{TenantTokens, TokenError};

#[test]
fn what_is_remembered_still_expires() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    let token = hs256(&with(&json!({"nbf": now().timestamp()})));
    for _ in 0..2 {
        assert_eq!(tokens.verify_with_known_keys(&token, now()), good());
        assert_eq!(tokens.current.get().remembered(), 1);
    }
    // Clocks go back, too.
    let (early, late) = (now() - TimeDelta::seconds(2), now() + TimeDelta::seconds(60));
    for _ in 0..2 {
        assert_eq!(tokens.verify_with_known_keys(&token, late), Err(TokenError::Expired));
        assert_eq!(tokens.verify_with_known_keys(&token, early), Err(TokenError::InvalidClaims));
        assert_eq!(tokens.verify_with_known_keys(&token, now()), good());
    }
}

#[test]
fn only_what_was_good_is_remembered() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    let genuine = hs256(&claims().to_string());
    let (message, _) = genuine.rsplit_once('.').unwrap();
    for token in [format!("{message}.AAAA"), format!("{message}."), hs256(&with(&json!({"exp": 1})))] {
        assert!(tokens.verify_with_known_keys(&token, now()).is_err());
    }
    assert_eq!(tokens.current.get().remembered(), 0);
    assert_eq!(tokens.verify_with_known_keys(&genuine, now()), good());
    // The signature is a part of what is remembered: another one is another token.
    let forged = format!("{message}.{}", "A".repeat(43));
    assert_eq!(tokens.verify_with_known_keys(&forged, now()), Err(TokenError::InvalidSignature));
}

#[test]
fn memory_is_bounded() {
    let tokens = TenantTokens::new(&symmetric()).unwrap();
    for number in 0..11_000 {
        let token = hs256(&with(&json!({"jti": number.to_string()})));
        assert_eq!(tokens.verify_with_known_keys(&token, now()), good());
    }
    let remembered = tokens.current.get().remembered();
    assert!((1..=10_000).contains(&remembered), "{remembered}");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_withdrawn_key_is_forgotten() {
    let server = KeyServer::start(Mood::Publishes(set(&[Signer::es256(1).jwk("a")])));
    let tokens = TenantTokens::new(&beside(symmetric(), server.source())).unwrap();
    let old = Signer::es256(1).token("a");
    assert_eq!(tokens.verify(&old, now()).await, good());
    assert_eq!(tokens.verify(&old, now()).await, good());
    server.set(Mood::Publishes(set(&[Signer::es256(2).jwk("b")])));
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(tokens.verify(&Signer::es256(2).token("b"), now()).await, good());
    assert_eq!(tokens.verify(&old, now()).await, Err(TokenError::ValidationFailed));
}
