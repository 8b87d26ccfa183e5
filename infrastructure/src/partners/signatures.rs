use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use muster_application::ports::SignatureCache;
use muster_domain::partners::SignatureUse;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult, cmd};

use crate::redis::Redis;
use crate::spans;

/// How long Redis may take to answer. It answers within a millisecond: who waits longer asks the database.
const ANSWER: Duration = Duration::from_millis(100);
/// How long connecting may take; nobody waits for it.
const CONNECT: Duration = Duration::from_millis(500);
/// Pause between looks for a Redis that is away.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Signatures in Redis, for all processes. While Redis is away, or without one, nothing is remembered here, and the database
/// alone says what was accepted. Cheap to clone.
#[derive(Clone)]
pub struct RedisSignatures(Option<Arc<Link>>);

struct Link {
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    up: Option<MultiplexedConnection>,
    looked_at: Option<Instant>,
}

impl RedisSignatures {
    /// Connects when it is first asked.
    pub fn new(redis: Option<&Redis>) -> Self {
        let link = |redis: &Redis| Arc::new(Link { client: redis.client().clone(), state: Mutex::default() });
        Self(redis.map(link))
    }

    /// Asks Redis, if it is there; a call that fails takes the connection down for all.
    async fn ask<T: redis::FromRedisValue>(&self, name: &'static str, command: &redis::Cmd) -> Option<T> {
        let link = self.0.as_ref()?;
        let Some(mut connection) = link.up() else {
            link.clone().look();
            return None;
        };
        let answer: RedisResult<T> = spans::redis(name, command.query_async(&mut connection)).await;
        answer
            .inspect_err(|error| {
                link.state().up = None;
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "Redis does not remember signatures of partners; the database does"
                );
            })
            .ok()
    }
}

impl Link {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Option<MultiplexedConnection> {
        self.state().up.clone()
    }

    /// Looks for Redis in the background, unless somebody does or did a moment ago.
    fn look(self: Arc<Self>) {
        {
            let mut state = self.state();
            if state.looked_at.is_some_and(|at| at.elapsed() < LOOK_AGAIN) {
                return;
            }
            state.looked_at = Some(Instant::now());
        }
        tokio::spawn(async move {
            let config =
                AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER));
            match self.client.get_multiplexed_async_connection_with_config(&config).await {
                Ok(connection) => self.state().up = Some(connection),
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "Redis cannot remember signatures yet");
                }
            }
        });
    }
}

fn key(signature: &SignatureUse) -> String {
    let digest = blake3::hash(&[signature.client.get().as_bytes().as_slice(), &signature.signature].concat());
    format!("muster:partner:v1:signature:{}", digest.to_hex())
}

#[async_trait]
impl SignatureCache for RedisSignatures {
    async fn was_accepted(&self, signature: &SignatureUse) -> bool {
        self.ask("EXISTS", cmd("EXISTS").arg(key(signature))).await.unwrap_or(false)
    }

    async fn note(&self, signature: &SignatureUse, keep: Duration) {
        let millis = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        self.ask::<()>("SET", cmd("SET").arg(key(signature)).arg(1).arg("PX").arg(millis)).await;
    }
}
