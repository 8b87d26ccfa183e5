//! Whether the parts that a process needs are there.

use std::error::Error;
use std::time::Duration;

use muster_infrastructure::postgres;
use muster_infrastructure::postgres::Pool;
use muster_infrastructure::redis::Redis;
use muster_infrastructure::temporal::Temporal;
use tokio::time::timeout;

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// One part and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPart {
    /// `database`, `redis` or `temporal`.
    pub name: &'static str,
    /// Whether it answered.
    pub up: bool,
    /// Whether this process can do nothing without it.
    pub required: bool,
    /// Why it is down.
    pub detail: Option<String>,
}

/// All parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// `ok`, `degraded` (something that helps is down) or `unavailable` (something that is needed is down).
    pub status: &'static str,
    /// Whether requests or tasks should be sent here.
    pub ready: bool,
    /// Each part.
    pub parts: Vec<HealthPart>,
}

/// Asks the parts.
#[derive(Clone)]
pub struct Health {
    pub(crate) pool: Pool,
    pub(crate) redis: Option<Redis>,
    pub(crate) temporal: Temporal,
    /// The API takes requests while Temporal is down, a worker does nothing without it.
    pub(crate) needs_temporal: bool,
}

impl Health {
    /// Asks every part, at the same time.
    pub async fn report(&self) -> HealthReport {
        let redis = async {
            match &self.redis {
                Some(redis) => Some(answer("redis", false, redis.ping()).await),
                None => None,
            }
        };
        let (database, redis, temporal) = tokio::join!(
            answer("database", true, postgres::ping(&self.pool)),
            redis,
            answer("temporal", self.needs_temporal, self.temporal.ping()),
        );
        let parts: Vec<_> = [Some(database), redis, Some(temporal)].into_iter().flatten().collect();
        let ready = parts.iter().all(|part| part.up || !part.required);
        let status = match (ready, parts.iter().all(|part| part.up)) {
            (true, true) => "ok",
            (true, false) => "degraded",
            (false, _) => "unavailable",
        };
        HealthReport { status, ready, parts }
    }
}

async fn answer<E: Error>(name: &'static str, required: bool, ask: impl Future<Output = Result<(), E>>) -> HealthPart {
    let detail = match timeout(PATIENCE, ask).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(chain(&error)),
        Err(_) => Some(format!("no answer in {} s", PATIENCE.as_secs())),
    };
    HealthPart { name, up: detail.is_none(), required, detail }
}

/// What failed and the root of it, in one line; what lies between is for developers. Connection errors name hosts and
/// ports, never credentials.
fn chain(error: &dyn Error) -> String {
    let mut root = None;
    let mut source = error.source();
    while let Some(cause) = source {
        root = Some(cause.to_string());
        source = cause.source();
    }
    match root {
        Some(root) if root != error.to_string() => format!("{error}: {root}"),
        _ => error.to_string(),
    }
}
