use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use muster_infrastructure::partners::SealingKey;

use super::read::Reader;

/// How secrets of partners are kept.
#[derive(Debug, Clone, Default)]
pub struct PartnerConfig {
    /// `PARTNER_SECRET_KEY`: base64 of 32 bytes.
    pub key: Option<SealingKey>,
    /// `PARTNER_SECRET_KEY_PATH`: a file with the same; made in development when it is missing.
    pub key_path: Option<PathBuf>,
    /// `PARTNER_SECRET_KEY_PREVIOUS`: what was sealed with it can still be opened.
    pub previous_key: Option<SealingKey>,
}

pub(super) fn read(env: &mut Reader) -> PartnerConfig {
    let mut key = |name: &str| {
        let right = "the base64 of 32 random bytes, such as `openssl rand -base64 32` prints";
        env.choice(name, right, None, |text| sealing_key(text).map(Some))
    };
    let (current, previous_key) = (key("PARTNER_SECRET_KEY"), key("PARTNER_SECRET_KEY_PREVIOUS"));
    let key_path: Option<PathBuf> = env.text("PARTNER_SECRET_KEY_PATH").map(Into::into);
    if current.is_none() && key_path.is_none() && previous_key.is_some() {
        env.problem("PARTNER_SECRET_KEY_PREVIOUS without PARTNER_SECRET_KEY: nothing could be sealed");
    }
    PartnerConfig { key: current, key_path, previous_key }
}

/// Reads the base64 of a key.
pub(crate) fn sealing_key(text: &str) -> Option<SealingKey> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    bytes.try_into().ok().map(SealingKey::new)
}
