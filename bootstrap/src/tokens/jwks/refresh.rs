use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::known::{Current, Known};
use super::fetch::{Loaded, load};
use super::{Jwks, JwksError};

/// Shortest time between two fetches that tokens with unknown keys bring about. Longer than a fetch may take, so that
/// forged key names cause one request in this time, and no two at once.
const PAUSE: Duration = Duration::from_secs(10);
/// After a fetch that failed, the next one does not wait for the whole interval.
const TRY_AGAIN: Duration = Duration::from_secs(15);

/// What became of the fetches until now.
#[derive(Default)]
pub(super) struct Attempts {
    last: Option<Instant>,
    /// Of the set that is in use.
    digest: Option<blake3::Hash>,
    /// Why the last one failed, if it did: said once, not every time.
    failing: Option<JwksError>,
}

impl Attempts {
    pub(super) fn after(digest: blake3::Hash) -> Self {
        Self { digest: Some(digest), ..Self::default() }
    }
}

impl Jwks {
    /// Fetches the keys at once and then in every interval.
    pub(in crate::tokens) async fn keep_fresh(&self, current: &Current) {
        loop {
            let failing = {
                let mut attempts = self.attempts.lock().await;
                self.refresh(&mut attempts, current).await;
                attempts.failing.is_some()
            };
            sleep(if failing { self.config.refresh.min(TRY_AGAIN) } else { self.config.refresh }).await;
        }
    }

    /// The keys after a fetch, for a token whose key is not among those that were seen. None when nothing is new.
    pub(in crate::tokens) async fn newer_than(&self, current: &Current, seen: &Arc<Known>) -> Option<Arc<Known>> {
        let newer = || Some(current.get()).filter(|now| !Arc::ptr_eq(now, seen));
        let mut attempts = self.attempts.lock().await;
        // Whoever waited here most often finds what another request has fetched.
        if let Some(found) = newer() {
            return Some(found);
        }
        if attempts.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return None;
        }
        self.refresh(&mut attempts, current).await;
        newer()
    }

    /// A fetch that fails leaves everything as it was.
    async fn refresh(&self, attempts: &mut Attempts, current: &Current) {
        // Before the fetch: a client that goes away ends the wait, and the fetch must count all the same.
        attempts.last = Some(Instant::now());
        let config = self.config.clone();
        let loaded = tokio::task::spawn_blocking(move || load(&config)).await.unwrap_or(Err(JwksError::Broken));
        match loaded {
            Ok(loaded) => self.accept(loaded, attempts, current),
            Err(why) => self.endure(why, attempts, current),
        }
    }

    fn accept(&self, loaded: Loaded, attempts: &mut Attempts, current: &Current) {
        let setting = self.config.source.setting();
        let recovered = attempts.failing.take().is_some();
        if attempts.digest == Some(loaded.digest) {
            if recovered {
                tracing::info!("{setting}: the keys can be read again; they are the same");
            }
            return;
        }
        let count = loaded.keys.len();
        if count == 0 {
            // Taken at its word: an issuer may have withdrawn every key.
            tracing::warn!("{setting}: {}; tokens of this issuer are refused", JwksError::NoUsableKey);
        } else {
            tracing::info!(keys = count, "{setting}: new keys");
        }
        attempts.digest = Some(loaded.digest);
        current.replace(loaded.keys);
    }

    fn endure(&self, why: JwksError, attempts: &mut Attempts, current: &Current) {
        if attempts.failing.replace(why) == Some(why) {
            return;
        }
        let setting = self.config.source.setting();
        let count = current.get().keys.len();
        if count == 0 {
            tracing::warn!("{setting}: no keys: {why}; tokens of this issuer are refused until there are some");
        } else {
            tracing::warn!(keys = count, "{setting}: no new keys: {why}; the last ones stay");
        }
    }
}
