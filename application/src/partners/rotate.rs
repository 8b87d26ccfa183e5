use chrono::TimeDelta;

use super::PartnerWithSecret;
use super::list::no_such_partner;
use crate::ports::SecretOwner;
use crate::{App, AppError, Context};

impl App {
    /// Gives the client of a public id a fresh secret. The one before is accepted for `keep` more; nothing at all of it when
    /// that is nothing.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` when storage is down, or there is no key for secrets.
    pub async fn rotate_partner_secret(&self, public_id: &str, keep: TimeDelta) -> Result<PartnerWithSecret, AppError> {
        let (found, _) = self.partner_of(public_id).await?.ok_or_else(no_such_partner)?;
        let secret = self.ports.ids.partner_secret();
        let owner = SecretOwner { tenant: found.tenant, client: found.client };
        let sealed = self.sealer()?.seal(owner, &secret).map_err(AppError::internal)?;
        let mut uow = self.begin(&Context::new(found.tenant)).await?;
        let mut client = uow.partners().lock_client(found.client).await?.ok_or_else(no_such_partner)?;
        client.rotate(sealed, keep, self.ports.clock.now());
        uow.partners().store_client(&client).await?;
        uow.commit().await?;
        Ok(PartnerWithSecret { client, secret })
    }
}
