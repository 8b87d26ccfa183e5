use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use muster_domain::partners::{FoundPartner, PartnerClient, PublicClientId, SignatureUse};

use super::signature::{SignedParts, TOLERANCE, read_signature, verifies};
use crate::ports::{SecretOwner, SecretSealer};
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// What a request says of who sends it.
#[derive(Debug, Clone, Copy)]
pub struct PartnerRequest<'a> {
    /// The header `X-API-Client-ID`.
    pub client_id: &'a str,
    /// The header `X-API-Timestamp`.
    pub timestamp: &'a str,
    /// Where it came from, where that is known.
    pub address: Option<IpAddr>,
}

/// A partner who may ask, if the request is signed by them.
#[derive(Debug, Clone)]
pub struct RecognisedPartner {
    found: FoundPartner,
    client: PartnerClient,
    sent_at: DateTime<Utc>,
}

/// A partner who has signed a request, of which the signature is not accepted yet.
#[derive(Debug, Clone)]
pub struct AuthenticPartner {
    /// The tenant, and the partner as who acts.
    pub ctx: Context,
    /// Who it is.
    pub client: PartnerClient,
    pub(super) signature: SignatureUse,
}

impl App {
    /// Finds out who a request is said to be of, and whether they may ask now and from there. To be asked before a body is
    /// read.
    ///
    /// # Errors
    /// `Unauthenticated` or `Forbidden` with what is wrong, in the order of the contract; `Unavailable` when storage is down,
    /// or this deployment has no key for secrets.
    pub async fn recognise_partner(&self, request: PartnerRequest<'_>) -> Result<RecognisedPartner, AppError> {
        self.sealer()?;
        let (found, client) = self.partner_of(request.client_id).await?.ok_or_else(unknown)?;
        if !client.is_active {
            return Err(refused(ErrorKind::Forbidden, ErrorCode::PartnerClientInactive, "API client is inactive"));
        }
        if !client.allows(request.address) {
            return Err(refused(ErrorKind::Forbidden, ErrorCode::PartnerAddressNotAllowed, "IP address not allowed"));
        }
        let seconds = request.timestamp.parse::<i64>().map_err(|_| {
            refused(ErrorKind::Unauthenticated, ErrorCode::PartnerTimestampInvalid, "Invalid timestamp format")
        })?;
        let now = self.ports.clock.now();
        let distance = now.timestamp().checked_sub(seconds).and_then(i64::checked_abs);
        let is_near = distance.is_some_and(|distance| distance <= TOLERANCE.num_seconds());
        let sent_at = DateTime::from_timestamp(seconds, 0).filter(|_| is_near).ok_or_else(|| {
            let message = "Request timestamp too old or in future (tolerance: 300s)";
            refused(ErrorKind::Unauthenticated, ErrorCode::PartnerTimestampOutOfWindow, message)
        })?;
        Ok(RecognisedPartner { found, client, sent_at })
    }

    /// Checks the signature of a request, with every secret that is valid. It is not accepted yet: whoever does what the
    /// request asks for accepts it, once.
    ///
    /// # Errors
    /// `Unauthenticated` when none of them gives it.
    pub fn authenticate_partner(
        &self,
        partner: RecognisedPartner,
        signature: &str,
        parts: &SignedParts<'_>,
    ) -> Result<AuthenticPartner, AppError> {
        let RecognisedPartner { found: FoundPartner { tenant, client: id }, client, sent_at } = partner;
        let wrong = || refused(ErrorKind::Unauthenticated, ErrorCode::PartnerSignatureInvalid, "Invalid signature");
        let signature = read_signature(signature).ok_or_else(wrong)?;
        let (sealer, owner, text) = (self.sealer()?, SecretOwner { tenant, client: id }, parts.text());
        let mut is_right = false;
        // All of them: how long it takes must not tell which one is used.
        for sealed in client.secrets_at(self.ports.clock.now()) {
            let secret = sealer.open(owner, sealed).map_err(AppError::internal)?;
            is_right |= verifies(&secret, &text, &signature)?;
        }
        if !is_right {
            return Err(wrong());
        }
        let ctx = Context::acting(tenant, Some(Arc::from(format!("partner:{id}"))));
        // Twice as long as need be: processes may differ in what time it is.
        let signature = SignatureUse { client: id, signature, expires_at: sent_at + TOLERANCE * 2 };
        Ok(AuthenticPartner { ctx, client, signature })
    }

    /// The client of a public id, whoever's it is.
    pub(super) async fn partner_of(&self, id: &str) -> Result<Option<(FoundPartner, PartnerClient)>, AppError> {
        let Some(id) = PublicClientId::parse(id) else { return Ok(None) };
        let Some(found) = self.ports.partners.find_partner(&id).await? else { return Ok(None) };
        let mut uow = self.begin(&Context::new(found.tenant)).await?;
        let client = uow.partners().client(found.client).await?;
        Ok(client.map(|client| (found, client)))
    }

    /// What seals secrets, if this deployment has a key.
    pub(super) fn sealer(&self) -> Result<&dyn SecretSealer, AppError> {
        self.ports.sealer.as_deref().ok_or_else(|| {
            let message = "the partner API is switched off here: PARTNER_SECRET_KEY is not set";
            AppError::new(ErrorKind::Unavailable, ErrorCode::ServiceUnavailable, message)
        })
    }
}

fn refused(kind: ErrorKind, code: ErrorCode, message: &'static str) -> AppError {
    AppError::new(kind, code, message)
}

fn unknown() -> AppError {
    refused(ErrorKind::Unauthenticated, ErrorCode::PartnerClientUnknown, "Invalid API client ID")
}
