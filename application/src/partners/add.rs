use muster_domain::Networks;
use muster_domain::partners::{ClientName, MAX_PARTNERS, PartnerClient, PartnerSecret};

use crate::operations::refused;
use crate::ports::SecretOwner;
use crate::{App, AppError, Context};

/// Make a client.
#[derive(Debug, Clone)]
pub struct AddPartner {
    /// What people call it.
    pub name: ClientName,
    /// From where it may ask; none: from anywhere.
    pub allowed: Networks,
}

/// A client and its secret, which whoever asked must be shown now: it is never given again.
#[derive(Debug, Clone)]
pub struct PartnerWithSecret {
    /// The client.
    pub client: PartnerClient,
    /// What it signs with from now on.
    pub secret: PartnerSecret,
}

impl App {
    /// Makes a client of the tenant, with a fresh secret.
    ///
    /// # Errors
    /// `Conflict` when the tenant has as many as it may; `Unavailable` when storage is down, or there is no key for secrets.
    pub async fn add_partner(&self, ctx: &Context, command: AddPartner) -> Result<PartnerWithSecret, AppError> {
        let (ids, now) = (&self.ports.ids, self.ports.clock.now());
        let (id, secret) = (ids.partner_client_id(), ids.partner_secret());
        let owner = SecretOwner { tenant: ctx.tenant, client: id };
        let client = PartnerClient {
            id,
            public_id: ids.partner_public_id(),
            name: command.name,
            secret: self.sealer()?.seal(owner, &secret).map_err(AppError::internal)?,
            former: None,
            is_active: true,
            allowed: command.allowed,
            created_at: now,
            updated_at: now,
        };
        let mut uow = self.begin(ctx).await?;
        if !uow.partners().insert_client(&client, MAX_PARTNERS).await? {
            return Err(refused(format!("a tenant has at most {MAX_PARTNERS} partner clients")));
        }
        uow.commit().await?;
        Ok(PartnerWithSecret { client, secret })
    }
}
