use std::time::Duration;

use futures::stream::{self, BoxStream};
use muster_application::ports::OperationWatch;
use muster_domain::OperationId;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

/// Where ends, pauses and resumes of operations are announced, with the operation's id as payload. The name is that of
/// the first release, which announced ends only: processes of both releases hear each other.
pub(super) const CHANNEL: &str = "muster_operation_ended";
/// Pause before listening again after the connection was lost.
const RECONNECT: Duration = Duration::from_secs(1);
/// Notices a slow waiter may fall behind by; beyond that it is simply told that some were lost.
const BACKLOG: usize = 1024;

/// Moves of operations by `LISTEN`: one connection per process, however many wait.
#[derive(Debug, Clone)]
pub struct PgWatch {
    moved: broadcast::Sender<Uuid>,
}

impl PgWatch {
    /// A watch that hears nothing yet; waiting works all the same, by looking again.
    pub fn new() -> Self {
        Self { moved: broadcast::Sender::new(BACKLOG) }
    }

    /// Listens until the process ends, across losses of the connection.
    pub async fn listen(self, pool: PgPool) {
        loop {
            if let Err(error) = self.hear(&pool).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "the listener for operations reconnects");
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }

    async fn hear(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        loop {
            let notice = listener.recv().await?;
            if let Ok(id) = notice.payload().parse() {
                // Nobody may be waiting: that is no error.
                let _ = self.moved.send(id);
            }
        }
    }
}

impl Default for PgWatch {
    fn default() -> Self {
        Self::new()
    }
}

impl OperationWatch for PgWatch {
    fn moves(&self) -> BoxStream<'static, Option<OperationId>> {
        // Listens from now on, not from the first poll.
        Box::pin(stream::unfold(self.moved.subscribe(), |mut notices| async {
            let moved = match notices.recv().await {
                Ok(id) => Some(OperationId::new(id)),
                Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => return std::future::pending().await,
            };
            Some((moved, notices))
        }))
    }
}
