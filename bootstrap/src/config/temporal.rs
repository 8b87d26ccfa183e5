use muster_infrastructure::temporal::{TemporalAccess, TemporalApiKey, TemporalTls};

use super::read::Reader;

const KEY: &str = "TEMPORAL_API_KEY";
const TLS: &str = "TEMPORAL_TLS";
const AUTHORITIES: &str = "TEMPORAL_TLS_SERVER_CA_CERT_PATH";
const SERVER_NAME: &str = "TEMPORAL_TLS_SERVER_NAME";
const CERTIFICATE: &str = "TEMPORAL_TLS_CLIENT_CERT_PATH";
const CERTIFICATE_KEY: &str = "TEMPORAL_TLS_CLIENT_KEY_PATH";

/// Where Temporal is, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct TemporalConfig {
    /// `TEMPORAL_ADDRESS` or `TEMPORAL_HOST`.
    pub address: String,
    /// `TEMPORAL_NAMESPACE`.
    pub namespace: String,
    /// `TEMPORAL_API_KEY` and `TEMPORAL_TLS…`.
    pub access: TemporalAccess,
}

/// Only where Temporal is, for programs that need nothing else; an address and a namespace may come from somewhere else.
///
/// # Errors
/// Every wrong value, all in one line.
pub fn temporal_from_environment(address: Option<String>, namespace: Option<String>) -> anyhow::Result<TemporalConfig> {
    let mut env = Reader::new(|name| std::env::var(name).ok());
    let config = read_with(&mut env, address, namespace);
    env.finish().map(|()| config)
}

pub(super) fn read(env: &mut Reader) -> TemporalConfig {
    read_with(env, None, None)
}

fn read_with(env: &mut Reader, address: Option<String>, namespace: Option<String>) -> TemporalConfig {
    // All are read: which are, does not depend on what is in them.
    let (first, second) = (env.text("TEMPORAL_ADDRESS"), env.text("TEMPORAL_HOST"));
    let address = address.or(first).or(second).unwrap_or_else(|| "localhost:7233".to_owned());
    let namespace = namespace.or(env.text("TEMPORAL_NAMESPACE")).unwrap_or_else(|| "default".to_owned());
    let access = access(env, address.starts_with("https://"));
    if access.tls.is_some() && address.starts_with("http://") {
        env.problem(
            "TEMPORAL_ADDRESS is http://, but something asks for TLS: leave http:// out, or set TEMPORAL_TLS to false",
        );
    }
    TemporalConfig { address, namespace, access }
}

/// TLS is on where anything asks for it: a key or a certificate is not to go over the wire in plain text by mistake.
fn access(env: &mut Reader, is_https: bool) -> TemporalAccess {
    let api_key = env.text(KEY).map(TemporalApiKey);
    let on = env.choice(TLS, "true or false", None, |text| text.trim().parse::<bool>().ok().map(Some));
    let tls = TemporalTls { authorities: env.file(AUTHORITIES), server_name: env.text(SERVER_NAME), own: own(env) };
    let asked = tls.authorities.is_some() || tls.server_name.is_some() || tls.own.is_some();
    if on == Some(false) && (asked || is_https) {
        env.problem("TEMPORAL_TLS is false, but TEMPORAL_ADDRESS is https:// or a TEMPORAL_TLS_… is set");
    }
    let on = on.unwrap_or(asked || is_https || api_key.is_some());
    TemporalAccess { tls: on.then_some(tls), api_key }
}

fn own(env: &mut Reader) -> Option<(Vec<u8>, Vec<u8>)> {
    env.pair(CERTIFICATE, CERTIFICATE_KEY)?;
    env.file(CERTIFICATE).zip(env.file(CERTIFICATE_KEY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> (TemporalConfig, String) {
        super::super::read::load(variables, read)
    }

    #[test]
    fn it_is_plain_text_to_this_machine_unless_somebody_says_so() {
        let (config, wrong) = load(&[]);
        assert_eq!(
            (wrong.as_str(), config.address.as_str(), config.namespace.as_str()),
            ("", "localhost:7233", "default")
        );
        assert!(config.access.tls.is_none() && config.access.api_key.is_none());
        assert_eq!(load(&[("TEMPORAL_HOST", "there:7233")]).0.address, "there:7233");
    }

    #[test]
    fn tls_is_on_wherever_something_asks_for_it() {
        for set in [(TLS, "true"), ("TEMPORAL_ADDRESS", "https://there:7233"), (KEY, "secret"), (SERVER_NAME, "here")] {
            let (config, wrong) = load(&[set]);
            assert!(config.access.tls.is_some() && wrong.is_empty(), "{set:?} {wrong}");
            assert!(!format!("{config:?}").contains("secret"), "{config:?}");
        }
        assert!(load(&[(KEY, "secret"), (TLS, "false")]).0.access.tls.is_none());
    }

    #[test]
    fn files_are_read_and_what_does_not_fit_together_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pem");
        std::fs::write(&file, "a certificate").unwrap();
        let path = file.to_str().unwrap();
        let (config, wrong) = load(&[(AUTHORITIES, path), (CERTIFICATE, path), (CERTIFICATE_KEY, path)]);
        let tls = config.access.tls.unwrap();
        assert!(
            wrong.is_empty() && tls.authorities.as_deref() == Some(b"a certificate") && tls.own.is_some(),
            "{wrong}"
        );
        for (set, says) in [
            ((AUTHORITIES, "/nowhere"), "TEMPORAL_TLS_SERVER_CA_CERT_PATH names a file that cannot be read"),
            ((CERTIFICATE, path), "must be set together"),
            ((TLS, "perhaps"), "TEMPORAL_TLS must be true or false"),
        ] {
            let wrong = load(&[set]).1;
            assert!(wrong.contains(says), "{wrong}");
        }
        assert!(load(&[(TLS, "false"), (SERVER_NAME, "here")]).1.contains("TEMPORAL_TLS is false"));
        assert!(
            load(&[(KEY, "secret"), ("TEMPORAL_ADDRESS", "http://there:7233")])
                .1
                .contains("TEMPORAL_ADDRESS is http://")
        );
    }
}
