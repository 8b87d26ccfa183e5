use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::operations::{FilePart, FileRepository, OperationFile};
use muster_domain::{OperationId, RepositoryError};

use super::unit::defect;
use super::{MemoryUnit, StoredBlock, TenantState};

#[async_trait]
impl FileRepository for MemoryUnit {
    async fn begin_attempt(&mut self, operation: OperationId, block: u32) -> Result<u32, RepositoryError> {
        self.statement(|draft| {
            let stored = open_block(draft, operation, block)?;
            stored.attempt += 1;
            stored.exported = 0;
            Ok(stored.attempt)
        })
    }

    async fn append_part(
        &mut self,
        operation: OperationId,
        block: u32,
        part: &FilePart,
        exported: u32,
    ) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = open_block(draft, operation, block)?;
            stored.exported = exported;
            let attempt = stored.attempt;
            match draft.parts.insert((operation, attempt, part.offset), part.clone()) {
                None => Ok(()),
                Some(_) => Err(defect("a part that is there already")),
            }
        })
    }

    async fn store_file(&mut self, operation: OperationId, file: &OperationFile) -> Result<(), RepositoryError> {
        self.statement(|draft| match draft.files.insert(operation, (*file, None)) {
            None => Ok(()),
            Some(_) => Err(defect("a second file of an operation")),
        })
    }

    async fn part_at(
        &mut self,
        operation: OperationId,
        attempt: u32,
        offset: u64,
    ) -> Result<Option<FilePart>, RepositoryError> {
        self.statement(|draft| {
            let before = draft.parts.range((operation, attempt, 0)..=(operation, attempt, offset));
            let found = before.last().map(|(_, part)| part.clone());
            Ok(found.filter(|part| offset - part.offset < u64::from(part.length)))
        })
    }

    async fn remove_parts(
        &mut self,
        operation: OperationId,
        through: u32,
        at_most: u32,
    ) -> Result<u32, RepositoryError> {
        self.statement(|draft| {
            for (_, block) in draft.blocks.range_mut((operation, 0)..=(operation, u32::MAX)) {
                if block.outcome.is_none() && block.attempt <= through {
                    block.attempt += 1;
                    block.exported = 0;
                }
            }
            let parts = draft.parts.range((operation, 0, 0)..=(operation, through, u64::MAX));
            let parts: Vec<_> =
                parts.map(|(key, _)| *key).take(usize::try_from(at_most).unwrap_or(usize::MAX)).collect();
            for key in &parts {
                draft.parts.remove(key);
            }
            Ok(u32::try_from(parts.len()).unwrap_or(u32::MAX))
        })
    }

    async fn forget_file(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            if let Some((_, removed_at)) = draft.files.get_mut(&operation) {
                removed_at.get_or_insert(now);
            }
            Ok(())
        })
    }
}

fn open_block(
    draft: &mut TenantState,
    operation: OperationId,
    block: u32,
) -> Result<&mut StoredBlock, RepositoryError> {
    let found = draft.blocks.get_mut(&(operation, block)).filter(|stored| stored.outcome.is_none());
    found.ok_or_else(|| defect("a block that does not exist, or is done"))
}
