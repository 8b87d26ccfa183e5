use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use muster_application::ports::OperationWatch;
use muster_domain::OperationId;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

/// Where ends of operations are announced, with the operation's id as payload.
pub(super) const CHANNEL: &str = "muster_operation_ended";
/// Pause before listening again after the connection was lost.
const RECONNECT: Duration = Duration::from_secs(1);
/// Notices a slow waiter may fall behind by; beyond that it is simply told to look.
const BACKLOG: usize = 1024;

/// Ends of operations by `LISTEN`: one connection per process, however many wait.
#[derive(Debug, Clone)]
pub struct PgWatch {
    ended: broadcast::Sender<Uuid>,
}

impl PgWatch {
    /// A watch that hears nothing yet; waiting works all the same, by looking again.
    pub fn new() -> Self {
        Self { ended: broadcast::Sender::new(BACKLOG) }
    }

    /// Listens until the process ends, across losses of the connection.
    pub async fn listen(self, pool: PgPool) {
        loop {
            if let Err(error) = self.hear(&pool).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the listener for ended operations reconnects"
                );
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
                let _ = self.ended.send(id);
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
    fn ended(&self, operation: OperationId) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut notices = self.ended.subscribe();
        Box::pin(async move {
            loop {
                match notices.recv().await {
                    Ok(id) if id == operation.get() => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        })
    }
}
