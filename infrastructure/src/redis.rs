//! Redis: makes reads faster, counts requests for all processes together, and is never needed.

use std::time::Duration;

use redis::{Client, ErrorKind, RedisError};

use crate::check::{Finding, root};

/// How long Redis may take to answer before it counts as down.
const TIMEOUT: Duration = Duration::from_secs(1);
/// The oldest one whose commands we use.
const OLDEST: u32 = 6;
const NAME: &str = "redis";

/// A Redis that may come and go.
#[derive(Debug, Clone)]
pub struct Redis {
    client: Client,
}

impl Redis {
    /// Reads the URL; connects when first used.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self { client: Client::open(url)? })
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Looks whether Redis answers, and how old it is.
    pub async fn check(&self) -> Finding {
        let ask = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            redis::cmd("PING").query_async::<()>(&mut connection).await?;
            // Whoever may not ask for it may still use the rest.
            Ok(redis::cmd("INFO").arg("server").query_async::<String>(&mut connection).await.unwrap_or_default())
        };
        let address = self.client.get_connection_info().addr();
        match ask.await {
            Ok(info) => judge(&info, &address.to_string()),
            Err(error) => refused(&error, &address.to_string()),
        }
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), RedisError> {
        let ask = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            redis::cmd("PING").query_async::<()>(&mut connection).await
        };
        match tokio::time::timeout(TIMEOUT, ask).await {
            Ok(answer) => answer,
            Err(_) => Err(RedisError::from((redis::ErrorKind::Io, "no answer in time"))),
        }
    }
}

fn judge(info: &str, address: &str) -> Finding {
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).map(str::trim);
    let Some(version) = version else {
        return Finding::good(NAME, format!("Redis at {address}, which does not say its version"));
    };
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < OLDEST) {
        let mend = format!("upgrade it to Redis {OLDEST} or later, or leave REDIS_URL out: it is optional");
        return Finding::bad(NAME, format!("Redis {version} at {address} is too old"), mend);
    }
    Finding::good(NAME, format!("Redis {version} at {address}"))
}

fn refused(error: &RedisError, address: &str) -> Finding {
    // An access list answers with one of two codes, according to when it refuses.
    let is_password = error.kind() == ErrorKind::AuthenticationFailed
        || error.code().is_some_and(|code| matches!(code, "NOAUTH" | "WRONGPASS"));
    if is_password {
        let wrong = format!("Redis at {address} refuses the user or the password");
        return Finding::bad(NAME, wrong, "set REDIS_URL to redis://user:password@host:6379");
    }
    let wrong = format!("Redis at {address} does not answer: {}", root(error));
    Finding::bad(NAME, wrong, "start Redis, or mend REDIS_URL, or leave it out: reads are slower without it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    #[test]
    fn the_version_is_judged_and_may_be_a_secret() {
        let verdict = |info: &str| judge(info, "cache:6379").verdict;
        assert_eq!(
            verdict("# Server\r\nredis_version:7.2.4\r\n"),
            Verdict::Good("Redis 7.2.4 at cache:6379".to_owned())
        );
        assert!(matches!(verdict("redis_version:5.0.14\r\n"), Verdict::Bad { wrong, .. } if wrong.contains("5.0.14")));
        assert!(matches!(verdict(""), Verdict::Good(_)));
    }
}
