use std::sync::Arc;

use async_trait::async_trait;
use muster_application::ports::{Budget, Caller, RateLimiter, Verdict};

use super::gcra::{Counted, Rule};
use super::key::Key;
use super::link::Link;
use super::local::Local;
use super::shared;
use crate::redis::Redis;

/// Counts requests in Redis, and in the process while there is none. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Limiter {
    local: Arc<Local>,
    link: Option<Arc<Link>>,
}

impl Limiter {
    /// A limiter that has counted nothing. Without [`Limiter::run`] it never uses Redis.
    pub fn new(redis: Option<&Redis>) -> Self {
        Self { local: Arc::new(Local::new()), link: redis.map(|redis| Arc::new(Link::new(redis))) }
    }

    /// Keeps the connection to Redis: to be spawned. Never ends, unless there is no Redis.
    pub async fn run(self) {
        if let Some(link) = &self.link {
            link.keep().await;
        }
    }

    /// Whether all processes are counted together at this moment.
    pub fn is_shared(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.up().is_some())
    }

    async fn count_shared(&self, key: Key, rule: Rule) -> Option<Counted> {
        let link = self.link.as_ref()?;
        let mut up = link.up()?;
        match shared::count(&mut up.connection, &key.to_string(), rule).await {
            Ok(counted) => Some(counted),
            Err(error) => {
                link.lost(&up, &error);
                None
            }
        }
    }
}

#[async_trait]
impl RateLimiter for Limiter {
    async fn count(&self, caller: &Caller, budget: Budget) -> Verdict {
        let (key, rule) = (Key::new(caller, budget), Rule::of(budget));
        // From before Redis is asked: what it says was so a little later, so nobody is refused here for too long.
        let now = self.local.now();
        if let Some(refused) = self.local.refuses(key, rule, now) {
            return rule.verdict(refused);
        }
        let counted = match self.count_shared(key, rule).await {
            Some(counted) => {
                self.local.learn(key, counted, now);
                counted
            }
            None => self.local.count(key, rule, self.local.now()),
        };
        rule.verdict(counted)
    }
}
