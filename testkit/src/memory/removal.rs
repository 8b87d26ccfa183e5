use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use muster_domain::OperationId;

use super::TenantState;

impl TenantState {
    pub(super) fn remove_upload(&mut self, id: OperationId, at_most: u32, now: DateTime<Utc>) -> u32 {
        let Some(stored) = self.operations.get_mut(&id).filter(|stored| stored.finished_at.is_some()) else { return 0 };
        let mut removed = 0;
        for (_, block) in self.blocks.range_mut((id, 0)..=(id, u32::MAX)) {
            if block.payload.data.is_empty() {
                continue;
            }
            if removed == at_most {
                return removed;
            }
            block.payload.data = Bytes::new();
            removed += 1;
        }
        stored.upload_removed_at.get_or_insert(now);
        removed
    }

    pub(super) fn remove_results(&mut self, id: OperationId, at_most: u32) -> u32 {
        if self.operations.get(&id).is_none_or(|stored| stored.finished_at.is_none()) {
            return 0;
        }
        let rows = Arc::make_mut(&mut self.rows);
        let reported: Vec<_> = rows.range((id, 0)..=(id, u32::MAX)).map(|(key, _)| *key).collect();
        let mut removed = 0;
        for key in &reported {
            if removed == at_most {
                return removed;
            }
            rows.remove(key);
            removed += 1;
        }
        self.remove_operation(id);
        removed
    }
}
