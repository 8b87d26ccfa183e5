use std::cmp::Reverse;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::operations::{
    DueOperation, DueReason, KeyOwner, Operation, OperationPosition, OperationReader, OperationState, SettledBlock,
    StoredRow, StoredRows, UploadedBlock,
};
use muster_domain::users::{User, UserReader};
use muster_domain::{OperationId, RepositoryError, TenantId, UserId};
use uuid::Uuid;

use super::{MemoryStore, StoredOperation, TenantState};

#[async_trait]
impl UserReader for MemoryStore {
    async fn find(&self, tenant: TenantId, id: UserId) -> Result<Option<User>, RepositoryError> {
        self.fault().call()?;
        Ok(self.tenant(tenant).users.get(&id).map(|user| User::clone(user)))
    }

    async fn find_by_email(&self, tenant: TenantId, email: &str) -> Result<Option<User>, RepositoryError> {
        self.fault().call()?;
        let state = self.tenant(tenant);
        Ok(state.emails.get(email).and_then(|id| state.users.get(id)).map(|user| User::clone(user)))
    }

    async fn find_by_username(&self, tenant: TenantId, username: &str) -> Result<Option<User>, RepositoryError> {
        self.fault().call()?;
        let state = self.tenant(tenant);
        Ok(state.usernames.get(username).and_then(|id| state.users.get(id)).map(|user| User::clone(user)))
    }
}

#[async_trait]
impl OperationReader for MemoryStore {
    async fn find(&self, tenant: TenantId, operation: OperationId) -> Result<Option<Operation>, RepositoryError> {
        self.fault().call()?;
        Ok(self.tenant(tenant).operation(tenant, operation))
    }

    async fn find_many(&self, tenant: TenantId, operations: &[OperationId]) -> Result<Vec<Operation>, RepositoryError> {
        self.fault().call()?;
        self.note_question();
        let stored = self.tenant(tenant);
        Ok(operations.iter().filter_map(|id| stored.operation(tenant, *id)).collect())
    }

    async fn list(
        &self,
        tenant: TenantId,
        state: Option<OperationState>,
        after: Option<OperationPosition>,
        limit: u32,
    ) -> Result<Vec<Operation>, RepositoryError> {
        self.fault().call()?;
        let stored = self.tenant(tenant);
        let mut found: Vec<_> = stored.operations.keys().filter_map(|id| stored.operation(tenant, *id)).collect();
        found.retain(|operation| {
            let is_behind =
                |after: OperationPosition| (operation.created_at, operation.id) < (after.created_at, after.id);
            state.is_none_or(|state| state == operation.state) && after.is_none_or(is_behind)
        });
        found.sort_by_key(|operation| Reverse((operation.created_at, operation.id)));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn rows(
        &self,
        tenant: TenantId,
        operation: OperationId,
        wanted: StoredRows,
        after: u32,
        limit: u32,
    ) -> Result<Vec<StoredRow>, RepositoryError> {
        self.fault().call()?;
        let mut rows = self.tenant(tenant).rows_of(operation);
        rows.retain(|row| row.row > after && wanted.contain(row));
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(rows)
    }

    async fn ledger(
        &self,
        tenant: TenantId,
        operation: OperationId,
        after: u32,
    ) -> Result<Vec<SettledBlock>, RepositoryError> {
        self.fault().call()?;
        let mut ledger = self.tenant(tenant).ledger(operation);
        ledger.retain(|block| block.last_row() > after);
        Ok(ledger)
    }

    async fn block_from(
        &self,
        tenant: TenantId,
        operation: OperationId,
        from: u32,
        row: u32,
    ) -> Result<Option<UploadedBlock>, RepositoryError> {
        self.fault().call()?;
        let state = self.tenant(tenant);
        let mut blocks = state.blocks.range((operation, from)..=(operation, u32::MAX));
        let found = blocks.find(|(_, block)| block.payload.last_row() >= row);
        Ok(found.map(|((_, number), block)| UploadedBlock {
            number: *number,
            first_row: block.payload.first_row,
            rows: block.payload.rows,
            data: Some(block.payload.data.clone()).filter(|data| !data.is_empty()),
            outcome: block.outcome,
        }))
    }

    async fn outdated(
        &self,
        uploads_before: DateTime<Utc>,
        results_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueOperation>, RepositoryError> {
        self.fault().call()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let ended_before = |stored: &StoredOperation, time| stored.finished_at.is_some_and(|at| at < time);
        let mut found = self.ordered(
            DueReason::OldUpload,
            limit,
            |stored| stored.finished_at,
            |_, _, stored| stored.upload_removed_at.is_none() && ended_before(stored, uploads_before),
        );
        found.extend(self.ordered(
            DueReason::OldResults,
            limit,
            |stored| stored.finished_at,
            |state, id, stored| {
                let mut batches = state.mails.range((id, 0)..=(id, u32::MAX)).map(|(_, batch)| batch);
                ended_before(stored, results_before)
                    && batches.all(|stored| stored.batch.is_finished())
                    && !state.keys.values().any(|key| key.owner == KeyOwner::Operation(id))
            },
        ));
        Ok(found)
    }

    async fn outdated_files(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<DueOperation>, RepositoryError> {
        self.fault().call()?;
        let (reason, limit) = (DueReason::OldFile, usize::try_from(limit).unwrap_or(usize::MAX));
        let mut expired = Vec::new();
        for (tenant, state) in self.tenants() {
            let kept = state.files.iter().filter(|(_, (file, removed))| file.has_expired(now) && removed.is_none());
            expired
                .extend(kept.map(|(id, (file, _))| (file.expires_at, DueOperation { tenant, operation: *id, reason })));
        }
        expired.sort_by_key(|(expires_at, _)| *expires_at);
        let mut found: Vec<_> = expired.into_iter().take(limit).map(|(_, due)| due).collect();
        found.extend(self.stale(reason, limit, |state, id, stored| {
            let rests =
                matches!(stored.state, OperationState::Paused | OperationState::Failed | OperationState::Cancelled);
            rests && state.parts.range((id, 0, 0)..=(id, u32::MAX, u64::MAX)).next().is_some()
        }));
        Ok(found)
    }

    async fn due(
        &self,
        stalled_before: DateTime<Utc>,
        abandoned_before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueOperation>, RepositoryError> {
        self.fault().call()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut due = self.stale(DueReason::Start, limit, |_, _, stored| {
            matches!(stored.state, OperationState::Queued | OperationState::Running)
                && stored.updated_at < stalled_before
        });
        due.extend(self.stale(DueReason::Abandoned, limit, |_, _, stored| {
            stored.state == OperationState::Receiving && stored.updated_at < abandoned_before
        }));
        due.extend(self.stale(DueReason::Mails, limit, |state, id, stored| {
            let mut batches = state.mails.range((id, 0)..=(id, u32::MAX)).map(|(_, batch)| batch);
            stored.state.is_final()
                && stored.updated_at < stalled_before
                && batches.any(|stored| !stored.batch.is_finished() && stored.updated_at < stalled_before)
        }));
        let tenants = self.tenants();
        let expired = tenants.iter().filter(|(_, state)| state.keys.values().any(|key| key.expires_at < now));
        let operation = OperationId::new(Uuid::nil());
        due.extend(expired.take(limit).map(|(tenant, _)| DueOperation {
            tenant: *tenant,
            operation,
            reason: DueReason::ExpiredKeys,
        }));
        Ok(due)
    }
}

impl MemoryStore {
    /// The operations of all tenants that are due, those first that were not looked at for longest.
    fn stale(
        &self,
        reason: DueReason,
        limit: usize,
        is_due: impl Fn(&TenantState, OperationId, &StoredOperation) -> bool,
    ) -> Vec<DueOperation> {
        self.ordered(reason, limit, |stored| stored.updated_at, is_due)
    }

    /// The operations of all tenants that are due, in the order of a time.
    fn ordered<T: Ord>(
        &self,
        reason: DueReason,
        limit: usize,
        time: impl Fn(&StoredOperation) -> T,
        is_due: impl Fn(&TenantState, OperationId, &StoredOperation) -> bool,
    ) -> Vec<DueOperation> {
        let mut found = Vec::new();
        for (tenant, state) in self.tenants() {
            let due = state.operations.iter().filter(|(id, stored)| is_due(&state, **id, stored));
            found.extend(due.map(|(id, stored)| (time(stored), DueOperation { tenant, operation: *id, reason })));
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found.into_iter().take(limit).map(|(_, due)| due).collect()
    }
}
