use std::fmt;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::SealedSecret;
use crate::{FieldError, Networks, PartnerClientId};

/// Most partners of a tenant.
pub const MAX_PARTNERS: u32 = 50;
/// Longest name, in characters.
const MAX_NAME: usize = 255;

/// By what a partner names itself: text that nobody can guess, the same for no two clients of any tenants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicClientId(String);

impl PublicClientId {
    /// How many bytes of chance it is made of.
    pub const BYTES: usize = 16;
    const PREFIX: &str = "mpc_";

    /// Of bytes that nobody can guess.
    pub fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes.iter().fold(Self::PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}")))
    }

    /// Reads one; none if it cannot be one that was ever given.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(Self::PREFIX)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        (digits.len() == 2 * Self::BYTES && digits.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What people call a client: one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName(String);

impl ClientName {
    /// Reads a name.
    ///
    /// # Errors
    /// When it is empty, too long, or not one line.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(FieldError::new("name", "missing", "must say who the partner is"));
        }
        if text.chars().count() > MAX_NAME {
            return Err(FieldError::new("name", "too_long", format!("must have at most {MAX_NAME} characters")));
        }
        if text.chars().any(char::is_control) {
            let right = "must be one line without control characters";
            return Err(FieldError::new("name", "invalid_characters", right));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The secret before the last rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerPartnerSecret {
    /// The secret.
    pub secret: SealedSecret,
    /// Until when it is accepted as well.
    pub valid_until: DateTime<Utc>,
}

/// A service that acts for a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerClient {
    /// Its identity; what histories name as the actor.
    pub id: PartnerClientId,
    /// By what it names itself.
    pub public_id: PublicClientId,
    /// For people.
    pub name: ClientName,
    /// What it signs with.
    pub secret: SealedSecret,
    /// What it signed with before.
    pub former: Option<FormerPartnerSecret>,
    /// Whether its requests are accepted.
    pub is_active: bool,
    /// From where; empty: from anywhere.
    pub allowed: Networks,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl PartnerClient {
    /// Puts a fresh secret in the place of the one before, which is accepted for a while.
    pub fn rotate(&mut self, secret: SealedSecret, keep: TimeDelta, now: DateTime<Utc>) {
        let before = std::mem::replace(&mut self.secret, secret);
        let former = FormerPartnerSecret { secret: before, valid_until: now + keep };
        self.former = (keep > TimeDelta::zero()).then_some(former);
        self.updated_at = now;
    }

    /// Accepts its requests or not; `false` if that was so already.
    pub fn set_active(&mut self, is_active: bool, now: DateTime<Utc>) -> bool {
        let moves = self.is_active != is_active;
        if moves {
            self.is_active = is_active;
            self.updated_at = now;
        }
        moves
    }

    /// Whether it may ask from here. An address that nobody knows is none that was allowed.
    pub fn allows(&self, address: Option<IpAddr>) -> bool {
        self.allowed.is_empty() || address.is_some_and(|address| self.allowed.contains(address))
    }

    /// The secrets that are accepted, the current one first.
    pub fn secrets_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = &SealedSecret> {
        let former = self.former.iter().filter(move |former| now < former.valid_until).map(|former| &former.secret);
        std::iter::once(&self.secret).chain(former)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn client(allowed: &str) -> PartnerClient {
        PartnerClient {
            id: PartnerClientId::new(Uuid::from_u128(1)),
            public_id: PublicClientId::new([1; PublicClientId::BYTES]),
            name: ClientName::parse(" Billing ").unwrap(),
            secret: SealedSecret(vec![1]),
            former: None,
            is_active: true,
            allowed: Networks::parse(allowed).unwrap_or_default(),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_former_secret_is_accepted_until_its_moment() {
        let mut client = client("");
        let now = DateTime::UNIX_EPOCH;
        let hour = TimeDelta::hours(1);
        client.rotate(SealedSecret(vec![2]), hour, now);
        let at = |client: &PartnerClient, at| client.secrets_at(at).map(|secret| secret.0.clone()).collect::<Vec<_>>();
        assert_eq!(at(&client, now + hour - TimeDelta::seconds(1)), [vec![2], vec![1]]);
        assert_eq!(at(&client, now + hour), [vec![2]]);
        client.rotate(SealedSecret(vec![3]), TimeDelta::zero(), now);
        assert_eq!(at(&client, now), [vec![3]]);
    }

    #[test]
    fn an_empty_list_allows_everybody_and_any_other_one_its_networks_only() {
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert!(client("").allows(None) && client("").allows(address("192.0.2.1")));
        let some = client("192.0.2.0/24, 2001:db8::/32");
        for inside in ["192.0.2.9", "::ffff:192.0.2.9", "2001:db8::1"] {
            assert!(some.allows(address(inside)), "{inside}");
        }
        assert!(!some.allows(address("198.51.100.1")) && !some.allows(None));
    }

    #[test]
    fn ids_and_names_are_read_back() {
        let id = PublicClientId::new([0xab; PublicClientId::BYTES]);
        assert_eq!(PublicClientId::parse(id.as_str()), Some(id.clone()));
        for wrong in ["", "mpc_", "mpc_AB", &id.as_str().to_uppercase(), &format!("{id}0"), &format!(" {id}")] {
            assert_eq!(PublicClientId::parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(ClientName::parse(" Billing ").unwrap().as_str(), "Billing");
        for (text, code) in [("", "missing"), (" ", "missing"), ("a\nb", "invalid_characters")] {
            assert_eq!(ClientName::parse(text).unwrap_err().code, code);
        }
        assert_eq!(ClientName::parse(&"x".repeat(256)).unwrap_err().code, "too_long");
    }
}
