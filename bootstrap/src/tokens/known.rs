use std::sync::{Arc, PoisonError, RwLock};

use moka::sync::Cache;

use super::claims::Claims;
use super::jwks::KeySet;

/// How many genuine tokens are remembered, at about 200 bytes each.
const REMEMBERED: u64 = 10_000;

/// The keys of the other issuer, and the tokens that were found to be genuine with them or with the configured key.
///
/// They come and go together: with new keys everything is checked anew, and a check that began with the old keys
/// cannot leave its verdict to the new ones.
pub(super) struct Known {
    pub(super) keys: KeySet,
    genuine: Cache<[u8; 32], Arc<Claims>>,
}

impl Known {
    fn new(keys: KeySet) -> Self {
        Self { keys, genuine: Cache::new(REMEMBERED) }
    }

    /// By the digest of the whole token, signature included.
    pub(super) fn genuine(&self, digest: &[u8; 32]) -> Option<Arc<Claims>> {
        self.genuine.get(digest)
    }

    pub(super) fn remember(&self, digest: [u8; 32], claims: Claims) {
        self.genuine.insert(digest, Arc::new(claims));
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> u64 {
        self.genuine.run_pending_tasks();
        self.genuine.entry_count()
    }
}

/// What is known now. Readers take the whole and keep it for as long as they look at one token.
pub(super) struct Current(RwLock<Arc<Known>>);

impl Current {
    pub(super) fn new(keys: KeySet) -> Self {
        Self(RwLock::new(Arc::new(Known::new(keys))))
    }

    pub(super) fn get(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn replace(&self, keys: KeySet) {
        let new = Arc::new(Known::new(keys));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = new;
    }
}
