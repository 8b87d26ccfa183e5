use std::time::Duration;

use muster_application::App;
use tokio::time::{MissedTickBehavior, interval};

/// How often the line for welcome mails is looked at: a user who was made while nothing else happens has their mail
/// within two seconds. Looking costs one query of an index that is empty most of the time.
const EVERY: Duration = Duration::from_millis(500);

/// Hands welcome mails that wait over to workflows, for as long as it is polled.
pub async fn relay(app: App) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_down = false;
    loop {
        ticks.tick().await;
        match app.relay_welcomes().await {
            Ok(_) => is_down = false,
            // Once for each outage: it is tried again for as long as it takes.
            Err(error) if !is_down => {
                is_down = true;
                tracing::warn!(error = &error as &dyn std::error::Error, "welcome mails have to wait");
            }
            Err(_) => {}
        }
    }
}
