use muster_domain::OperationId;

use crate::{App, AppError, Context};

impl App {
    /// Removes an upload that will not be finished; anything past `receiving` stays.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn discard_upload(&self, ctx: &Context, id: OperationId) -> Result<bool, AppError> {
        let mut uow = self.begin(ctx).await?;
        let discarded = uow.operations().discard(id).await?;
        uow.commit().await?;
        Ok(discarded)
    }
}
