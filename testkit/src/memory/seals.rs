use muster_application::ports::{SealError, SecretOwner, SecretSealer};
use muster_domain::partners::{PartnerSecret, SealedSecret};

/// Keeps secrets apart by their owners, and hides nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemorySeals;

fn mark(owner: SecretOwner) -> String {
    format!("{}/{}/", owner.tenant, owner.client)
}

impl SecretSealer for MemorySeals {
    fn seal(&self, owner: SecretOwner, secret: &PartnerSecret) -> Result<SealedSecret, SealError> {
        Ok(SealedSecret(format!("{}{}", mark(owner), secret.expose()).into_bytes()))
    }

    fn open(&self, owner: SecretOwner, sealed: &SealedSecret) -> Result<PartnerSecret, SealError> {
        let text = std::str::from_utf8(&sealed.0).ok().and_then(|text| text.strip_prefix(&mark(owner)));
        text.map(|text| PartnerSecret::stored(text.to_owned())).ok_or(SealError("opened"))
    }
}
