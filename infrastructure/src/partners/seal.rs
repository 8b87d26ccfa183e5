use std::fmt;

use muster_application::ports::{SealError, SecretOwner, SecretSealer};
use muster_domain::partners::{PartnerSecret, SealedSecret};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// The first byte of what is sealed: says how, so that there can be another way one day.
const VERSION: u8 = 1;

/// A key of 256 bits. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SealingKey([u8; Self::BYTES]);

impl SealingKey {
    /// How long it is.
    pub const BYTES: usize = 32;

    /// Wraps bytes that nobody can guess.
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// AES-256-GCM with a fresh nonce each time, bound to tenant and client: what was sealed for somebody else, or moved from
/// one line of the database to another one, does not open.
pub struct AesSealer {
    current: LessSafeKey,
    former: Option<LessSafeKey>,
}

impl AesSealer {
    /// Seals with `current`, and opens with `former` as well.
    ///
    /// # Errors
    /// Never: every 256 bits are a key.
    pub fn new(current: &SealingKey, former: Option<&SealingKey>) -> Result<Self, SealError> {
        Ok(Self { current: aead(current)?, former: former.map(aead).transpose()? })
    }
}

fn aead(key: &SealingKey) -> Result<LessSafeKey, SealError> {
    let unbound = UnboundKey::new(&AES_256_GCM, &key.0).map_err(|_| SealError("sealed with this key"))?;
    Ok(LessSafeKey::new(unbound))
}

fn owner_bytes(owner: SecretOwner) -> [u8; 33] {
    let mut bytes = [VERSION; 33];
    let ids = owner.tenant.get().into_bytes().into_iter().chain(owner.client.get().into_bytes());
    bytes.iter_mut().skip(1).zip(ids).for_each(|(byte, of_id)| *byte = of_id);
    bytes
}

impl SecretSealer for AesSealer {
    fn seal(&self, owner: SecretOwner, secret: &PartnerSecret) -> Result<SealedSecret, SealError> {
        let failed = SealError("sealed");
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| failed)?;
        let mut data = secret.expose().as_bytes().to_vec();
        let (aad, once) = (Aad::from(owner_bytes(owner)), Nonce::assume_unique_for_key(nonce));
        self.current.seal_in_place_append_tag(once, aad, &mut data).map_err(|_| failed)?;
        Ok(SealedSecret([&[VERSION], nonce.as_slice(), &data].concat()))
    }

    fn open(&self, owner: SecretOwner, sealed: &SealedSecret) -> Result<PartnerSecret, SealError> {
        let failed = SealError("opened");
        let (version, rest) = sealed.0.split_first().ok_or(failed)?;
        let (nonce, data) = rest.split_first_chunk::<NONCE_LEN>().ok_or(failed)?;
        if *version != VERSION {
            return Err(failed);
        }
        let open = |key: &LessSafeKey| {
            let mut data = data.to_vec();
            let (aad, once) = (Aad::from(owner_bytes(owner)), Nonce::assume_unique_for_key(*nonce));
            let text = key.open_in_place(once, aad, &mut data).ok()?;
            String::from_utf8(text.to_vec()).ok()
        };
        let text = open(&self.current).or_else(|| open(self.former.as_ref()?));
        text.map(PartnerSecret::stored).ok_or(failed)
    }
}

#[cfg(test)]
mod tests {
    use muster_domain::{PartnerClientId, TenantId};
    use uuid::Uuid;

    use super::*;

    fn owner(tenant: u128, client: u128) -> SecretOwner {
        SecretOwner {
            tenant: TenantId::new(Uuid::from_u128(tenant)),
            client: PartnerClientId::new(Uuid::from_u128(client)),
        }
    }

    fn sealer(current: u8, former: Option<u8>) -> AesSealer {
        let key = |byte| SealingKey::new([byte; SealingKey::BYTES]);
        AesSealer::new(&key(current), former.map(key).as_ref()).unwrap()
    }

    #[test]
    fn only_the_key_opens_what_was_sealed_and_only_for_its_owner() {
        let secret = PartnerSecret::new([3; PartnerSecret::BYTES]);
        let sealed = sealer(1, None).seal(owner(1, 2), &secret).unwrap();
        assert_eq!(sealer(1, None).open(owner(1, 2), &sealed), Ok(secret.clone()));
        assert_eq!(sealer(9, Some(1)).open(owner(1, 2), &sealed), Ok(secret.clone()), "after a rotation of the key");
        let failed = Err(SealError("opened"));
        assert_eq!(sealer(9, None).open(owner(1, 2), &sealed), failed);
        for other in [owner(2, 2), owner(1, 1), owner(2, 1)] {
            assert_eq!(sealer(1, None).open(other, &sealed), failed);
        }
        for place in 0..sealed.0.len() {
            let mut damaged = sealed.clone();
            damaged.0[place] ^= 1;
            assert_eq!(sealer(1, None).open(owner(1, 2), &damaged), failed, "byte {place}");
            let cut = SealedSecret(sealed.0[..place].to_vec());
            assert_eq!(sealer(1, None).open(owner(1, 2), &cut), failed, "cut at {place}");
        }
        let clear = secret.expose().as_bytes();
        assert!(!sealed.0.windows(8).any(|some| clear.windows(8).any(|of_clear| some == of_clear)));
        assert_ne!(sealed, sealer(1, None).seal(owner(1, 2), &secret).unwrap(), "a nonce was used twice");
    }
}
