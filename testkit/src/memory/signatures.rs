use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use muster_application::ports::SignatureCache;
use muster_domain::partners::SignatureUse;

use super::lock;

/// Remembers signatures until it is told to forget. Clones are the same memory.
#[derive(Debug, Clone, Default)]
pub struct MemorySignatures(Arc<Mutex<HashSet<[u8; 32]>>>);

impl MemorySignatures {
    /// Forgets everything, as a Redis does that was restarted.
    pub fn forget(&self) {
        lock(&self.0).clear();
    }

    /// How many it remembers.
    pub fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Whether it remembers none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[async_trait]
impl SignatureCache for MemorySignatures {
    async fn was_accepted(&self, signature: &SignatureUse) -> bool {
        lock(&self.0).contains(&signature.signature)
    }

    async fn note(&self, signature: &SignatureUse, _: Duration) {
        lock(&self.0).insert(signature.signature);
    }
}
