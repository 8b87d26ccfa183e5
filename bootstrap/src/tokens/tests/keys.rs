use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::support::{SECRET, good, in_folder, now, public_pem, symmetric, tenant};
use crate::tokens::{KeyError, TenantTokens, TokenAlgorithm, TokenConfig};

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
        assert_eq!(tokens.verify_with_known_keys(&token, now()), good());
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
    assert_eq!(tokens.verify_with_known_keys(&token, now()), good());
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
