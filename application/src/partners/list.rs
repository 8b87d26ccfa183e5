use muster_domain::partners::PartnerClient;

use crate::{App, AppError, Context};

impl App {
    /// All clients of the tenant, the eldest first; there are few.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn partners(&self, ctx: &Context) -> Result<Vec<PartnerClient>, AppError> {
        let mut uow = self.begin(ctx).await?;
        Ok(uow.partners().clients().await?)
    }
}

/// Nobody has this public id.
pub(super) fn no_such_partner() -> AppError {
    AppError::not_found("partner client")
}
