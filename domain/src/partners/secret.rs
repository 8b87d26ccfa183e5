use std::fmt;

/// What a partner signs requests with: the text as it was shown once, whose bytes are the key. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PartnerSecret(String);

impl PartnerSecret {
    /// How many bytes of chance it is made of: as much as the hash it is used with gives.
    pub const BYTES: usize = 32;
    /// What secrets begin with, so that they are recognised where they should not be.
    const PREFIX: &str = "mps_";

    /// Of bytes that nobody can guess.
    pub fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes.iter().fold(Self::PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}")))
    }

    /// As it was stored.
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text, to sign with, to seal, and to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PartnerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartnerSecret(…)")
    }
}

/// A secret as it lies in storage, which can only be opened with the key of the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret(pub Vec<u8>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_text_and_is_not_shown_by_accident() {
        let secret = PartnerSecret::new([0xa7; PartnerSecret::BYTES]);
        assert_eq!(secret.expose(), format!("mps_{}", "a7".repeat(32)));
        assert_eq!(format!("{secret:?}"), "PartnerSecret(…)");
        assert_eq!(PartnerSecret::stored(secret.expose().to_owned()), secret);
    }
}
