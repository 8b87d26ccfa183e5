use bytes::Bytes;
use chrono::{DateTime, Utc};
use muster_domain::operations::BlockPayload;
use muster_domain::users::UserFilter;
use serde::{Deserialize, Serialize};

use crate::AppError;
use crate::imports::{decode_block, pack};

/// Whom an export means, as its block keeps it.
#[derive(Serialize, Deserialize)]
#[serde(remote = "UserFilter")]
struct PackedFilter {
    #[serde(default)]
    deleted: bool,
    email: Option<String>,
    username: Option<String>,
    full_name: Option<String>,
    email_exact: Option<String>,
    username_exact: Option<String>,
    is_active: Option<bool>,
    created_after: Option<DateTime<Utc>>,
    created_before: Option<DateTime<Utc>>,
    updated_after: Option<DateTime<Utc>>,
    updated_before: Option<DateTime<Utc>>,
    deleted_before: Option<DateTime<Utc>>,
}

/// The one block of an export: without rows, and with whom it means.
pub(super) fn block_of(filter: &UserFilter) -> Result<BlockPayload, AppError> {
    let mut json = Vec::new();
    PackedFilter::serialize(filter, &mut serde_json::Serializer::new(&mut json)).map_err(AppError::internal)?;
    Ok(BlockPayload { number: 0, first_row: 1, rows: 0, data: Bytes::from(pack(&json)?) })
}

/// The opposite of [`block_of`].
pub(super) fn filter_of(payload: &BlockPayload) -> Result<UserFilter, AppError> {
    let json = decode_block(payload)?;
    PackedFilter::deserialize(&mut serde_json::Deserializer::from_slice(&json)).map_err(AppError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_it_means_is_read_back() {
        let at = DateTime::from_timestamp(1_790_000_000, 123_456_000);
        let filter = UserFilter {
            email: Some("@Ö.example".to_owned()),
            is_active: Some(false),
            created_before: at,
            ..UserFilter::living()
        };
        for filter in [filter, UserFilter::living(), UserFilter::deleted()] {
            let block = block_of(&filter).unwrap();
            assert_eq!((block.rows, block.last_row()), (0, 0));
            assert_eq!(filter_of(&block).unwrap(), filter);
        }
    }
}
