use muster_domain::partners::PartnerClient;

use super::list::no_such_partner;
use crate::{App, AppError, Context};

impl App {
    /// Accepts requests of the client of a public id from now on, or refuses them; nothing changes if that is so already.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` when storage is down.
    pub async fn set_partner_active(&self, public_id: &str, is_active: bool) -> Result<PartnerClient, AppError> {
        let (found, _) = self.partner_of(public_id).await?.ok_or_else(no_such_partner)?;
        let mut uow = self.begin(&Context::new(found.tenant)).await?;
        let mut client = uow.partners().lock_client(found.client).await?.ok_or_else(no_such_partner)?;
        if client.set_active(is_active, self.ports.clock.now()) {
            uow.partners().store_client(&client).await?;
            uow.commit().await?;
        }
        Ok(client)
    }
}
