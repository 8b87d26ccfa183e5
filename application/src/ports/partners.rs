use std::time::Duration;

use async_trait::async_trait;
use muster_domain::partners::{PartnerSecret, SealedSecret, SignatureUse};
use muster_domain::{PartnerClientId, TenantId};

/// Whose secret it is. One that was sealed for somebody else cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretOwner {
    /// Whose client it is.
    pub tenant: TenantId,
    /// Which one.
    pub client: PartnerClientId,
}

/// A secret cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a partner's secret cannot be {0}; is PARTNER_SECRET_KEY the key that it was sealed with?")]
pub struct SealError(pub &'static str);

/// Keeps secrets of partners unreadable for whoever reads the database.
pub trait SecretSealer: Send + Sync {
    /// Encrypts a secret for its owner, never twice to the same bytes.
    fn seal(&self, owner: SecretOwner, secret: &PartnerSecret) -> Result<SealedSecret, SealError>;

    /// Gives back what was sealed for this owner, with the current key or the one before.
    fn open(&self, owner: SecretOwner, sealed: &SealedSecret) -> Result<PartnerSecret, SealError>;
}

/// Remembers which signatures were accepted, so that repeats need not ask the database. It may forget at any time, and is
/// told only of what the database has: a quick answer, never the truth.
#[async_trait]
pub trait SignatureCache: Send + Sync {
    /// Whether it is known that this signature was accepted. Never fails and never waits long.
    async fn was_accepted(&self, signature: &SignatureUse) -> bool;

    /// Notes that it was, for so long. Never fails and never waits long.
    async fn note(&self, signature: &SignatureUse, keep: Duration);
}
