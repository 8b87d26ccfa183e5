use muster_domain::partners::{PartnerEvent, PartnerEventPosition};

use crate::{App, AppError, Context};

/// A page of events.
#[derive(Debug, Clone)]
pub struct PartnerEventsPage {
    /// The latest first.
    pub items: Vec<PartnerEvent>,
    /// Where the next page begins: behind this position.
    pub next_after: Option<PartnerEventPosition>,
}

impl App {
    /// What the tenant's partners have told, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn partner_events(
        &self,
        ctx: &Context,
        after: Option<PartnerEventPosition>,
        limit: u32,
    ) -> Result<PartnerEventsPage, AppError> {
        let mut uow = self.begin(ctx).await?;
        let mut items = uow.partners().events(after, limit.saturating_add(1)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_after = last.map(|last| PartnerEventPosition { received_at: last.received_at, id: last.id });
        Ok(PartnerEventsPage { items, next_after })
    }
}
