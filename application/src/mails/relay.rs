use muster_domain::mails::DueWelcomes;

use crate::ports::{GatewayError, StartWelcomes, Started};
use crate::{App, AppError, Context};

/// Most tenants and batches looked at in one round; the next one goes on.
const LIMIT: u32 = 100;
/// Most mails in a batch.
const BATCH: u32 = 1_000;

/// What a round of the relay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relayed {
    /// Mails that were put into batches.
    pub gathered: u32,
    /// Batches whose workflow was asked for.
    pub started: u32,
    /// Batches that were given up, because their workflow had ended without sending all.
    pub given_up: u32,
}

impl App {
    /// Takes welcome mails that wait and hands them over in batches: one workflow for up to a thousand users. Safe to
    /// repeat and to run in any number of processes at once; a batch whose start failed is started by a later round.
    ///
    /// # Errors
    /// `Unavailable` when storage or the engine is down; nothing is lost then.
    pub async fn relay_welcomes(&self) -> Result<Relayed, AppError> {
        let stalled = self.ports.clock.now() - self.settings.stalled_after;
        let mut relayed = Relayed::default();
        let mut first_error = None;
        for due in self.ports.welcomes.due_welcomes(stalled, LIMIT).await? {
            // One that cannot be helped must not keep help from the others.
            if let Err(error) = self.relay_one(due, &mut relayed).await {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(relayed), Err)
    }

    async fn relay_one(&self, due: DueWelcomes, relayed: &mut Relayed) -> Result<(), AppError> {
        let ctx = Context::new(due.tenant);
        let now = self.ports.clock.now();
        let mut uow = self.begin(&ctx).await?;
        let batch = if let Some(batch) = due.batch {
            // Not due again at once, whatever comes of it.
            uow.welcomes().touch(batch, now).await?;
            batch
        } else {
            let batch = self.ports.ids.welcome_batch_id();
            let gathered = uow.welcomes().gather(batch, BATCH, now).await?;
            if gathered == 0 {
                return Ok(());
            }
            relayed.gathered += gathered;
            batch
        };
        uow.commit().await?;
        let start = StartWelcomes { tenant: due.tenant, batch };
        match self.ports.workflows.start_welcomes(&start).await.map_err(engine_down)? {
            Started::Running => relayed.started += 1,
            Started::Closed => {
                self.give_up_welcomes(&ctx, batch).await?;
                relayed.given_up += 1;
            }
        }
        Ok(())
    }
}

pub(crate) fn engine_down(error: GatewayError) -> AppError {
    AppError::unavailable("the workflow engine is not available; try again later", error)
}
