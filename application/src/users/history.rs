use muster_domain::users::UserEvent;
use muster_domain::{EventId, UserId};

use crate::{App, AppError, Context};

/// A page of a user's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// What happened, the latest first.
    pub events: Vec<UserEvent>,
    /// Whether there is more behind them.
    pub has_next: bool,
}

impl App {
    /// Who did what to a user, alive or deleted, and when; only what is before `before`.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn user_history(
        &self,
        ctx: &Context,
        id: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<HistoryPage, AppError> {
        let found = self.ports.user_list.history(ctx.tenant, id, before, limit.saturating_add(1)).await?;
        let mut events = found.ok_or_else(|| AppError::not_found("user"))?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_next = events.len() > most;
        events.truncate(most);
        Ok(HistoryPage { events, has_next })
    }
}
