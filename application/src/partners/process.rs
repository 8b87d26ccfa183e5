use std::sync::Arc;

use muster_domain::operations::UploadFormat;
use muster_domain::partners::{EventRefusal, PartnerEvent, PartnerEventState};
use muster_domain::{OperationId, PartnerEventId};

use super::told::{Change, Told, told};
use crate::imports::NewUpload;
use crate::{App, AppError, Context, ErrorKind};

/// See to an event of a partner.
#[derive(Debug, Clone, Copy)]
pub struct ProcessPartnerEvent {
    /// Which one.
    pub event: PartnerEventId,
    /// It was tried for long enough: what the tenant's limits refuse now is not tried again.
    pub last_chance: bool,
}

/// What comes of an event.
enum Outcome {
    Began(OperationId),
    Ignored,
    Refused(EventRefusal),
}

impl App {
    /// Begins the operation that an event asks for, and stores what came of it. However often it is repeated, there is one
    /// operation.
    ///
    /// # Errors
    /// `RateLimited` while the tenant has as much as it may, unless it is the last chance; `Unavailable` when storage is
    /// down. All of them are worth another attempt.
    pub async fn process_partner_event(&self, ctx: &Context, command: ProcessPartnerEvent) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let found = uow.partners().event(command.event).await?;
        drop(uow);
        let Some(event) = found.filter(waits) else { return Ok(()) };
        let outcome = match told(&event) {
            Told::Nothing => Outcome::Ignored,
            Told::NotUnderstood => Outcome::Refused(EventRefusal::DataNotUnderstood),
            Told::Change(change) => match self.begin_told(ctx, &event, *change).await {
                Ok(operation) => Outcome::Began(operation),
                Err(error) => Outcome::Refused(refusal(error, command.last_chance)?),
            },
        };
        let mut uow = self.begin(ctx).await?;
        // Another attempt may have been quicker.
        let Some(mut event) = uow.partners().lock_event(event.id).await?.filter(waits) else { return Ok(()) };
        let now = self.ports.clock.now();
        match outcome {
            Outcome::Began(operation) => event.process(operation, now),
            Outcome::Ignored => event.ignore(now),
            Outcome::Refused(reason) => event.fail(reason, now),
        }
        uow.partners().end_event(&event).await?;
        Ok(uow.commit().await?)
    }

    /// The operation of this event, begun now or by an earlier attempt. The key outlives all attempts.
    async fn begin_told(&self, ctx: &Context, event: &PartnerEvent, change: Change) -> Result<OperationId, AppError> {
        let Change { kind, options, row } = change;
        let actor = Some(Arc::from(format!("partner:{}", event.client)));
        let key = key_of(event.id);
        let new = NewUpload { kind, format: UploadFormat::Json, key: Some(key.clone()), parent: None };
        let mut upload = self.begin_upload(Context::acting(ctx.tenant, actor), new).await?;
        upload.absorb(key.as_bytes());
        upload.push(&row)?;
        Ok(upload.finish(options, &[]).await?.operation.id)
    }
}

/// Tells the operation of an event from all others.
pub(super) fn key_of(event: PartnerEventId) -> String {
    format!("partner-event:{event}")
}

pub(super) fn waits(event: &PartnerEvent) -> bool {
    event.state == PartnerEventState::Received
}

/// Why nothing comes of an event, if that is how it ends; else the error, for another attempt.
fn refusal(error: AppError, last_chance: bool) -> Result<EventRefusal, AppError> {
    match error.kind {
        ErrorKind::Unavailable | ErrorKind::Internal => Err(error),
        ErrorKind::RateLimited if !last_chance => Err(error),
        ErrorKind::RateLimited => Ok(EventRefusal::TenantLimit),
        _ => Ok(EventRefusal::Refused),
    }
}
