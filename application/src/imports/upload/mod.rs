mod errors;
mod gather;
mod replay;
mod retry;
mod seal;

use chrono::{DateTime, Utc};
use muster_domain::OperationId;
use muster_domain::operations::{
    BlockPayload, IdempotencyEntry, KeyOwner, NewOperation, OnError, Operation, OperationKind, OperationOptions,
    Parent, Relation, UploadFormat,
};
use tokio::task::JoinHandle;

pub(crate) use self::errors::key_reused;
use self::errors::taken_for_dead;
use self::replay::replay;
use super::{BlockBuilder, ImportRow};
use crate::ports::UnitOfWork;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// An upload that is to begin.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// What its rows are to do.
    pub kind: OperationKind,
    /// How they come in.
    pub format: UploadFormat,
    /// Tells a repeated request from a new one.
    pub key: Option<String>,
    /// What it goes on with.
    pub parent: Option<Parent>,
}

impl NewUpload {
    /// Of users to be made.
    pub const fn import(format: UploadFormat, key: Option<String>) -> Self {
        Self { kind: OperationKind::UsersImport, format, key, parent: None }
    }
}

/// What a finished upload became.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The operation, this request's or, for a repeated idempotency key, the first one's.
    pub operation: Operation,
    /// Whether the key and the body had been seen before.
    pub replayed: bool,
}

/// Where the rows of an upload go.
enum Target {
    /// Nothing is stored yet: what fits in one block is stored whole at the end, in one unit of work.
    Memory,
    /// The operation exists in state `receiving`; blocks are appended as they fill.
    Receiving,
    /// The key is taken: only the digest matters.
    Replay(IdempotencyEntry),
    /// Stored or removed.
    Ended,
}

/// An upload in progress. Dropped before [`Upload::finish`], it removes what it stored; should the process die
/// first, the sweeper does.
pub struct Upload {
    app: App,
    ctx: Context,
    operation: NewOperation,
    key: Option<String>,
    digest: blake3::Hasher,
    builder: BlockBuilder,
    target: Target,
    /// The append in flight: storage works while the next block is read.
    appending: Option<JoinHandle<Result<(), AppError>>>,
    /// Of a retry: the one that was the last when the failed rows were read.
    last_retry: Option<OperationId>,
    /// A block may be missing: a flush failed, or nobody waited for its end.
    torn: bool,
}

impl App {
    /// Begins an upload. Nothing is stored before a block is full or the upload has ended.
    ///
    /// # Errors
    /// `Conflict` when another request with the same key is still being received.
    pub async fn begin_upload(&self, ctx: Context, new: NewUpload) -> Result<Upload, AppError> {
        let NewUpload { kind, format, key, parent } = new;
        let mut target = Target::Memory;
        if let Some(key) = &key {
            let mut uow = self.begin(&ctx).await?;
            if let Some(entry) = uow.operations().find_key(key).await? {
                target = replay(entry)?;
            }
        }
        let operation = NewOperation {
            id: self.ports.ids.operation_id(),
            kind,
            format,
            parent,
            actor: ctx.actor.clone(),
            created_at: self.ports.clock.now(),
        };
        let digest = blake3::Hasher::new();
        let builder = BlockBuilder::default();
        Ok(Upload {
            app: self.clone(),
            ctx,
            operation,
            key,
            digest,
            builder,
            target,
            appending: None,
            last_retry: None,
            torn: false,
        })
    }
}

impl Upload {
    /// Takes bytes of the body into its digest.
    pub fn absorb(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// `TooLarge` beyond the limit of the format.
    pub fn push(&mut self, row: &ImportRow<'_>) -> Result<(), AppError> {
        let settings = &self.app.settings;
        let limit = if self.is_small() { settings.max_json_rows } else { settings.max_rows };
        if self.builder.rows() == limit {
            let message =
                format!("at most {limit} rows may be sent in this format; send NDJSON or CSV, or several requests");
            return Err(AppError::new(ErrorKind::TooLarge, ErrorCode::PayloadTooLarge, message));
        }
        self.builder.push(row)
    }

    /// Stores the blocks that are full. Returns while the last of them is still being stored.
    ///
    /// # Errors
    /// `Unavailable` when storage is down, `Conflict` when the sweeper has taken the upload for dead.
    pub async fn flush(&mut self) -> Result<(), AppError> {
        if !self.builder.has_full() {
            return Ok(());
        }
        self.torn = true;
        let blocks = self.builder.take_full();
        self.settle_append().await?;
        if matches!(self.target, Target::Memory) {
            self.begin_receiving().await?;
        }
        if matches!(self.target, Target::Receiving) {
            self.append(blocks);
        }
        self.torn = false;
        Ok(())
    }

    /// Ends the upload: from here on the operation is durable. Then asks for its workflow; should that fail,
    /// the sweeper asks again.
    ///
    /// # Errors
    /// `Invalid` when there are no rows, when too many are to be all or nothing, or when the key stands for
    /// another body; `Unavailable` when storage is down. Nothing is left behind then.
    pub async fn finish(
        mut self,
        options: OperationOptions,
        unknown_columns: &[String],
    ) -> Result<Submitted, AppError> {
        if self.torn {
            return Err(AppError::internal("an upload was to end although a flush of it had failed"));
        }
        self.settle_append().await?;
        self.builder.close()?;
        let last = self.builder.take_full();
        let digest = self.seal(options);
        if let Target::Replay(entry) = self.target {
            return self.replayed(entry, digest).await;
        }
        self.check(options)?;

        let mut uow = self.app.begin(&self.ctx).await?;
        let now = self.app.ports.clock.now();
        if matches!(self.target, Target::Memory) {
            if let Some(entry) = self.create(uow.as_mut(), Some(digest), now).await? {
                drop(uow);
                return self.replayed(entry, digest).await;
            }
        } else {
            self.app.check_limits(uow.operations(), self.builder.rows(), false).await?;
            if let Some(key) = &self.key {
                uow.operations().seal_key(key, digest).await?;
            }
        }
        let id = self.operation.id;
        let operations = uow.operations();
        let (rows, blocks) = (self.builder.rows(), self.builder.blocks());
        let kept = (last.is_empty() || operations.append_blocks(id, &last, now).await?)
            && operations.queue(id, options, unknown_columns, rows, blocks, now).await?;
        if !kept {
            return Err(taken_for_dead());
        }
        let operation = operations.find(id).await?.ok_or_else(|| AppError::internal("a new operation is gone"))?;
        uow.commit().await?;
        self.target = Target::Ended;
        self.app.ask_for_workflow(&operation).await;
        Ok(Submitted { operation, replayed: false })
    }

    /// Ends the upload and removes what it stored.
    pub async fn discard(mut self) {
        let _ = self.settle_append().await;
        if matches!(std::mem::replace(&mut self.target, Target::Ended), Target::Receiving) {
            discard(&self.app, &self.ctx, self.operation.id).await;
        }
    }

    /// Whether the rows are held in one body. Those of a filter are not, although it comes as JSON.
    fn is_small(&self) -> bool {
        self.operation.format == UploadFormat::Json && self.operation.kind.is_import()
    }

    fn check(&self, options: OperationOptions) -> Result<(), AppError> {
        let (rows, most) = (self.builder.rows(), self.app.settings.max_json_rows);
        if rows == 0 {
            return Err(AppError::invalid("the upload has no rows; send at least one"));
        }
        if options.on_error == OnError::Abort && rows > most {
            let message = format!("on_error=abort is one transaction of at most {most} rows; send on_error=continue");
            return Err(AppError::invalid(message));
        }
        Ok(())
    }

    async fn begin_receiving(&mut self) -> Result<(), AppError> {
        let mut uow = self.app.begin(&self.ctx).await?;
        let taken = self.create(uow.as_mut(), None, self.app.ports.clock.now()).await?;
        if let Some(entry) = taken {
            self.target = replay(entry)?;
        } else {
            // From now on there may be something to take back, even if the commit seems to fail.
            self.target = Target::Receiving;
            uow.commit().await?;
        }
        Ok(())
    }

    /// Inserts the operation and claims its key; gives the entry of the key if it is taken.
    async fn create(
        &self,
        uow: &mut dyn UnitOfWork,
        digest: Option<[u8; 32]>,
        now: DateTime<Utc>,
    ) -> Result<Option<IdempotencyEntry>, AppError> {
        let id = self.operation.id;
        let operations = uow.operations();
        if let Some(key) = &self.key {
            let expires_at = now + self.app.settings.key_lifetime;
            if let Some(entry) = operations.claim_key(key, KeyOwner::Operation(id), digest, expires_at).await? {
                return Ok(Some(entry));
            }
        }
        self.app.check_limits(operations, self.builder.rows(), true).await?;
        if let Some(parent) = self.operation.parent.filter(|parent| parent.relation == Relation::Retry) {
            self.follows_last_retry(operations, parent.id).await?;
        }
        operations.insert(&self.operation, now).await?;
        Ok(None)
    }

    fn append(&mut self, blocks: Vec<BlockPayload>) {
        let (app, ctx, id) = (self.app.clone(), self.ctx.clone(), self.operation.id);
        self.appending = Some(tokio::spawn(async move {
            let mut uow = app.begin(&ctx).await?;
            if !uow.operations().append_blocks(id, &blocks, app.ports.clock.now()).await? {
                return Err(taken_for_dead());
            }
            Ok(uow.commit().await?)
        }));
    }

    async fn settle_append(&mut self) -> Result<(), AppError> {
        match self.appending.take() {
            Some(task) => task.await.map_err(AppError::internal)?,
            None => Ok(()),
        }
    }

    async fn replayed(&mut self, entry: IdempotencyEntry, digest: [u8; 32]) -> Result<Submitted, AppError> {
        self.target = Target::Ended;
        self.app.replayed(&self.ctx, entry, digest).await
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !matches!(self.target, Target::Receiving) {
            return;
        }
        // The client has gone, or the request failed: take back what was stored, after the append in flight.
        let (app, ctx, id, appending) = (self.app.clone(), self.ctx.clone(), self.operation.id, self.appending.take());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Some(task) = appending {
                    let _ = task.await;
                }
                discard(&app, &ctx, id).await;
            });
        }
    }
}

async fn discard(app: &App, ctx: &Context, id: OperationId) {
    if let Err(error) = app.discard_upload(ctx, id).await {
        tracing::warn!(operation.id = %id, error = &error as &dyn std::error::Error, "an upload was not removed; the sweeper will");
    }
}
