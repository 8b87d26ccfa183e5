use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::operations::{
    Block, BlockOutcome, BlockPayload, IdempotencyEntry, KeyOwner, NewOperation, OnError, Operation, OperationOptions,
    OperationRepository, OperationState, Parent, PlanDigest, Relation, RetriedRow, SettledBlock, StoredRow, Usage,
};
use muster_domain::webhooks::Happening;
use muster_domain::{OperationId, RepositoryError};

use super::unit::defect;
use super::{MemoryUnit, StoredBlock, StoredKey, StoredOperation, TenantState};

#[async_trait]
impl OperationRepository for MemoryUnit {
    async fn insert(&mut self, operation: &NewOperation, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = StoredOperation {
                kind: operation.kind,
                state: OperationState::Receiving,
                format: operation.format,
                options: OperationOptions::of(OnError::Continue),
                unknown_columns: Vec::new(),
                rows_total: 0,
                blocks_total: 0,
                pause: None,
                errors_accepted: 0,
                failure: None,
                parent: operation.parent,
                plan: None,
                is_prepared: false,
                undo_asked: None,
                actor: operation.actor.clone(),
                created_at: operation.created_at,
                updated_at: now,
                queued_at: None,
                started_at: None,
                finished_at: None,
                upload_removed_at: None,
            };
            match draft.operations.insert(operation.id, stored) {
                None => Ok(()),
                Some(_) => Err(RepositoryError::Conflict { field: "id" }),
            }
        })
    }

    async fn claim_key(
        &mut self,
        key: &str,
        owner: KeyOwner,
        digest: Option<[u8; 32]>,
        expires_at: DateTime<Utc>,
    ) -> Result<Option<IdempotencyEntry>, RepositoryError> {
        self.statement(|draft| {
            let taken = draft.keys.get(key).map(entry);
            if taken.is_none() {
                draft.keys.insert(key.to_owned(), StoredKey { owner, digest, expires_at });
            }
            Ok(taken)
        })
    }

    async fn find_key(&mut self, key: &str) -> Result<Option<IdempotencyEntry>, RepositoryError> {
        self.statement(|draft| Ok(draft.keys.get(key).map(entry)))
    }

    async fn seal_key(&mut self, key: &str, digest: [u8; 32]) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.keys.get_mut(key).ok_or_else(|| defect("a key that does not exist"))?;
            stored.digest = Some(digest);
            Ok(())
        })
    }

    async fn append_blocks(
        &mut self,
        operation: OperationId,
        blocks: &[BlockPayload],
        now: DateTime<Utc>,
    ) -> Result<bool, RepositoryError> {
        self.statement(|draft| {
            let Some(stored) = receiving(draft, operation) else { return Ok(false) };
            stored.updated_at = now;
            for payload in blocks {
                let block = StoredBlock::new(payload.clone(), None);
                if draft.blocks.insert((operation, payload.number), block).is_some() {
                    return Err(defect("a block that is there already"));
                }
            }
            Ok(true)
        })
    }

    async fn queue(
        &mut self,
        operation: OperationId,
        options: OperationOptions,
        unknown_columns: &[String],
        rows: u32,
        blocks: u32,
        now: DateTime<Utc>,
    ) -> Result<bool, RepositoryError> {
        self.statement(|draft| {
            let Some(stored) = receiving(draft, operation) else { return Ok(false) };
            stored.state = OperationState::Queued;
            stored.options = options;
            stored.unknown_columns = unknown_columns.to_vec();
            stored.rows_total = rows;
            stored.blocks_total = blocks;
            stored.updated_at = now;
            stored.queued_at = Some(now);
            Ok(true)
        })
    }

    async fn discard(&mut self, operation: OperationId) -> Result<bool, RepositoryError> {
        self.statement(|draft| {
            let found = receiving(draft, operation).is_some();
            if found {
                draft.remove_operation(operation);
            }
            Ok(found)
        })
    }

    async fn find(&mut self, operation: OperationId) -> Result<Option<Operation>, RepositoryError> {
        let tenant = self.tenant();
        self.statement(|draft| Ok(draft.operation(tenant, operation)))
    }

    async fn lock(&mut self, operation: OperationId) -> Result<Option<Operation>, RepositoryError> {
        OperationRepository::find(self, operation).await
    }

    async fn start(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let found = draft.operations.get_mut(&operation);
            if let Some(stored) = found.filter(|stored| stored.state == OperationState::Queued) {
                stored.state = OperationState::Running;
                stored.started_at.get_or_insert(now);
                stored.updated_at = now;
            }
            Ok(())
        })
    }

    async fn touch(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            if let Some(stored) = draft.operations.get_mut(&operation) {
                stored.updated_at = now;
            }
            Ok(())
        })
    }

    async fn end(&mut self, operation: &Operation) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.operations.get_mut(&operation.id);
            let stored = stored.ok_or_else(|| defect("an operation that does not exist"))?;
            if stored.state.is_final() || !operation.state.is_final() {
                return Err(defect("an end that is none, or a second one"));
            }
            stored.state = operation.state;
            stored.pause = None;
            stored.failure.clone_from(&operation.failure);
            stored.started_at = operation.started_at;
            stored.finished_at = operation.finished_at;
            stored.plan = operation.plan;
            stored.undo_asked.clone_from(&operation.undo_asked);
            stored.updated_at = operation.finished_at.unwrap_or(stored.updated_at);
            let at = stored.updated_at;
            if let Some(told) = Happening::of_operation(operation, at) {
                draft.tell(&told);
            }
            Ok(())
        })?;
        self.note_move(operation.id);
        Ok(())
    }

    async fn latest_child(
        &mut self,
        parent: OperationId,
        relation: Relation,
    ) -> Result<Option<OperationId>, RepositoryError> {
        self.statement(|draft| Ok(draft.latest_child(Parent { id: parent, relation })))
    }

    async fn copy_blocks(
        &mut self,
        operation: OperationId,
        parent: OperationId,
    ) -> Result<(u32, u32), RepositoryError> {
        self.statement(|draft| Ok(draft.copy_blocks(operation, parent)))
    }

    async fn taken_back(
        &mut self,
        operation: OperationId,
        undo: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<u32>, RepositoryError> {
        self.statement(|draft| Ok(draft.taken_back(operation, undo, first, last)))
    }

    async fn copy_plan(&mut self, operation: OperationId, plan: OperationId) -> Result<(u32, u32), RepositoryError> {
        self.statement(|draft| Ok(draft.copy_plan(operation, plan)))
    }

    async fn store_digest(
        &mut self,
        operation: OperationId,
        block: u32,
        digest: PlanDigest,
    ) -> Result<(), RepositoryError> {
        self.statement(|draft| draft.store_digest(operation, block, digest))
    }

    async fn digests(&mut self, operation: OperationId) -> Result<Vec<PlanDigest>, RepositoryError> {
        self.statement(|draft| Ok(draft.digests(operation)))
    }

    async fn accept_outcomes(&mut self, operation: OperationId) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            draft.accept_outcomes(operation);
            Ok(())
        })
    }

    async fn note_prepared(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.operations.get_mut(&operation);
            let stored = stored.ok_or_else(|| defect("an operation that does not exist"))?;
            stored.is_prepared = true;
            stored.updated_at = now;
            Ok(())
        })
    }

    async fn settled_block(
        &mut self,
        operation: OperationId,
        first_row: u32,
    ) -> Result<Option<SettledBlock>, RepositoryError> {
        self.statement(|draft| Ok(draft.ledger(operation).into_iter().find(|block| block.first_row == first_row)))
    }

    async fn stored_rows(
        &mut self,
        operation: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<StoredRow>, RepositoryError> {
        self.statement(|draft| {
            let mut rows = draft.rows_of(operation);
            rows.retain(|row| (first..=last).contains(&row.row));
            Ok(rows)
        })
    }

    async fn store(&mut self, operation: &Operation, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.operations.get_mut(&operation.id);
            let stored = stored.ok_or_else(|| defect("an operation that does not exist"))?;
            stored.state = operation.state;
            stored.pause = operation.pause;
            stored.options.max_errors = operation.options.max_errors;
            stored.errors_accepted = operation.errors_accepted;
            stored.updated_at = now;
            if let Some(told) = Happening::of_operation(operation, now) {
                draft.tell(&told);
            }
            Ok(())
        })?;
        self.note_move(operation.id);
        Ok(())
    }

    async fn drain(&mut self, _: OperationId) -> Result<(), RepositoryError> {
        // There is one unit of work at a time.
        self.statement(|_| Ok(()))
    }

    async fn lock_block(&mut self, operation: OperationId, block: u32) -> Result<Option<Block>, RepositoryError> {
        self.statement(|draft| {
            let state = draft.operations.get(&operation).map(|stored| stored.state);
            let found = draft.blocks.get(&(operation, block)).zip(state);
            Ok(found.map(|(stored, operation)| Block {
                payload: stored.payload.clone(),
                outcome: stored.outcome,
                expected: stored.expected,
                attempt: stored.attempt,
                operation,
            }))
        })
    }

    async fn open_blocks(
        &mut self,
        operation: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<u32>, RepositoryError> {
        self.statement(|draft| {
            if first > last {
                return Ok(Vec::new());
            }
            let blocks = draft.blocks.range((operation, first)..=(operation, last));
            Ok(blocks.filter(|(_, stored)| stored.outcome.is_none()).map(|((_, number), _)| *number).collect())
        })
    }

    async fn settle_block(
        &mut self,
        operation: OperationId,
        block: u32,
        outcome: BlockOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.blocks.get_mut(&(operation, block));
            let stored = stored.ok_or_else(|| defect("a block that does not exist"))?;
            if stored.outcome.replace(outcome).is_some() {
                return Err(defect("a block is done twice"));
            }
            stored.settled_at = Some(now);
            stored.exported = outcome.exported;
            Ok(())
        })
    }

    async fn insert_rows(&mut self, operation: OperationId, rows: &[StoredRow]) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            if !draft.operations.contains_key(&operation) {
                return Err(defect("rows of an operation that does not exist"));
            }
            let table = Arc::make_mut(&mut draft.rows);
            for row in rows {
                table.entry((operation, row.row)).or_insert_with(|| row.clone());
            }
            Ok(())
        })
    }

    async fn note_retried(
        &mut self,
        operation: OperationId,
        rows: &[(u32, RetriedRow)],
    ) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            draft.note_retried(operation, rows);
            Ok(())
        })
    }

    async fn usage(&mut self, since: DateTime<Utc>) -> Result<Usage, RepositoryError> {
        self.statement(|draft| Ok(draft.usage(since)))
    }

    async fn purge_keys(&mut self, now: DateTime<Utc>) -> Result<u64, RepositoryError> {
        self.statement(|draft| {
            let before = draft.keys.len();
            draft.keys.retain(|_, key| key.expires_at >= now);
            Ok(u64::try_from(before - draft.keys.len()).unwrap_or(u64::MAX))
        })
    }

    async fn remove_upload(
        &mut self,
        operation: OperationId,
        at_most: u32,
        now: DateTime<Utc>,
    ) -> Result<u32, RepositoryError> {
        self.statement(|draft| Ok(draft.remove_upload(operation, at_most, now)))
    }

    async fn remove_results(&mut self, operation: OperationId, at_most: u32) -> Result<u32, RepositoryError> {
        self.statement(|draft| Ok(draft.remove_results(operation, at_most)))
    }
}

fn receiving(draft: &mut TenantState, operation: OperationId) -> Option<&mut StoredOperation> {
    draft.operations.get_mut(&operation).filter(|stored| stored.state == OperationState::Receiving)
}

const fn entry(key: &StoredKey) -> IdempotencyEntry {
    IdempotencyEntry { owner: key.owner, digest: key.digest }
}
