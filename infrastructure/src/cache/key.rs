use std::fmt;

use muster_domain::{TenantId, UserId};
use uuid::Uuid;

/// By what an entity of which kind is known. The number is what processes tell each other: it never changes, and one
/// that is gone is never given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(clippy::enum_variant_names, reason = "users are the first kind, not the only one")]
pub(super) enum Space {
    UserId = 1,
    UserEmail = 2,
    UserUsername = 3,
}

impl Space {
    /// In names of Redis keys: kind, version of the format, what it is known by.
    const fn name(self) -> &'static str {
        match self {
            Self::UserId => "user:v1:id",
            Self::UserEmail => "user:v1:email",
            Self::UserUsername => "user:v1:username",
        }
    }
}

/// What an entity is known by within its tenant. Small and without any text, so that looking something up in the
/// process allocates nothing; and without personal data, so that it may be told to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) space: Space,
    pub(super) tenant: TenantId,
    /// An id, or the digest of a text.
    what: u128,
}

impl Key {
    pub(super) fn user_id(tenant: TenantId, id: UserId) -> Self {
        Self { space: Space::UserId, tenant, what: id.get().as_u128() }
    }

    /// By an address in normal form.
    pub(super) fn user_email(tenant: TenantId, email: &str) -> Self {
        Self::digested(Space::UserEmail, tenant, email)
    }

    /// By a folded user name.
    pub(super) fn user_username(tenant: TenantId, username: &str) -> Self {
        Self::digested(Space::UserUsername, tenant, username)
    }

    /// Names of Redis keys turn up where nobody looks for personal data: in slow logs, monitors, memory reports. The
    /// tenant is in the digest, so equal addresses of two tenants look different.
    fn digested(space: Space, tenant: TenantId, text: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(tenant.get().as_bytes()).update(space.name().as_bytes()).update(&[0]).update(text.as_bytes());
        let mut what = [0; 16];
        hasher.finalize_xof().fill(&mut what);
        Self { space, tenant, what: u128::from_be_bytes(what) }
    }

    /// As processes tell each other.
    pub(super) fn to_parts(self) -> (u8, u128, u128) {
        (self.space as u8, self.tenant.get().as_u128(), self.what)
    }
}

/// The name of the key in Redis.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = Uuid::from_u128(self.what);
        write!(f, "muster:{}:{}:", self.tenant, self.space.name())?;
        match self.space {
            Space::UserId => what.fmt(f),
            Space::UserEmail | Space::UserUsername => what.simple().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_documented_and_hold_no_personal_data() {
        let tenant = TenantId::new(Uuid::from_u128(1));
        let id = Key::user_id(tenant, UserId::new(Uuid::from_u128(2)));
        assert_eq!(
            id.to_string(),
            "muster:00000000-0000-0000-0000-000000000001:user:v1:id:00000000-0000-0000-0000-000000000002"
        );
        let (email, username) = (Key::user_email(tenant, "ada@x.com"), Key::user_username(tenant, "ada@x.com"));
        assert!(email.to_string().starts_with("muster:00000000-0000-0000-0000-000000000001:user:v1:email:"));
        assert!(!email.to_string().contains("ada"));
        assert_ne!(email.what, username.what);
        assert_ne!(email.what, Key::user_email(TenantId::new(Uuid::from_u128(3)), "ada@x.com").what);
        assert_eq!(email, Key::user_email(tenant, "ada@x.com"));
    }
}
