//! Whether everything that a deployment needs is there and as it should be: for operators, before a start and when
//! something is wrong. Looks at one part do not depend on those at another, and change nothing.

use std::time::Duration;

use muster_infrastructure::redis::Redis;
use muster_infrastructure::temporal::{Temporal, TemporalOptions};
use muster_infrastructure::{postgres, smtp, temporal};
use tokio::time::timeout;

pub use muster_infrastructure::check::{Finding, Verdict};

use crate::config::{Config, TemporalConfig};
use crate::wire::identity;
use crate::{partners, tokens};

/// What can be looked at alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Settings.
    Configuration,
    /// Postgres: role, policies, migrations.
    Database,
    /// Redis.
    Redis,
    /// Temporal: namespace, search attributes, schedules.
    Temporal,
    /// The mail server.
    Smtp,
    /// Keys of tokens.
    Tokens,
    /// The key of partners' secrets.
    Partners,
}

impl Part {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 7] =
        [Self::Configuration, Self::Database, Self::Redis, Self::Temporal, Self::Smtp, Self::Tokens, Self::Partners];

    /// The name on the command line, and of what is found when it does not answer.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Database => "database",
            Self::Redis => "redis",
            Self::Temporal => "temporal",
            Self::Smtp => "smtp",
            Self::Tokens => "tokens",
            Self::Partners => "partners",
        }
    }
}

/// Looks at these parts, all at the same time and each for so long at most. Settings that are wrong count as their
/// defaults, so that the rest is looked at all the same.
pub async fn check(config: &Config, problems: &[String], parts: &[Part], patience: Duration) -> Vec<Finding> {
    let look = async |part: Part| -> Vec<Finding> {
        if !parts.contains(&part) {
            return Vec::new();
        }
        timeout(patience, Box::pin(one(part, config, problems))).await.unwrap_or_else(|_| {
            let wrong = format!("no answer in {} s", patience.as_secs());
            vec![Finding::bad(
                part.name(),
                wrong,
                "look whether it is busy, or a firewall is in between; or give it longer with --timeout",
            )]
        })
    };
    let (configuration, database, redis, temporal, smtp, tokens, partners) = tokio::join!(
        look(Part::Configuration),
        look(Part::Database),
        look(Part::Redis),
        look(Part::Temporal),
        look(Part::Smtp),
        look(Part::Tokens),
        look(Part::Partners),
    );
    [configuration, database, redis, temporal, smtp, tokens, partners].concat()
}

async fn one(part: Part, config: &Config, problems: &[String]) -> Vec<Finding> {
    match part {
        Part::Configuration => configuration(problems),
        Part::Database if config.database_url.is_empty() => {
            vec![Finding::skipped(part.name(), "DATABASE_URL is not set")]
        }
        Part::Database => postgres::check(&config.database_url).await,
        Part::Redis => vec![redis(config.redis_url.as_deref()).await],
        Part::Temporal => temporal(config).await,
        Part::Smtp => smtp::check(&config.smtp_url, &config.email_from).await,
        Part::Tokens => tokens::check(&config.tokens).await,
        Part::Partners => vec![partners::check(config)],
    }
}

/// Each problem by itself: they are mended one by one.
fn configuration(problems: &[String]) -> Vec<Finding> {
    let name = Part::Configuration.name();
    if problems.is_empty() {
        return vec![Finding::good(name, "every setting can be read")];
    }
    let mend = "docs/operate/configuration.md has every setting; `muster config` shows where each came from";
    problems.iter().map(|problem| Finding::bad(name, problem, mend)).collect()
}

async fn redis(url: Option<&str>) -> Finding {
    let name = Part::Redis.name();
    let Some(url) = url else {
        return Finding::skipped(name, "REDIS_URL is not set: it is optional");
    };
    match Redis::new(url) {
        Ok(redis) => redis.check().await,
        Err(_) => Finding::bad(name, "REDIS_URL cannot be read", "set REDIS_URL to redis://user:password@host:6379"),
    }
}

async fn temporal(config: &Config) -> Vec<Finding> {
    let TemporalConfig { address, namespace, access } = &config.temporal;
    let options = TemporalOptions {
        address: address.clone(),
        namespace: namespace.clone(),
        access: access.clone(),
        identity: identity("check"),
        keys: config.codec.keys.clone(),
    };
    match Temporal::new(options) {
        Ok(temporal) => temporal::check(&temporal, address, namespace).await,
        Err(error) => {
            let mend = error.to_string();
            vec![Finding::bad(Part::Temporal.name(), "TEMPORAL_ADDRESS cannot be read", mend)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(vars: &[(&'static str, &'static str)], parts: &[Part], patience: Duration) -> Vec<Finding> {
        let vars: std::collections::HashMap<_, _> = vars.iter().copied().collect();
        let (config, problems) = Config::examine(move |name| vars.get(name).map(|value| (*value).to_owned()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&config, &problems, parts, patience))
    }

    #[test]
    fn every_problem_of_the_configuration_is_a_finding_and_the_rest_is_looked_at() {
        let vars = [("PORT", "hidden"), ("CACHE_TTL", "0"), ("REDIS_URL", "no url")];
        let found = findings(&vars, &[Part::Configuration, Part::Database, Part::Redis], Duration::from_secs(5));
        let names: Vec<_> = found.iter().map(|finding| finding.name).collect();
        assert_eq!(names, ["configuration", "configuration", "configuration", "database", "redis"]);
        let text = format!("{found:?}");
        for says in ["PORT must be", "CACHE_TTL must be", "DATABASE_URL is required", "DATABASE_URL is not set"] {
            assert!(text.contains(says), "{text}");
        }
        assert!(!text.contains("hidden"), "{text}");
    }

    #[test]
    fn what_does_not_answer_is_given_up() {
        // It takes connections, and nobody ever says a word.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url: &'static str = format!("smtp://{}", silent.local_addr().unwrap()).leak();
        let found = findings(&[("SMTP_URL", url)], &[Part::Smtp], Duration::from_millis(100));
        assert!(
            matches!(&found[..], [Finding { name: "smtp", verdict: Verdict::Bad { wrong, .. } }] if wrong.starts_with("no answer"))
        );
    }
}
