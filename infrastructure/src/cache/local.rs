use std::sync::atomic::{AtomicU64, Ordering};

use super::key::Key;

/// Counts of writes, shared by the keys that fall on the same one: a write makes this process forget one in so many
/// of what it knows, besides what it means.
const KEYS: usize = 1 << 16;
/// The same for tenants.
const TENANTS: usize = 1 << 10;
/// 2^128 divided by the golden ratio: spreads ids that differ little.
const SPREAD: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;

/// How often what this process knows was made out of date. A count goes into what a value is kept under: what was
/// read before a write is out of reach after it, even if it arrives later.
#[derive(Debug)]
pub(super) struct Writes {
    all: AtomicU64,
    keys: Box<[AtomicU64]>,
    tenants: Box<[AtomicU64]>,
}

impl Default for Writes {
    fn default() -> Self {
        let zeros = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self { all: AtomicU64::new(0), keys: zeros(KEYS), tenants: zeros(TENANTS) }
    }
}

impl Writes {
    /// How often this key was written. Both counts only rise, so their sum never comes back to what it was.
    pub(super) fn of(&self, key: Key) -> u64 {
        let (space, tenant, what) = key.to_parts();
        let all = self.all.load(Ordering::Acquire);
        all + self.key(space, tenant, what).map_or(0, |count| count.load(Ordering::Acquire))
    }

    /// How often something was made in this tenant that is not told by key.
    pub(super) fn made(&self, tenant: u128) -> u64 {
        self.tenant(tenant).map_or(0, |count| count.load(Ordering::Acquire))
    }

    /// What is known by this key is out of date.
    pub(super) fn forget(&self, (space, tenant, what): (u8, u128, u128)) {
        if let Some(count) = self.key(space, tenant, what) {
            count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// What was not there in this tenant may be there now.
    pub(super) fn forget_absent(&self, tenant: u128) {
        if let Some(count) = self.tenant(tenant) {
            count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// All that is known is out of date.
    pub(super) fn forget_all(&self) {
        self.all.fetch_add(1, Ordering::AcqRel);
    }

    fn key(&self, space: u8, tenant: u128, what: u128) -> Option<&AtomicU64> {
        pick(&self.keys, tenant.rotate_left(u32::from(space)) ^ what)
    }

    fn tenant(&self, tenant: u128) -> Option<&AtomicU64> {
        pick(&self.tenants, tenant)
    }
}

fn pick(counts: &[AtomicU64], number: u128) -> Option<&AtomicU64> {
    // The upper half of a product depends on all bits; the counts are a power of two.
    let spread = usize::try_from(number.wrapping_mul(SPREAD) >> 96).unwrap_or_default();
    counts.get(spread & (counts.len() - 1))
}

#[cfg(test)]
mod tests {
    use muster_domain::{TenantId, UserId};
    use uuid::Uuid;

    use super::*;

    fn key(id: u128) -> Key {
        Key::user_id(TenantId::new(Uuid::from_u128(7)), UserId::new(Uuid::from_u128(id)))
    }

    #[test]
    fn a_write_is_counted_for_its_key_and_hardly_any_other() {
        let writes = Writes::default();
        writes.forget(key(1).to_parts());
        assert_eq!(writes.of(key(1)), 1);
        let others = (2..10_000).filter(|id| writes.of(key(*id)) > 0).count();
        assert!(others < 10, "{others} others were forgotten");
        writes.forget_all();
        assert_eq!((writes.of(key(1)), writes.of(key(2))), (2, 1));
    }
}
