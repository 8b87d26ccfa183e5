use super::key::Key;

/// What can be cached: an entity that is read by keys.
pub(super) trait Cached: Send + Sync + Sized + 'static {
    /// For Redis. Another format needs another version in the names of the keys ([`super::key::Space`]): processes of
    /// two releases share one Redis while one replaces the other.
    fn encode(&self) -> Option<Vec<u8>>;

    /// What [`Cached::encode`] wrote; none for anything else.
    fn decode(bytes: &[u8]) -> Option<Self>;

    /// Whether it is found under this key.
    fn is_known_by(&self, key: Key) -> bool;
}
