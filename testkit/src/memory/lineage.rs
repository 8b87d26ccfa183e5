//! Operations that go on from others: undo, plan and apply, retry.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use muster_domain::operations::{BlockPayload, Parent, PlanDigest, Relation, Retried, RetriedRow, RowStatus, Usage};
use muster_domain::{OperationId, RepositoryError};

use super::unit::defect;
use super::{StoredBlock, TenantState};

impl StoredBlock {
    pub(super) const fn new(payload: BlockPayload, expected: Option<PlanDigest>) -> Self {
        Self { payload, outcome: None, digest: None, expected, settled_at: None, attempt: 0, exported: 0 }
    }
}

impl TenantState {
    pub(super) fn latest_child(&self, parent: Parent) -> Option<OperationId> {
        let children = self.operations.iter().filter(|(_, stored)| stored.parent == Some(parent));
        children.max_by_key(|(id, stored)| (stored.created_at, **id)).map(|(id, _)| *id)
    }

    pub(super) fn taken_back(&self, id: OperationId, undo: OperationId, first: u32, last: u32) -> Vec<u32> {
        let parent = Some(Parent { id, relation: Relation::Undo });
        let others = self.operations.iter().filter(|(other, stored)| stored.parent == parent && **other != undo);
        let rows = others.flat_map(|(other, _)| self.rows.range((*other, first)..=(*other, last)));
        let done =
            rows.filter(|(_, row)| matches!(row.status, RowStatus::Updated | RowStatus::Deleted | RowStatus::Restored));
        let numbers: BTreeSet<u32> = done.map(|((_, number), _)| *number).collect();
        numbers.into_iter().collect()
    }

    fn blocks_of(&self, id: OperationId) -> impl Iterator<Item = &StoredBlock> {
        self.blocks.range((id, 0)..=(id, u32::MAX)).map(|(_, block)| block)
    }

    pub(super) fn copy_plan(&mut self, id: OperationId, plan: OperationId) -> (u32, u32) {
        let planned: Vec<_> = self.blocks_of(plan).cloned().collect();
        let is_whole = |block: &StoredBlock| block.digest.is_some() && !block.payload.data.is_empty();
        if !planned.iter().all(is_whole) {
            return (0, 0);
        }
        let (mut rows, mut blocks) = (0, 0);
        for StoredBlock { payload, digest, .. } in planned {
            rows += payload.rows;
            blocks += 1;
            self.blocks.insert((id, payload.number), StoredBlock::new(payload, digest));
        }
        (rows, blocks)
    }

    pub(super) fn store_digest(
        &mut self,
        id: OperationId,
        number: u32,
        digest: PlanDigest,
    ) -> Result<(), RepositoryError> {
        let block = self.blocks.get_mut(&(id, number)).filter(|block| block.outcome.is_none());
        block.ok_or_else(|| defect("a block that does not exist or is done"))?.digest = Some(digest);
        Ok(())
    }

    pub(super) fn digests(&self, id: OperationId) -> Vec<PlanDigest> {
        self.blocks_of(id).filter_map(|block| block.digest).collect()
    }

    pub(super) fn note_retried(&mut self, id: OperationId, rows: &[(u32, RetriedRow)]) {
        let table = Arc::make_mut(&mut self.rows);
        for (number, retried) in rows {
            if let Some(row) = table.get_mut(&(id, *number)).filter(|row| row.status == RowStatus::Failed) {
                row.retried.get_or_insert(*retried);
            }
        }
    }

    pub(super) fn retried(&self, id: OperationId) -> Retried {
        let mut retried = Retried::default();
        let parent = Some(Parent { id, relation: Relation::Retry });
        for (retry, _) in self.operations.iter().filter(|(_, stored)| stored.parent == parent) {
            retried.retries += 1;
            for outcome in self.blocks_of(*retry).filter_map(|block| block.outcome) {
                retried.created += u64::from(outcome.created);
                retried.changed += u64::from(outcome.changed);
                retried.skipped += u64::from(outcome.skipped);
            }
        }
        retried
    }

    pub(super) fn usage(&self, since: DateTime<Utc>) -> Usage {
        let is_undo = |parent: Option<Parent>| parent.is_some_and(|parent| parent.relation == Relation::Undo);
        let mut usage = Usage::default();
        for stored in self.operations.values().filter(|stored| !is_undo(stored.parent)) {
            usage.open += u32::from(stored.finished_at.is_none());
            usage.rows += if stored.created_at > since { u64::from(stored.rows_total) } else { 0 };
        }
        usage
    }

    pub(super) fn accept_outcomes(&mut self, id: OperationId) {
        for (_, block) in self.blocks.range_mut((id, 0)..=(id, u32::MAX)) {
            if block.outcome.is_none() {
                block.expected = None;
            }
        }
    }
}
