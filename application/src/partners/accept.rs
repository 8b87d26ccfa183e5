use muster_domain::partners::PartnerRepository;

use super::AuthenticPartner;
use super::signature::TOLERANCE;
use crate::{App, AppError, ErrorCode, ErrorKind};

impl App {
    /// Accepts the signature of a request that changes nothing by itself. One that was accepted is never accepted again.
    ///
    /// # Errors
    /// `Unauthenticated` when it was accepted before; `Unavailable` when storage is down: nothing is accepted then.
    pub async fn accept_partner_request(&self, partner: &AuthenticPartner) -> Result<(), AppError> {
        self.refuse_known_repeat(partner).await?;
        let mut uow = self.begin(&partner.ctx).await?;
        accept(uow.partners(), partner).await?;
        uow.commit().await?;
        self.note_accepted(partner).await;
        Ok(())
    }

    /// A quick no to what is known to have been accepted. That nothing is known says nothing.
    pub(super) async fn refuse_known_repeat(&self, partner: &AuthenticPartner) -> Result<(), AppError> {
        if self.ports.signatures.was_accepted(&partner.signature).await { Err(repeated()) } else { Ok(()) }
    }

    /// Only after the commit: what is noted must be true.
    pub(super) async fn note_accepted(&self, partner: &AuthenticPartner) {
        let keep = (TOLERANCE * 2).to_std().unwrap_or_default();
        self.ports.signatures.note(&partner.signature, keep).await;
    }
}

/// Accepts a signature within the unit of work of what the request asks for: both happen, or neither.
pub(super) async fn accept(partners: &mut dyn PartnerRepository, partner: &AuthenticPartner) -> Result<(), AppError> {
    if partners.accept(&partner.signature).await? { Ok(()) } else { Err(repeated()) }
}

fn repeated() -> AppError {
    let message = "Signature has already been used; sign each request anew";
    AppError::new(ErrorKind::Unauthenticated, ErrorCode::PartnerSignatureReused, message)
}
