use muster_infrastructure::check::Finding;
use tokio::task::spawn_blocking;

use super::jwks::{JwksConfig, issued_keys};
use super::keys::made_at_start;
use super::{TenantTokens, TokenConfig};

const KEY: &str = "token key";
const ISSUER: &str = "token issuer";

/// Looks at the key that signs and verifies tokens, and at the keys of the other issuer. Makes none.
pub(crate) async fn check(config: &TokenConfig) -> Vec<Finding> {
    // Apart: a wrong one does not hide the other.
    let own = key(&TokenConfig { jwks: None, ..config.clone() });
    match &config.jwks {
        Some(issuer) => vec![own, other(issuer).await],
        None => vec![own],
    }
}

fn key(config: &TokenConfig) -> Finding {
    if let Some(path) = made_at_start(config) {
        return Finding::good(KEY, format!("{} is made when it is needed first (development)", path.display()));
    }
    match TenantTokens::new(config) {
        Ok(tokens) => {
            let does = if tokens.keys.signing.is_some() { "signs and verifies" } else { "verifies only" };
            Finding::good(KEY, format!("{}, {does}", config.algorithm.name()))
        }
        Err(error) => {
            let mend = "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out jwt.pem` makes a key for ES256: \
                        name it in JWT_PRIVATE_KEY_PATH";
            Finding::bad(KEY, error.to_string(), mend)
        }
    }
}

async fn other(config: &JwksConfig) -> Finding {
    let config = config.clone();
    let setting = config.source.setting();
    // Files and a blocking client: not on a thread that others wait for.
    match spawn_blocking(move || issued_keys(&config)).await {
        Ok(Ok(0)) => {
            let mend = "give the issuer a key with a kid and of one of JWT_JWKS_ALGORITHMS, or change these";
            Finding::bad(ISSUER, format!("{setting}: none of its keys can be used"), mend)
        }
        Ok(Ok(keys)) => Finding::good(ISSUER, format!("{setting}: {keys} keys")),
        Ok(Err(error)) => Finding::bad(ISSUER, format!("{setting}: {error}"), format!("mend the issuer, or {setting}")),
        Err(_) => Finding::bad(ISSUER, format!("{setting}: the look broke off"), "look again"),
    }
}

#[cfg(test)]
mod tests {
    use muster_infrastructure::check::Verdict;

    use super::super::JwksSource;
    use super::*;

    #[tokio::test]
    async fn no_key_is_made_by_looking() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwt.pem");
        let config = TokenConfig { private_key_path: Some(path.clone()), ..TokenConfig::default() };
        let found = check(&config).await;
        assert!(matches!(&found[..], [Finding { verdict: Verdict::Good(says), .. }] if says.contains("is made when")));
        assert!(!path.exists());
        let found = check(&TokenConfig { production: true, ..config }).await;
        assert!(
            matches!(&found[..], [Finding { verdict: Verdict::Bad { wrong, .. }, .. }] if wrong.contains("JWT_PRIVATE_KEY_PATH"))
        );
    }

    #[tokio::test]
    async fn a_wrong_issuer_does_not_hide_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        std::fs::write(&path, "{\"keys\": []}").unwrap();
        let jwks = Some(JwksConfig::new(JwksSource::File(path)));
        let secret = Some("c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCBzZWNyZXQ=".to_owned());
        let algorithm = super::super::TokenAlgorithm::Hs256;
        let found = check(&TokenConfig { algorithm, private_key: secret, jwks, ..TokenConfig::default() }).await;
        let [Finding { verdict: Verdict::Good(_), .. }, Finding { verdict: Verdict::Bad { wrong, .. }, .. }] =
            &found[..]
        else {
            panic!("{found:?}")
        };
        assert_eq!(wrong, "JWT_JWKS_PATH: none of its keys can be used");
    }
}
