use std::path::PathBuf;
use std::time::Duration;

use super::super::read::Reader;

/// How connections are served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerConfig {
    /// `MAX_CONNECTIONS`: at a time.
    pub max_connections: usize,
    /// `KEEP_ALIVE_SECONDS`: how long a connection is kept for a next request.
    pub idle: Duration,
    /// `SHUTDOWN_DELAY_SECONDS`: how long connections are still taken after the process was asked to end.
    pub drain: Duration,
    /// `TLS_CERTIFICATE_PATH` and `TLS_KEY_PATH`; none: no TLS.
    pub tls: Option<TlsFiles>,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, as PEM; the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key, as PEM.
    pub key: PathBuf,
}

pub(super) fn read(env: &mut Reader) -> ServerConfig {
    let right = "a number of connections from 1 to 1000000";
    let seconds = |most| format!("a number of seconds up to {most}");
    ServerConfig {
        max_connections: env.within("MAX_CONNECTIONS", right, 1..=1_000_000, 10_000),
        idle: Duration::from_secs(env.within("KEEP_ALIVE_SECONDS", &seconds(3_600), 1..=3_600, 75)),
        drain: Duration::from_secs(env.within("SHUTDOWN_DELAY_SECONDS", &seconds(300), 0..=300, 0)),
        tls: tls(env),
    }
}

fn tls(env: &mut Reader) -> Option<TlsFiles> {
    let (certificate, key) = env.pair("TLS_CERTIFICATE_PATH", "TLS_KEY_PATH")?;
    Some(TlsFiles { certificate: certificate.into(), key: key.into() })
}

#[cfg(test)]
mod tests {
    use super::super::tests::load;

    #[test]
    fn a_certificate_without_its_key_is_wrong_and_so_is_what_is_out_of_range() {
        for (name, value, right) in [
            ("TLS_KEY_PATH", "/k.pem", "set together"),
            ("TLS_CERTIFICATE_PATH", "/c.pem", "set together"),
            ("MAX_CONNECTIONS", "0", "from 1 to 1000000"),
            ("KEEP_ALIVE_SECONDS", "0", "up to 3600"),
            ("SHUTDOWN_DELAY_SECONDS", "301", "up to 300"),
        ] {
            let wrong = load(&[(name, value)]).1;
            assert!(wrong.contains(name) && wrong.contains(right), "{wrong}");
        }
        let (config, wrong) = load(&[("TLS_CERTIFICATE_PATH", "/c.pem"), ("TLS_KEY_PATH", "/k.pem")]);
        assert!(wrong.is_empty() && config.server.tls.is_some());
        assert_eq!((config.server.max_connections, config.server.drain.as_secs()), (10_000, 0));
    }
}
