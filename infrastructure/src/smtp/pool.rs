use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::sync::Semaphore;

use super::server::Server;

/// A connection that has rested for so long is asked whether it still lives before it carries a mail.
/// Between the mails of a batch nobody asks: that would be a round trip for each.
const TRUSTED: Duration = Duration::from_secs(1);
/// A connection that has rested for so long is let go.
const KEPT: Duration = Duration::from_mins(1);

/// Connections to one mail server.
pub(super) struct Pool {
    server: Server,
    places: Semaphore,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Pool {
    pub(super) fn new(server: Server, most: usize) -> Self {
        Self { server, places: Semaphore::new(most.max(1)), idle: Mutex::default() }
    }

    /// Lends a connection to `work`, which gives it back if it can carry another mail.
    pub(super) async fn lend<T>(
        &self,
        work: impl AsyncFnOnce(AsyncSmtpConnection) -> (T, Option<AsyncSmtpConnection>),
    ) -> Result<T, Box<dyn std::error::Error + Send + Sync>> {
        let _place = self.places.acquire().await?;
        let connection = match self.rested().await {
            Some(connection) => connection,
            None => self.server.connect().await?,
        };
        let (done, connection) = work(connection).await;
        if let Some(connection) = connection.filter(|connection| !connection.has_broken()) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
        }
        Ok(done)
    }

    /// The connection that was used last, if it still lives.
    async fn rested(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let rested = since.elapsed();
            if rested < TRUSTED || (rested < KEPT && connection.test_connected().await) {
                return Some(connection);
            }
        }
    }
}
