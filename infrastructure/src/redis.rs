//! Redis: makes reads faster, counts requests for all processes together, and is never needed.

use std::time::Duration;

use redis::{Client, RedisError};

/// How long Redis may take to answer before it counts as down.
const TIMEOUT: Duration = Duration::from_secs(1);

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
