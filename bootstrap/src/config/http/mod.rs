//! How the API meets browsers, proxies, and those who ask too often.

mod cors;
mod proxies;
mod server;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;

pub(super) use cors::parse as origins;
pub use cors::{Cors, CorsOrigins};
pub use proxies::TrustedProxies;
pub use server::{ServerConfig, TlsFiles};

use super::read::Reader;

/// The most that makes sense: beyond it a limit is none.
const MOST_PER_MINUTE: u32 = 1_000_000;
const RIGHT_PER_MINUTE: &str = "a number of requests from 1 to 1000000";

/// Settings of the API's edge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpConfig {
    /// `TRUSTED_PROXIES`: whom to believe where a request came from.
    pub trusted_proxies: TrustedProxies,
    /// `CORS_ORIGINS` and `CORS_ALLOW_CREDENTIALS`; none: no page of another origin may read answers.
    pub cors: Option<Cors>,
    /// `RATE_LIMIT_…`; none when switched off.
    pub rate_limit: Option<RateLimitConfig>,
    /// `METRICS_HOST` and `METRICS_PORT`; none: the API serves no metrics.
    pub metrics: Option<SocketAddr>,
    /// How connections are served.
    pub server: ServerConfig,
}

/// How many requests one client address may make for one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitConfig {
    /// `RATE_LIMIT_PER_MINUTE`.
    pub per_minute: NonZeroU32,
    /// `RATE_LIMIT_UPLOADS_PER_MINUTE`, which uploads have for themselves.
    pub uploads_per_minute: NonZeroU32,
}

pub(super) fn read(env: &mut Reader) -> HttpConfig {
    let host = env.parse("METRICS_HOST", "an IP address such as 0.0.0.0", IpAddr::V4(Ipv4Addr::LOCALHOST));
    let port = env.choice("METRICS_PORT", "a port from 0 to 65535", None, |text| text.trim().parse().ok().map(Some));
    HttpConfig {
        trusted_proxies: proxies::read(env),
        cors: cors::read(env),
        rate_limit: rate_limit(env),
        metrics: port.map(|port| SocketAddr::new(host, port)),
        server: server::read(env),
    }
}

fn rate_limit(env: &mut Reader) -> Option<RateLimitConfig> {
    let mut per_minute = |name, default| {
        let most = NonZeroU32::new(MOST_PER_MINUTE).unwrap_or(NonZeroU32::MAX);
        let default = NonZeroU32::new(default).unwrap_or(NonZeroU32::MIN);
        env.within(name, RIGHT_PER_MINUTE, NonZeroU32::MIN..=most, default)
    };
    let limits = RateLimitConfig {
        per_minute: per_minute("RATE_LIMIT_PER_MINUTE", 60),
        uploads_per_minute: per_minute("RATE_LIMIT_UPLOADS_PER_MINUTE", 30),
    };
    env.parse("RATE_LIMIT_ENABLED", "true or false", true).then_some(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn load(variables: &[(&str, &str)]) -> (HttpConfig, String) {
        super::super::read::load(variables, read)
    }

    #[test]
    fn everybody_is_limited_and_nothing_else_is_on_unless_somebody_says_so() {
        let (config, wrong) = load(&[]);
        assert_eq!(wrong, "");
        assert_eq!((config.cors, config.metrics), (None, None));
        assert!(!config.trusted_proxies.contains(Ipv4Addr::LOCALHOST.into()));
        let limits = config.rate_limit.unwrap();
        assert_eq!((limits.per_minute.get(), limits.uploads_per_minute.get()), (60, 30));
        assert_eq!(load(&[("RATE_LIMIT_ENABLED", "false")]).0.rate_limit, None);
    }

    #[test]
    fn limits_and_the_port_of_metrics_are_checked() {
        for (name, value, right) in [
            ("RATE_LIMIT_PER_MINUTE", "0", "from 1 to 1000000"),
            ("RATE_LIMIT_PER_MINUTE", "1000001", "from 1 to 1000000"),
            ("RATE_LIMIT_UPLOADS_PER_MINUTE", "-1", "from 1 to 1000000"),
            ("RATE_LIMIT_ENABLED", "no", "true or false"),
            ("METRICS_PORT", "65536", "from 0 to 65535"),
            ("METRICS_HOST", "localhost", "an IP address"),
        ] {
            let wrong = load(&[(name, value)]).1;
            assert!(wrong.contains(&format!("{name} must be")) && wrong.contains(right), "{wrong}");
        }
        let metrics = load(&[("METRICS_PORT", "9464"), ("METRICS_HOST", "::")]).0.metrics;
        assert_eq!(metrics, Some("[::]:9464".parse().unwrap()));
    }
}
