use std::sync::Arc;
use std::time::Duration;

use super::issuer::{Signer, beside, set};
use super::server::{KeyServer, Mood, source};
use super::support::{claims, good, hs256, now, symmetric};
use crate::tokens::{JwksSource, TenantTokens, TokenError, Verified};

const UNKNOWN: Result<Verified, TokenError> = Err(TokenError::ValidationFailed);

fn publishes(keys: &[(u8, &str)]) -> Mood {
    Mood::Publishes(set(&keys.iter().map(|(number, kid)| Signer::es256(*number).jwk(kid)).collect::<Vec<_>>()))
}

fn tokens(source: JwksSource) -> Arc<TenantTokens> {
    let mut config = beside(symmetric(), source);
    config.jwks.as_mut().unwrap().patience = Duration::from_millis(500);
    Arc::new(TenantTokens::new(&config).unwrap())
}

/// Waits, in paused time, until a token is judged so without anybody fetching for its sake.
async fn until(tokens: &TenantTokens, token: &str, verdict: Result<Verified, TokenError>) {
    for _ in 0..2000 {
        if tokens.verify_with_known_keys(token, now()) == verdict {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("never {verdict:?}");
}

#[tokio::test(start_paused = true)]
async fn keys_rotate_in_the_background() {
    let server = KeyServer::start(publishes(&[(1, "a")]));
    let tokens = tokens(server.source());
    let (first, second) = (Signer::es256(1).token("a"), Signer::es256(2).token("b"));
    assert_eq!(tokens.verify_with_known_keys(&first, now()), UNKNOWN, "nothing is fetched at the start");
    let fresh = tokio::spawn(tokens.keep_fresh());
    until(&tokens, &first, good()).await;
    server.set(publishes(&[(1, "a"), (2, "b")]));
    until(&tokens, &second, good()).await;
    assert_eq!(tokens.verify_with_known_keys(&first, now()), good());
    server.set(publishes(&[(2, "b")]));
    until(&tokens, &first, UNKNOWN).await;
    assert_eq!(tokens.verify_with_known_keys(&second, now()), good());
    // An issuer may withdraw everything.
    server.set(publishes(&[]));
    until(&tokens, &second, UNKNOWN).await;
    fresh.abort();
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_fetched_at_once_for_all_who_ask() {
    let server = KeyServer::start(publishes(&[(1, "a")]));
    let tokens = tokens(server.source());
    let token = Signer::es256(1).token("a");
    let asking = (0..50).map(|_| {
        let (tokens, token) = (tokens.clone(), token.clone());
        tokio::spawn(async move { tokens.verify(&token, now()).await })
    });
    for verdict in asking.collect::<Vec<_>>() {
        assert_eq!(verdict.await.unwrap(), good());
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn forged_names_cause_no_storm_of_requests() {
    let server = KeyServer::start(publishes(&[(1, "a")]));
    let tokens = tokens(server.source());
    for number in 0..200 {
        assert_eq!(tokens.verify(&Signer::es256(9).token(&format!("forged-{number}")), now()).await, UNKNOWN);
    }
    assert_eq!(server.asked(), 1);
    tokio::time::advance(Duration::from_secs(11)).await;
    for number in 0..200 {
        assert_eq!(tokens.verify(&Signer::es256(9).token(&format!("again-{number}")), now()).await, UNKNOWN);
    }
    assert_eq!(server.asked(), 2);
    tokio::time::advance(Duration::from_secs(11)).await;
    // Tokens that no key could make good fetch nothing.
    for token in [hs256(&claims().to_string()), "x".to_owned(), Signer::rs256().token("z")] {
        let _ = tokens.verify(&token, now()).await;
    }
    assert_eq!(server.asked(), 2);
    assert_eq!(tokens.verify(&Signer::es256(1).token("a"), now()).await, good());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_does_not_make_room_for_another_fetch() {
    let server = KeyServer::start(Mood::IsSilent);
    let tokens = tokens(server.source());
    for number in 0..20 {
        let token = Signer::es256(9).token(&number.to_string());
        let asking = tokens.clone();
        let client = tokio::spawn(async move { asking.verify(&token, now()).await });
        while server.asked() == 0 {
            tokio::task::yield_now().await;
        }
        client.abort();
        let _ = client.await;
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn whatever_the_endpoint_does_the_last_good_keys_stay() {
    let server = KeyServer::start(publishes(&[(1, "a")]));
    let elsewhere = KeyServer::start(publishes(&[(3, "evil")]));
    let tokens = tokens(server.source());
    let token = Signer::es256(1).token("a");
    assert_eq!(tokens.verify(&token, now()).await, good());
    for (number, mood) in [
        Mood::Fails(500),
        Mood::Fails(404),
        Mood::Fails(204),
        Mood::Redirects(elsewhere.url()),
        Mood::Floods,
        Mood::IsSilent,
        Mood::Drips,
        Mood::HangsUp,
        Mood::Publishes("<html>".to_owned()),
        Mood::Publishes(String::new()),
        Mood::Publishes(r#"{"keys":7}"#.to_owned()),
        publishes(&[(2, "b"), (3, "b")]),
    ]
    .into_iter()
    .enumerate()
    {
        tokio::time::advance(Duration::from_secs(11)).await;
        let asked = server.asked();
        server.set(mood.clone());
        assert_eq!(tokens.verify(&Signer::es256(3).token("evil"), now()).await, UNKNOWN, "{mood:?}");
        assert_eq!(server.asked(), asked + 1, "{mood:?}");
        // A new token each time, so that it is the keys that are asked and not the memory.
        let mut fresh = claims();
        fresh["jti"] = number.into();
        let fresh = Signer::es256(1).sign(&serde_json::json!({"alg": "ES256", "kid": "a"}), &fresh);
        assert_eq!(tokens.verify(&fresh, now()).await, good(), "{mood:?}");
    }
    assert_eq!(elsewhere.asked(), 0, "redirects are not followed");
    tokio::time::advance(Duration::from_secs(11)).await;
    server.set(publishes(&[(2, "b")]));
    assert_eq!(tokens.verify(&Signer::es256(2).token("b"), now()).await, good());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_at_the_start_delays_its_own_tokens_only() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let tokens = tokens(source(&format!("http://{nobody}/keys")));
    assert_eq!(tokens.verify(&Signer::es256(1).token("a"), now()).await, UNKNOWN);
    assert_eq!(tokens.verify(&hs256(&claims().to_string()), now()).await, good());
    // Plain HTTP is not taken for an answer over TLS.
    let server = KeyServer::start(publishes(&[(1, "a")]));
    let secure = self::tokens(source(&server.url().replace("http:", "https:")));
    assert_eq!(secure.verify(&Signer::es256(1).token("a"), now()).await, UNKNOWN);
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_the_background_does_not_wait_for_the_whole_interval() {
    let server = KeyServer::start(Mood::Fails(503));
    let tokens = tokens(server.source());
    let fresh = tokio::spawn(tokens.keep_fresh());
    while server.asked() < 1 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let failed = tokio::time::Instant::now();
    server.set(publishes(&[(1, "a")]));
    until(&tokens, &Signer::es256(1).token("a"), good()).await;
    assert!(failed.elapsed() < Duration::from_secs(30), "{:?}", failed.elapsed());
    fresh.abort();
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_picked_up_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    let document = |keys: &[(u8, &str)]| match publishes(keys) {
        Mood::Publishes(text) => text,
        _ => String::new(),
    };
    write(&document(&[(1, "a")]));
    let tokens = tokens(JwksSource::File(path.clone()));
    let first = Signer::es256(1).token("a");
    assert_eq!(tokens.verify_with_known_keys(&first, now()), good(), "a file is read at the start");
    let fresh = tokio::spawn(tokens.keep_fresh());
    write("half of a fi");
    tokio::time::sleep(Duration::from_secs(700)).await;
    assert_eq!(tokens.verify_with_known_keys(&first, now()), good());
    std::fs::remove_file(&path).unwrap();
    tokio::time::sleep(Duration::from_secs(700)).await;
    assert_eq!(tokens.verify_with_known_keys(&first, now()), good());
    write(&document(&[(2, "b")]));
    until(&tokens, &Signer::es256(2).token("b"), good()).await;
    assert_eq!(tokens.verify_with_known_keys(&first, now()), UNKNOWN);
    fresh.abort();
}
