use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Block, BlockOutcome, BlockPayload, NewOperation, Operation, OperationOptions, OperationState, PlanDigest, Relation,
    RetriedRow, SettledBlock, StoredRow, StoredRows, UploadedBlock, Usage,
};
use crate::{OperationId, RepositoryError, TaskId, TenantId, UserId};

/// What the first request with a key made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOwner {
    /// It began an operation.
    Operation(OperationId),
    /// It made one user.
    User(UserId),
    /// It made one task.
    Task(TaskId),
}

/// Which request a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyEntry {
    /// What the first request with the key made.
    pub owner: KeyOwner,
    /// Digest of that request; none while its body still comes in.
    pub digest: Option<[u8; 32]>,
}

/// Operations, their blocks and their ledger, within one unit of work, and so within one tenant.
#[async_trait]
pub trait OperationRepository: Send {
    /// Begins an operation in state `receiving`.
    async fn insert(&mut self, operation: &NewOperation, now: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// Claims an idempotency key; if the key is taken, returns whose it is and claims nothing.
    /// Waits for a unit of work that is claiming the same key.
    async fn claim_key(
        &mut self,
        key: &str,
        owner: KeyOwner,
        digest: Option<[u8; 32]>,
        expires_at: DateTime<Utc>,
    ) -> Result<Option<IdempotencyEntry>, RepositoryError>;

    /// Reads what a key stands for.
    async fn find_key(&mut self, key: &str) -> Result<Option<IdempotencyEntry>, RepositoryError>;

    /// Stores the digest of the request that a key stands for.
    async fn seal_key(&mut self, key: &str, digest: [u8; 32]) -> Result<(), RepositoryError>;

    /// Stores blocks and marks the upload as alive; `false` if the operation is no longer receiving.
    async fn append_blocks(
        &mut self,
        operation: OperationId,
        blocks: &[BlockPayload],
        now: DateTime<Utc>,
    ) -> Result<bool, RepositoryError>;

    /// Ends the upload: `receiving` becomes `queued`; `false` if the operation is no longer receiving.
    async fn queue(
        &mut self,
        operation: OperationId,
        options: OperationOptions,
        unknown_columns: &[String],
        rows: u32,
        blocks: u32,
        now: DateTime<Utc>,
    ) -> Result<bool, RepositoryError>;

    /// Removes an operation that is still receiving, with its blocks and its key; `false` if there is none.
    async fn discard(&mut self, operation: OperationId) -> Result<bool, RepositoryError>;

    /// Reads an operation with its progress.
    async fn find(&mut self, operation: OperationId) -> Result<Option<Operation>, RepositoryError>;

    /// As `find`, and locks it until the unit of work ends; units of work that do its blocks are not in the way.
    async fn lock(&mut self, operation: OperationId) -> Result<Option<Operation>, RepositoryError>;

    /// `queued` becomes `running`, begun now unless it had begun before; nothing happens in any other state.
    async fn start(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// Notes that the operation was looked after, so that the sweeper turns to others first.
    async fn touch(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// Stores a final state and tells those who wait for the operation once this unit of work is committed, and the
    /// tenant's endpoints.
    async fn end(&mut self, operation: &Operation) -> Result<(), RepositoryError>;

    /// Of the operations of this relation to `parent` the one that was begun last, or none.
    async fn latest_child(
        &mut self,
        parent: OperationId,
        relation: Relation,
    ) -> Result<Option<OperationId>, RepositoryError>;

    /// Gives a new operation a block, without rows, for each block of `parent` that is done and has done something, by row
    /// ascending and numbered from 0. Returns how many rows and blocks these are.
    async fn copy_blocks(&mut self, operation: OperationId, parent: OperationId)
    -> Result<(u32, u32), RepositoryError>;

    /// Gives a new operation every block of `plan`, a dry run, with its rows, and with its digest as what it is expected to
    /// come to. Returns how many rows and blocks these are; none of them when the upload of the plan was removed.
    async fn copy_plan(&mut self, operation: OperationId, plan: OperationId) -> Result<(u32, u32), RepositoryError>;

    /// Stores what a block of a dry run came to.
    async fn store_digest(
        &mut self,
        operation: OperationId,
        block: u32,
        digest: PlanDigest,
    ) -> Result<(), RepositoryError>;

    /// What the blocks of a dry run came to, by number.
    async fn digests(&mut self, operation: OperationId) -> Result<Vec<PlanDigest>, RepositoryError>;

    /// Lets the blocks that are not done come to whatever they come to.
    async fn accept_outcomes(&mut self, operation: OperationId) -> Result<(), RepositoryError>;

    /// Notes that rows that the operation has twice in different blocks were reported.
    async fn note_prepared(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// Which of these rows of an operation other undos of it than this one have taken back, ascending.
    async fn taken_back(
        &mut self,
        operation: OperationId,
        undo: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<u32>, RepositoryError>;

    /// The ledger's line of the block that is done and begins with this row, or none.
    async fn settled_block(
        &mut self,
        operation: OperationId,
        first_row: u32,
    ) -> Result<Option<SettledBlock>, RepositoryError>;

    /// Rows of which something is stored, from row `first` to row `last`, by row ascending.
    async fn stored_rows(
        &mut self,
        operation: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<StoredRow>, RepositoryError>;

    /// Stores where a locked operation is that has not ended, or was undone: its state, its pause, its error budget. The
    /// tenant's endpoints are told of a pause by the budget.
    async fn store(&mut self, operation: &Operation, now: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// Waits until every unit of work that has locked a block of the operation has ended.
    async fn drain(&mut self, operation: OperationId) -> Result<(), RepositoryError>;

    /// Reads a block and locks its line in the ledger until the unit of work ends. The state of its operation is read
    /// then: a unit of work that moves the operation and then drains it knows that no block goes on as before.
    async fn lock_block(&mut self, operation: OperationId, block: u32) -> Result<Option<Block>, RepositoryError>;

    /// Numbers of the blocks in `first..=last` that have no outcome, ascending.
    async fn open_blocks(&mut self, operation: OperationId, first: u32, last: u32)
    -> Result<Vec<u32>, RepositoryError>;

    /// Writes a block's line in the ledger.
    async fn settle_block(
        &mut self,
        operation: OperationId,
        block: u32,
        outcome: BlockOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Stores rows that did not simply become users, with one statement; a row that is there already is kept.
    async fn insert_rows(&mut self, operation: OperationId, rows: &[StoredRow]) -> Result<(), RepositoryError>;

    /// Notes of failed rows of an operation, by their numbers, what became of them when they were sent again; of one of
    /// which that is known already nothing is noted.
    async fn note_retried(&mut self, operation: OperationId, rows: &[(u32, RetriedRow)])
    -> Result<(), RepositoryError>;

    /// What the tenant has asked for, rows since a moment. Of units of work at the same time one may not see the other's.
    async fn usage(&mut self, since: DateTime<Utc>) -> Result<Usage, RepositoryError>;

    /// Forgets idempotency keys that have expired; returns how many.
    async fn purge_keys(&mut self, now: DateTime<Utc>) -> Result<u64, RepositoryError>;

    /// Removes the rows as uploaded of at most `at_most` blocks of an operation that has ended, and returns of how many.
    /// When none are left, that is noted, and the upload is not outdated any more.
    async fn remove_upload(
        &mut self,
        operation: OperationId,
        at_most: u32,
        now: DateTime<Utc>,
    ) -> Result<u32, RepositoryError>;

    /// Removes at most `at_most` reported rows of an operation that has ended, and returns how many. When none are left,
    /// the operation goes with its blocks and its mail batches; users stay.
    async fn remove_results(&mut self, operation: OperationId, at_most: u32) -> Result<u32, RepositoryError>;
}

/// Why the sweeper is to look at an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueReason {
    /// It has been queued or running for a while: make sure that its workflow runs.
    Start,
    /// It has ended, but some of its mails have not been sent for a while: make sure that their workflow runs.
    Mails,
    /// Its upload has stopped coming.
    Abandoned,
    /// Its tenant has idempotency keys that have expired.
    ExpiredKeys,
    /// It has ended long ago: its rows as uploaded are to be removed.
    OldUpload,
    /// It has ended longer ago: all that is stored of it is to be removed.
    OldResults,
    /// Its file has expired, or will never be whole: what is stored of it is to be removed.
    OldFile,
}

/// Something for the sweeper to look at: ids only, the one thing that is read across tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueOperation {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which one; nil for `ExpiredKeys`.
    pub operation: OperationId,
    /// Why.
    pub reason: DueReason,
}

/// Where an operation stands in the list of a tenant's operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationPosition {
    /// When its upload began.
    pub created_at: DateTime<Utc>,
    /// Its identity, which decides among those of the same moment.
    pub id: OperationId,
}

/// Reads operations outside a unit of work.
#[async_trait]
pub trait OperationReader: Send + Sync {
    /// The operation with its progress, or none.
    async fn find(&self, tenant: TenantId, operation: OperationId) -> Result<Option<Operation>, RepositoryError>;

    /// Those of these operations that there are, with their progress, in no order; with one question, however many.
    async fn find_many(&self, tenant: TenantId, operations: &[OperationId]) -> Result<Vec<Operation>, RepositoryError>;

    /// Operations with their progress, only those in `state` if one is given: the latest first, by `created_at` and
    /// then by id, those behind position `after` if one is given, at most `limit`.
    async fn list(
        &self,
        tenant: TenantId,
        state: Option<OperationState>,
        after: Option<OperationPosition>,
        limit: u32,
    ) -> Result<Vec<Operation>, RepositoryError>;

    /// Rows of which something is stored, only those that are `wanted`, after row `after`, by row ascending, at most `limit`.
    async fn rows(
        &self,
        tenant: TenantId,
        operation: OperationId,
        wanted: StoredRows,
        after: u32,
        limit: u32,
    ) -> Result<Vec<StoredRow>, RepositoryError>;

    /// The ledger's lines of the blocks that are done and whose last row is after row `after`, by row ascending.
    async fn ledger(
        &self,
        tenant: TenantId,
        operation: OperationId,
        after: u32,
    ) -> Result<Vec<SettledBlock>, RepositoryError>;

    /// The first block from number `from` on whose last row is not before row `row`, as it was uploaded and with what
    /// came of it; none behind the last one.
    async fn block_from(
        &self,
        tenant: TenantId,
        operation: OperationId,
        from: u32,
        row: u32,
    ) -> Result<Option<UploadedBlock>, RepositoryError>;

    /// What is to be removed in all tenants: uploads of operations that ended before `uploads_before`, and operations that
    /// ended before `results_before`; at most `limit` of each, those first that ended first. An operation stays while it
    /// has unfinished mails, or an idempotency key that is remembered.
    async fn outdated(
        &self,
        uploads_before: DateTime<Utc>,
        results_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueOperation>, RepositoryError>;

    /// Operations of all tenants with parts of files that nobody will read: those of a file that has expired at `now`, those
    /// first that expired first; and those of exports that have no file and do not go on. At most `limit` of each.
    async fn outdated_files(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<DueOperation>, RepositoryError>;

    /// What is due in all tenants: queued and running operations and unfinished mails last touched before `stalled_before`,
    /// uploads last touched before `abandoned_before`, expired keys; at most `limit` of each.
    async fn due(
        &self,
        stalled_before: DateTime<Utc>,
        abandoned_before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueOperation>, RepositoryError>;
}
