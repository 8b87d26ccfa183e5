use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::read::Reader;
use crate::tokens::{JwksAlgorithm, JwksConfig, JwksSource, JwksUrl};

const URL: &str = "JWT_JWKS_URL";
const PATH: &str = "JWT_JWKS_PATH";
const AUTHORITIES: &str = "JWT_JWKS_CA_PATH";
const RIGHT_URL: &str = "an https:// URL without credentials; http:// only in development, or to this machine";
/// Less is a burden for the issuer; more leaves a withdrawn key in use for too long.
const REFRESH: RangeInclusive<u64> = 10..=86_400;

/// The issuer beside the configured key, if there is one.
pub(super) fn jwks(env: &mut Reader, production: bool) -> Option<JwksConfig> {
    let path = env.text(PATH).map(PathBuf::from);
    let wants_url = env.text(URL).is_some();
    let url = env.choice(URL, RIGHT_URL, None, |text| JwksUrl::parse(text, production).map(Some));
    let algorithms = "a list of ES256, ES384 and RS256";
    let default = vec![JwksAlgorithm::Es256, JwksAlgorithm::Es384];
    let algorithms = env.choice("JWT_JWKS_ALGORITHMS", algorithms, default, JwksAlgorithm::list);
    let seconds = env.within("JWT_JWKS_REFRESH_SECONDS", "a number of seconds from 10 to 86400", REFRESH, 300);
    let authorities = env.text(AUTHORITIES).map(PathBuf::from);
    let (issuer, audience) = (env.text("JWT_ISSUER"), env.text("JWT_AUDIENCE"));
    if wants_url && path.is_some() {
        env.problem("JWT_JWKS_URL and JWT_JWKS_PATH exclude each other: set one of them");
    }
    if authorities.is_some() && !wants_url {
        env.problem("JWT_JWKS_CA_PATH belongs to JWT_JWKS_URL, and that is not set");
    }
    // Whoever sets one of these relies on the check.
    if !wants_url && path.is_none() && (issuer.is_some() || audience.is_some()) {
        env.problem("JWT_ISSUER and JWT_AUDIENCE belong to JWT_JWKS_URL or JWT_JWKS_PATH, and neither is set");
    }
    let source = url.map(JwksSource::Url).or(path.map(JwksSource::File))?;
    let refresh = Duration::from_secs(seconds);
    Some(JwksConfig { authorities, algorithms, issuer, audience, refresh, ..JwksConfig::new(source) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)], production: bool) -> (Option<JwksConfig>, String) {
        super::super::read::load(variables, |env| jwks(env, production))
    }

    #[test]
    fn there_is_no_other_issuer_unless_somebody_says_so() {
        assert!(load(&[], true).0.is_none());
        let (config, wrong) = load(&[(URL, "https://id.example.com/keys")], true);
        let config = config.unwrap();
        assert_eq!(
            (config.algorithms, config.refresh),
            (vec![JwksAlgorithm::Es256, JwksAlgorithm::Es384], Duration::from_mins(5))
        );
        assert_eq!(wrong, "");
        let all = [
            (PATH, "/keys.json"),
            ("JWT_JWKS_ALGORITHMS", "RS256, ES256"),
            ("JWT_JWKS_REFRESH_SECONDS", "10"),
            ("JWT_ISSUER", "https://id.example.com"),
            ("JWT_AUDIENCE", "muster"),
        ];
        let config = load(&all, true).0.unwrap();
        assert_eq!(config.source, JwksSource::File("/keys.json".into()));
        assert_eq!(config.algorithms, [JwksAlgorithm::Rs256, JwksAlgorithm::Es256]);
        assert_eq!(
            (config.issuer.as_deref(), config.audience.as_deref()),
            (Some("https://id.example.com"), Some("muster"))
        );
    }

    #[test]
    fn keys_do_not_travel_in_the_open() {
        for (url, in_development, in_production) in [
            ("https://id.example.com/keys?v=1", true, true),
            ("http://id.example.com/keys", true, false),
            ("http://127.0.0.1:8080/keys", true, true),
            ("http://[::1]/keys", true, true),
            ("http://localhost/keys", true, true),
            ("http://localhost.example.com/keys", true, false),
            ("http://127.0.0.1.example.com/keys", true, false),
            ("http://user@127.0.0.1/keys", false, false),
            ("https://user:password@id.example.com/keys", false, false),
            ("file:///etc/keys", false, false),
            ("ftp://id.example.com/keys", false, false),
            ("id.example.com", false, false),
            ("https://", false, false),
        ] {
            for (production, accepted) in [(false, in_development), (true, in_production)] {
                let (config, wrong) = load(&[(URL, url)], production);
                assert_eq!(config.is_some(), accepted, "{url} in production: {production}");
                assert_eq!(wrong.contains("JWT_JWKS_URL must be an https:// URL"), !accepted, "{wrong}");
                assert!(!wrong.contains("example.com"), "values may be secret: {wrong}");
            }
        }
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let url = (URL, "https://id.example.com/keys");
        for (vars, says) in [
            (vec![url, (PATH, "/keys.json")], "exclude each other"),
            (vec![("JWT_ISSUER", "x")], "neither is set"),
            (vec![(PATH, "/keys.json"), (AUTHORITIES, "/ca.pem")], "that is not set"),
            (vec![("JWT_AUDIENCE", "x")], "neither is set"),
            (vec![url, ("JWT_JWKS_ALGORITHMS", "ES256,HS256")], "a list of ES256, ES384 and RS256"),
            (vec![url, ("JWT_JWKS_ALGORITHMS", "none")], "a list of ES256, ES384 and RS256"),
            (vec![url, ("JWT_JWKS_ALGORITHMS", "ES256,")], "a list of ES256, ES384 and RS256"),
            (vec![url, ("JWT_JWKS_REFRESH_SECONDS", "9")], "from 10 to 86400"),
        ] {
            let wrong = load(&vars, true).1;
            assert!(wrong.contains(says), "{wrong}");
        }
    }
}
