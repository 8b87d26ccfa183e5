//! What a worker does beside its task queues: it looks at lines in Postgres that single writes leave, because a workflow
//! for each of them would cost more than the write.

use std::time::Duration;

use muster_application::{App, AppError};
use tokio::time::{MissedTickBehavior, interval};

/// How often lines are looked for: a user who was made while nothing else happens has their mail within two seconds.
/// Looking costs one query of an index that is empty most of the time.
const EVERY: Duration = Duration::from_millis(500);

/// Hands welcome mails that wait over to workflows, for as long as it is polled.
pub async fn relay_welcomes(app: App) {
    again_and_again("welcome mails have to wait", async || app.relay_welcomes().await.map(|_| false)).await;
}

/// Brings the index of searches up to date, for as long as it is polled.
pub async fn index_users(app: App) {
    again_and_again("the index of searches falls behind", async || app.index_users().await.map(|users| users > 0))
        .await;
}

/// `look` says whether there is more to do at once.
async fn again_and_again(trouble: &'static str, look: impl AsyncFn() -> Result<bool, AppError>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_down = false;
    loop {
        ticks.tick().await;
        loop {
            match look().await {
                Ok(more) => {
                    is_down = false;
                    if more {
                        continue;
                    }
                }
                // Once for each outage: it is tried again for as long as it takes.
                Err(error) if !is_down => {
                    is_down = true;
                    tracing::warn!(error = &error as &dyn std::error::Error, "{trouble}");
                }
                Err(_) => {}
            }
            break;
        }
    }
}
