use std::hash::Hasher;

use chrono::{DateTime, Utc};
use siphasher::sip::SipHasher24;
use uuid::Builder;

use crate::{OperationId, TenantId, UserId};

/// Width of the keyed hash at the end of an id, in bits: 74 random bits of a `UUIDv7` less 32 for the row.
const HASH_BITS: u32 = 42;

/// The user ids of an import: a function of the request, so that nobody has to store which row became which user.
///
/// An id is a `UUIDv7` whose timestamp is the operation's and whose random part is the row number (32 bits,
/// first, so that ids of one import ascend and B-trees stay fast) followed by a hash of the operation's id
/// under the tenant's id as key.
#[derive(Debug, Clone, Copy)]
pub struct RowIds {
    millis: u64,
    hash: u64,
}

impl RowIds {
    /// The ids of an operation that was created at `created_at`.
    pub fn new(tenant: TenantId, operation: OperationId, created_at: DateTime<Utc>) -> Self {
        let mut hasher = SipHasher24::new_with_key(tenant.get().as_bytes());
        hasher.write(operation.get().as_bytes());
        Self { millis: created_at.timestamp_millis().unsigned_abs(), hash: hasher.finish() >> (64 - HASH_BITS) }
    }

    /// The id of the user that row `row` (from 1) becomes.
    pub fn id(self, row: u32) -> UserId {
        // 10 bytes of "random" part; the builder overwrites 4 bits with the version and 2 with the variant,
        // so the 74 bits are laid out around these: 12 bits, then 62.
        let bits = (u128::from(row) << HASH_BITS) | u128::from(self.hash);
        let head = (bits >> 62) & 0xFFF;
        let tail = bits & ((1 << 62) - 1);
        let [.., b0, b1, b2, b3, b4, b5, b6, b7, b8, b9] = ((head << 64) | tail).to_be_bytes();
        let random = [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9];
        UserId::new(Builder::from_unix_timestamp_millis(self.millis, &random).into_uuid())
    }

    /// The moment in a user's id: that of the operation, if one made the user.
    pub fn created_at(user: UserId) -> Option<DateTime<Utc>> {
        let millis = u64::try_from(user.get().as_u128() >> 80).unwrap_or_default();
        DateTime::from_timestamp_millis(i64::try_from(millis).ok()?)
    }

    /// The row that became this user, if this operation made it.
    pub fn row(self, user: UserId) -> Option<u32> {
        let row = position(user);
        (self.id(row) == user).then_some(row)
    }

    /// The last row whose id is not after `user`, who has been found in a range of these ids but may be somebody
    /// else's: other operations of the same millisecond have their ids in between.
    pub fn rows_through(self, user: UserId) -> u32 {
        let row = position(user);
        if self.id(row) <= user { row } else { row.saturating_sub(1) }
    }
}

/// The 32 bits that are the row number, if an import made this id.
fn position(user: UserId) -> u32 {
    let bits = user.get().as_u128();
    let random = (((bits >> 64) & 0xFFF) << 62) | (bits & ((1 << 62) - 1));
    u32::try_from(random >> HASH_BITS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ids(operation: u128) -> RowIds {
        let at = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        RowIds::new(TenantId::new(Uuid::from_u128(7)), OperationId::new(Uuid::from_u128(operation)), at)
    }

    #[test]
    fn ids_ascend_with_the_row_and_give_it_back() {
        let ids = ids(1);
        let rows = [0, 1, 2, 4_095, 4_096, 65_536, 999_999, 1 << 20, 5_000_000, u32::MAX];
        for pair in rows.windows(2) {
            assert!(ids.id(pair[0]) < ids.id(pair[1]), "{pair:?}");
        }
        for row in rows {
            assert_eq!(ids.row(ids.id(row)), Some(row));
            assert_eq!(ids.id(row).get().get_version_num(), 7);
        }
    }

    #[test]
    fn the_moment_of_the_operation_can_be_read_from_an_id() {
        let at = DateTime::from_timestamp_millis(1_790_000_000_123);
        assert_eq!(RowIds::created_at(ids(1).id(7)), at);
    }

    #[test]
    fn ids_of_other_operations_are_foreign() {
        assert_eq!(ids(1).row(ids(2).id(5)), None);
        assert_ne!(ids(1).id(5), ids(2).id(5));
    }

    #[test]
    fn ids_of_the_same_millisecond_are_told_apart_by_the_last_row_before_them() {
        let (a, b) = (ids(1), ids(2));
        for row in [1, 4_095, 4_096, 999_999] {
            assert_eq!(a.rows_through(a.id(row)), row);
            let foreign = b.id(row);
            let through = a.rows_through(foreign);
            assert!(a.id(through) <= foreign && foreign < a.id(through + 1), "{row}");
        }
    }

    #[test]
    fn the_layout_never_changes() {
        assert_eq!(ids(1).id(1_000_000).to_string(), "01a0c450-6c7b-7000-bd09-030c6a2791c8");
    }
}
