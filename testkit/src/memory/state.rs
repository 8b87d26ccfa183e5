use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use muster_domain::mails::MailBatch;
use muster_domain::operations::{
    BlockOutcome, BlockPayload, FilePart, KeyOwner, Operation, OperationFailure, OperationFile, OperationKind,
    OperationOptions, OperationState, Parent, Pause, PlanDigest, Progress, SettledBlock, StoredRow, UndoAsked,
    UploadFormat,
};
use muster_domain::partners::{PartnerClient, PartnerEvent};
use muster_domain::schedules::Schedule;
use muster_domain::tasks::{StoredTask, TaskSettings};
use muster_domain::users::{BlockEvent, StoredUser, User, UserEvent};
use muster_domain::webhooks::{WebhookDelivery, WebhookEndpoint};
use muster_domain::{
    OperationId, PartnerClientId, PartnerEventId, ReminderMailId, ScheduleId, TaskId, TenantId, UserId,
    WebhookDeliveryId, WebhookEndpointId, WelcomeBatchId,
};

use super::StoredReminder;

/// All that is stored of one tenant. Tables are shared until they are written, so a copy costs next to nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TenantState {
    /// Living users.
    pub users: Arc<BTreeMap<UserId, Arc<User>>>,
    /// Deleted users.
    pub deleted: BTreeMap<UserId, StoredUser>,
    /// Who waits to be indexed.
    pub unindexed: Arc<BTreeSet<UserId>>,
    /// Lines of the histories of single users.
    pub events: Vec<UserEvent>,
    /// Lines that blocks left in the histories of the users they made.
    pub block_events: Vec<BlockEvent>,
    /// Welcome mails of users who were made one by one.
    pub welcomes: BTreeMap<UserId, StoredWelcome>,
    /// Who holds an e-mail address, in normal form.
    pub emails: Arc<HashMap<String, UserId>>,
    /// Who holds a user name, folded.
    pub usernames: Arc<HashMap<String, UserId>>,
    /// Operations.
    pub operations: BTreeMap<OperationId, StoredOperation>,
    /// Blocks by operation and number: payload and ledger.
    pub blocks: BTreeMap<(OperationId, u32), StoredBlock>,
    /// Files by operation, and when their parts were removed.
    pub files: BTreeMap<OperationId, (OperationFile, Option<DateTime<Utc>>)>,
    /// Parts of files by operation, attempt and offset.
    pub parts: BTreeMap<(OperationId, u32, u64), FilePart>,
    /// Rows that did not simply become users, by operation and number.
    pub rows: Arc<BTreeMap<(OperationId, u32), StoredRow>>,
    /// Mail batches by operation and block.
    pub mails: BTreeMap<(OperationId, u32), StoredBatch>,
    /// Idempotency keys.
    pub keys: BTreeMap<String, StoredKey>,
    /// Where the tenant is told of events.
    pub endpoints: BTreeMap<WebhookEndpointId, WebhookEndpoint>,
    /// What it is told.
    pub deliveries: BTreeMap<WebhookDeliveryId, StoredDelivery>,
    /// When work begins by itself.
    pub schedules: BTreeMap<ScheduleId, StoredSchedule>,
    /// Who acts for the tenant with signed requests.
    pub partners: BTreeMap<PartnerClientId, PartnerClient>,
    /// Their signatures that were accepted, and from when on each may be forgotten.
    pub signatures: BTreeMap<(PartnerClientId, [u8; 32]), DateTime<Utc>>,
    /// What they told, and when each that waits is to be looked at.
    pub partner_events: BTreeMap<PartnerEventId, (PartnerEvent, DateTime<Utc>)>,
    /// Tasks.
    pub tasks: BTreeMap<TaskId, StoredTask>,
    /// How they are to be treated.
    pub task_settings: Option<TaskSettings>,
    /// Nothing of them is due before, while these settings hold.
    pub quiet_until: Option<DateTime<Utc>>,
    /// Mails about tasks.
    pub reminders: BTreeMap<ReminderMailId, StoredReminder>,
    /// How many ids were made for what endpoints are told.
    pub told: u64,
}

/// A line of `operations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOperation {
    /// What it does.
    pub kind: OperationKind,
    /// Where it is.
    pub state: OperationState,
    /// How its rows came in.
    pub format: UploadFormat,
    /// What was asked.
    pub options: OperationOptions,
    /// Columns that nobody knows.
    pub unknown_columns: Vec<String>,
    /// Rows that were uploaded.
    pub rows_total: u32,
    /// Blocks that the rows were cut into.
    pub blocks_total: u32,
    /// Why it is paused.
    pub pause: Option<Pause>,
    /// Failed rows that its error budget does not count.
    pub errors_accepted: u64,
    /// Why it failed as a whole.
    pub failure: Option<OperationFailure>,
    /// The operation that it is about or goes on with.
    pub parent: Option<Parent>,
    /// What it came to, if it is a dry run.
    pub plan: Option<PlanDigest>,
    /// Whether rows that it has twice were reported.
    pub is_prepared: bool,
    /// Who cancelled it wants it undone.
    pub undo_asked: Option<UndoAsked>,
    /// Who asked for it.
    pub actor: Option<Arc<str>>,
    /// When the upload began.
    pub created_at: DateTime<Utc>,
    /// When it was last looked after.
    pub updated_at: DateTime<Utc>,
    /// When the last row was received.
    pub queued_at: Option<DateTime<Utc>>,
    /// When a worker began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// When its rows as uploaded were removed.
    pub upload_removed_at: Option<DateTime<Utc>>,
}

/// A line of `operation_blocks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlock {
    /// Its rows; without bytes once its upload was removed.
    pub payload: BlockPayload,
    /// Its line in the ledger.
    pub outcome: Option<BlockOutcome>,
    /// What it came to in a dry run.
    pub digest: Option<PlanDigest>,
    /// What it has to come to.
    pub expected: Option<PlanDigest>,
    /// When that was written.
    pub settled_at: Option<DateTime<Utc>>,
    /// The latest attempt at its file.
    pub attempt: u32,
    /// Users that it has written so far.
    pub exported: u32,
}

/// A line of `mail_batches`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBatch {
    /// How far it is.
    pub batch: MailBatch,
    /// Mails to be sent.
    pub total: u32,
    /// Mails that were taken.
    pub sent: u32,
    /// Mails that were refused for good.
    pub refused: u32,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

/// A line of `welcome_mails`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWelcome {
    /// When the user was made.
    pub queued_at: DateTime<Utc>,
    /// Which batch it is in.
    pub batch: Option<WelcomeBatchId>,
    /// When the batch was last looked after.
    pub looked_at: Option<DateTime<Utc>>,
    /// Why it was refused for good.
    pub refused: Option<&'static str>,
}

/// A line of `webhook_deliveries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDelivery {
    /// The delivery.
    pub delivery: WebhookDelivery,
    /// When the relay is to look at it, while it is pending.
    pub due_at: DateTime<Utc>,
}

/// A line of `schedules`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSchedule {
    /// The schedule.
    pub schedule: Schedule,
    /// The revision of which the engine has heard.
    pub synced: u64,
    /// Whether it was deleted, and waits for the engine to hear of that.
    pub is_deleted: bool,
}

/// A line of `idempotency_keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// What the first request made.
    pub owner: KeyOwner,
    /// Digest of the request; none while its body comes in.
    pub digest: Option<[u8; 32]>,
    /// When it may be forgotten.
    pub expires_at: DateTime<Utc>,
}

impl TenantState {
    /// The operation with its progress, summed over the ledger.
    pub fn operation(&self, tenant: TenantId, id: OperationId) -> Option<Operation> {
        let stored = self.operations.get(&id)?;
        let mut progress =
            Progress { rows_total: stored.rows_total.into(), blocks_total: stored.blocks_total, ..Progress::default() };
        for block in self.blocks.range((id, 0)..=(id, u32::MAX)).map(|(_, block)| block) {
            progress.rows_done += u64::from(block.exported);
            progress.exported += u64::from(block.exported);
            if let Some(outcome) = block.outcome {
                progress.rows_total += u64::from(block.exported);
                progress.blocks_done += 1;
                progress.rows_done += u64::from(block.payload.rows);
                progress.created += u64::from(outcome.created);
                progress.changed += u64::from(outcome.changed);
                progress.failed += u64::from(outcome.failed);
                progress.settled_at = progress.settled_at.max(block.settled_at);
            }
        }
        let mut mails_are_settled = true;
        for batch in self.mails.range((id, 0)..=(id, u32::MAX)).map(|(_, batch)| batch) {
            progress.mails_total += u64::from(batch.total);
            progress.mails_sent += u64::from(batch.sent);
            progress.mails_refused += u64::from(batch.refused);
            progress.mails_settled_at = progress.mails_settled_at.max(Some(batch.updated_at));
            mails_are_settled &= batch.batch.is_finished();
        }
        progress.mails_settled_at = progress.mails_settled_at.filter(|_| mails_are_settled);
        let StoredOperation { kind, state, format, options, created_at, queued_at, started_at, finished_at, .. } =
            *stored;
        Some(Operation {
            id,
            tenant,
            kind,
            state,
            format,
            options,
            unknown_columns: stored.unknown_columns.clone(),
            progress,
            retried: self.retried(id),
            pause: stored.pause,
            errors_accepted: stored.errors_accepted,
            file: self.files.get(&id).map(|(file, _)| *file),
            failure: stored.failure.clone(),
            parent: stored.parent,
            plan: stored.plan,
            is_prepared: stored.is_prepared,
            undo_asked: stored.undo_asked.clone(),
            actor: stored.actor.clone(),
            created_at,
            queued_at,
            started_at,
            finished_at,
        })
    }

    /// The ledger's lines of the blocks that are done, by row.
    pub(super) fn ledger(&self, id: OperationId) -> Vec<SettledBlock> {
        let blocks = self.blocks.range((id, 0)..=(id, u32::MAX)).map(|(_, block)| block);
        let settled = blocks.filter_map(|StoredBlock { payload, outcome, .. }| {
            Some(SettledBlock { first_row: payload.first_row, rows: payload.rows, outcome: (*outcome)? })
        });
        settled.collect()
    }

    pub(super) fn copy_blocks(&mut self, id: OperationId, parent: OperationId) -> (u32, u32) {
        let mut ledger = self.ledger(parent);
        ledger.retain(|block| block.outcome.created + block.outcome.changed > 0);
        let (mut rows, mut blocks) = (0, 0);
        for SettledBlock { first_row, rows: size, .. } in ledger {
            let payload = BlockPayload { number: blocks, first_row, rows: size, data: Bytes::new() };
            self.blocks.insert((id, blocks), StoredBlock::new(payload, None));
            rows += size;
            blocks += 1;
        }
        (rows, blocks)
    }

    /// The rows of an operation of which something is stored, by row.
    pub fn rows_of(&self, id: OperationId) -> Vec<StoredRow> {
        self.rows.range((id, 0)..=(id, u32::MAX)).map(|(_, row)| row.clone()).collect()
    }

    pub(super) fn remove_user(&mut self, id: UserId) {
        if let Some(user) = Arc::make_mut(&mut self.users).remove(&id) {
            Arc::make_mut(&mut self.emails).remove(user.email.as_str());
            Arc::make_mut(&mut self.usernames).remove(&user.username.folded());
        }
    }

    pub(super) fn remove_operation(&mut self, id: OperationId) {
        self.operations.remove(&id);
        self.blocks.retain(|(operation, _), _| *operation != id);
        self.files.remove(&id);
        self.parts.retain(|(operation, ..), _| *operation != id);
        Arc::make_mut(&mut self.rows).retain(|(operation, _), _| *operation != id);
        self.mails.retain(|(operation, _), _| *operation != id);
        self.keys.retain(|_, key| key.owner != KeyOwner::Operation(id));
    }
}
