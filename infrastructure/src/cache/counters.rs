use std::sync::atomic::{AtomicU64, Ordering};

/// Name of the metric for [`Counters::hits`]; what is scraped ends in `_total`.
pub const HITS: &str = "cache_hits";
/// Name of the metric for [`Counters::misses`].
pub const MISSES: &str = "cache_misses";
/// Name of the metric for [`Counters::errors`].
pub const READ_ERRORS: &str = "cache_errors";

/// How the cache does, since the process began.
#[derive(Debug, Default)]
pub struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    errors: AtomicU64,
}

impl Counters {
    /// Look-ups that were answered without the database.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Look-ups that went to the database.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    /// Calls of Redis that failed, and values of Redis that were not ours.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Hits among all look-ups, from 0 to 1; 0 when there was none.
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than the 53 bits that are exact")]
    pub fn ratio(&self) -> f64 {
        let (hits, misses) = (self.hits() as f64, self.misses() as f64);
        if hits + misses > 0.0 { hits / (hits + misses) } else { 0.0 }
    }

    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_hits() {
        let counters = Counters::default();
        assert!(counters.ratio().abs() < f64::EPSILON);
        counters.hits.store(3 << 21, Ordering::Relaxed);
        counters.misses.store(1 << 21, Ordering::Relaxed);
        assert!((counters.ratio() - 0.75).abs() < f64::EPSILON);
    }
}
