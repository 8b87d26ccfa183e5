use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache as Moka;
use muster_domain::RepositoryError;

use super::entity::Cached;
use super::invalidate::Cache;
use super::key::Key;
use super::{ABSENT_TTL, LOCAL_TTL};

/// Most entities of a kind that are kept in the process.
const MOST: u64 = 50_000;
/// Most keys of which it is remembered that there is nothing.
const MOST_ABSENT: u64 = 10_000;

/// Where an entity is kept: its key, and how often that had been written when the look-up began.
type Place = (Key, u64);

/// Look-ups of one kind of entity, cached.
pub(super) struct Lookups<E> {
    cache: Cache,
    found: Moka<Place, Arc<Found<E>>>,
    /// With how often something had been made in the tenant.
    absent: Moka<(Place, u64), ()>,
}

struct Found<E> {
    entity: E,
    /// Before Redis or the database was asked.
    began: Instant,
}

/// Kept for so long since it was asked for, not since it arrived.
struct SinceAsked(Duration);

impl<E> Expiry<Place, Arc<Found<E>>> for SinceAsked {
    fn expire_after_create(&self, _: &Place, found: &Arc<Found<E>>, created: Instant) -> Option<Duration> {
        Some(self.0.saturating_sub(created.saturating_duration_since(found.began)))
    }
}

/// Why a load gave no entity; told to all who waited for it, kept for nobody.
enum Miss {
    Absent { made: u64, began: Instant },
    Failed(Arc<RepositoryError>),
}

impl<E: Cached> Lookups<E> {
    /// Knows nothing yet; keeps entities for `LOCAL_TTL`, or for `ttl` if that is shorter.
    pub(super) fn new(cache: Cache, ttl: Duration) -> Self {
        let found = Moka::builder().max_capacity(MOST).expire_after(SinceAsked(LOCAL_TTL.min(ttl))).build();
        let absent = Moka::builder().max_capacity(MOST_ABSENT).time_to_live(ABSENT_TTL.min(ttl)).build();
        Self { cache, found, absent }
    }

    /// What is known under a key; asked of `load` by one of those who want to know at the same time.
    pub(super) async fn get<F>(&self, key: Key, load: impl Fn() -> F) -> Result<Option<E>, RepositoryError>
    where
        E: Clone,
        F: Future<Output = Result<Option<E>, RepositoryError>>,
    {
        let counters = self.cache.counters();
        let place = (key, self.cache.writes().of(key));
        if let Some(found) = self.found.get(&place).await {
            counters.hit();
            return Ok(Some(found.entity.clone()));
        }
        let asked = Instant::now();
        // Whether a load that somebody else began is young enough for us.
        let is_fresh = |began| asked.saturating_duration_since(began) < LOCAL_TTL;
        loop {
            let place = (key, self.cache.writes().of(key));
            let made = self.cache.writes().made(key.tenant.get().as_u128());
            if self.absent.contains_key(&(place, made)) {
                counters.hit();
                return Ok(None);
            }
            let loads = AtomicBool::new(false);
            let load = async {
                loads.store(true, Ordering::Relaxed);
                self.load(place, made, &load).await
            };
            let outcome = self.found.try_get_with(place, load).await;
            if !loads.load(Ordering::Relaxed) {
                counters.hit();
            }
            match outcome {
                Ok(found) if is_fresh(found.began) => return Ok(Some(found.entity.clone())),
                Ok(_) => {}
                Err(miss) => match &*miss {
                    Miss::Absent { made: then, began } if *then >= made && is_fresh(*began) => return Ok(None),
                    // It was looked for before it may have been made; we came after that.
                    Miss::Absent { .. } => {}
                    Miss::Failed(error) => return Err(of_all(error)),
                },
            }
        }
    }

    async fn load<F>(&self, place: Place, made: u64, load: impl Fn() -> F) -> Result<Arc<Found<E>>, Miss>
    where
        F: Future<Output = Result<Option<E>, RepositoryError>>,
    {
        let (key, counters) = (place.0, self.cache.counters());
        let mut began = Instant::now();
        let mut seen = None;
        if let Some(shared) = self.cache.shared()
            && let Some((encoded, before)) = shared.read(key).await
        {
            if let Some(encoded) = encoded {
                if let Some(entity) = E::decode(&encoded).filter(|entity| entity.is_known_by(key)) {
                    counters.hit();
                    return Ok(Arc::new(Found { entity, began }));
                }
                shared.refuse(&before);
            }
            seen = Some((shared, before));
            began = Instant::now();
        }
        counters.miss();
        match load().await {
            Ok(Some(entity)) => {
                if let Some((shared, before)) = seen
                    && let Some(encoded) = entity.encode()
                {
                    shared.store(before, &encoded).await;
                }
                Ok(Arc::new(Found { entity, began }))
            }
            Ok(None) => {
                if began.elapsed() < ABSENT_TTL {
                    self.absent.insert((place, made), ()).await;
                }
                Err(Miss::Absent { made, began })
            }
            Err(error) => Err(Miss::Failed(Arc::new(error))),
        }
    }
}

/// An error for each of those who waited.
fn of_all(error: &Arc<RepositoryError>) -> RepositoryError {
    match &**error {
        RepositoryError::Conflict { field } => RepositoryError::Conflict { field },
        RepositoryError::Unavailable(_) => RepositoryError::Unavailable(Box::new(OfAll(Arc::clone(error)))),
        RepositoryError::Internal(_) => RepositoryError::Internal(Box::new(OfAll(Arc::clone(error)))),
    }
}

/// The source of an error that several got.
#[derive(Debug)]
struct OfAll(Arc<RepositoryError>);

impl fmt::Display for OfAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::error::Error::source(&*self.0) {
            Some(source) => fmt::Display::fmt(source, f),
            None => fmt::Display::fmt(&*self.0, f),
        }
    }
}

impl std::error::Error for OfAll {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0).and_then(std::error::Error::source)
    }
}
