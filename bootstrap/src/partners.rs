//! The key by which secrets of partners are sealed, and what the command line does with partners.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use muster_application::ports::{IdSource as _, SecretSealer};
use muster_infrastructure::TimeOrderedIds;
use muster_infrastructure::check::Finding;
use muster_infrastructure::partners::{AesSealer, SealingKey};

pub use muster_application::partners::{AddPartner, PartnerWithSecret};
pub use muster_application::{App, Context};
pub use muster_domain::Networks;
pub use muster_domain::partners::{ClientName, PartnerClient};

use crate::config::{AppEnv, Config, PartnerConfig, sealing_key};
use crate::lifecycle::one_line;
use crate::tokens::place;
use crate::wire::Role;

/// Where the development key is kept.
const DEV_KEY: &str = ".dev/partner.key";
const NAME: &str = "partner key";

/// What seals secrets. None where there is no key: in production, where somebody must have made one, and in a worker, which
/// has no use for them.
pub(crate) fn sealer(config: &Config, role: Role) -> anyhow::Result<Option<Arc<dyn SecretSealer>>> {
    let PartnerConfig { key, key_path, previous_key } = &config.partners;
    let key = match (key, key_path, config.app_env) {
        _ if role == Role::Worker => return Ok(None),
        (Some(key), ..) => key.clone(),
        (None, path, AppEnv::Development) => dev_key(path.as_deref().unwrap_or(Path::new(DEV_KEY)))?,
        (None, Some(path), AppEnv::Production) => read_key(path)?,
        (None, None, AppEnv::Production) => {
            if role == Role::Api {
                tracing::warn!("the partner API is switched off: PARTNER_SECRET_KEY is not set");
            }
            return Ok(None);
        }
    };
    Ok(Some(Arc::new(AesSealer::new(&key, previous_key.as_ref())?)))
}

/// Looks at the key; makes none.
pub(crate) fn check(config: &Config) -> Finding {
    let PartnerConfig { key, key_path, .. } = &config.partners;
    let path = key_path.as_deref().unwrap_or(Path::new(DEV_KEY));
    if key.is_none() && config.app_env == AppEnv::Development && !path.exists() {
        return Finding::good(NAME, format!("{} is made when it is needed first (development)", path.display()));
    }
    match sealer(config, Role::Command) {
        Ok(Some(_)) => Finding::good(NAME, "secrets of partners can be sealed"),
        Ok(None) => Finding::skipped(NAME, "PARTNER_SECRET_KEY is not set: the partner API answers 503"),
        Err(error) => {
            let mend = "`openssl rand -base64 32` makes a key: set PARTNER_SECRET_KEY, or name its file in \
                        PARTNER_SECRET_KEY_PATH. With another key than before, secrets of partners cannot be opened";
            Finding::bad(NAME, one_line(&error), mend)
        }
    }
}

/// Of processes that start at once one makes the key, and all use it.
fn dev_key(path: &Path) -> anyhow::Result<SealingKey> {
    if !path.exists() {
        let secret = TimeOrderedIds.webhook_secret();
        place(path, &STANDARD.encode(secret.expose()))
            .with_context(|| format!("the development key {} cannot be made", path.display()))?;
    }
    read_key(path)
}

fn read_key(path: &Path) -> anyhow::Result<SealingKey> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("PARTNER_SECRET_KEY_PATH={}: the key file cannot be read", path.display()))?;
    sealing_key(&text).with_context(|| format!("{} must have the base64 of 32 bytes", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_development_key_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/partner.key");
        let key = dev_key(&path).unwrap();
        assert_eq!(dev_key(&path).unwrap(), key);
        assert_ne!(dev_key(&dir.path().join("other.key")).unwrap(), key);
        fs::write(&path, "short").unwrap();
        assert!(dev_key(&path).unwrap_err().to_string().contains("32 bytes"));
    }
}
