use muster_domain::operations::{KeyOwner, NewOperation, OnError, OperationKind, OperationOptions, UploadFormat};
use muster_domain::users::UserFilter;

use super::filter::block_of;
use crate::imports::Submitted;
use crate::{App, AppError, Context};

/// An export that is to begin.
#[derive(Debug, Clone)]
pub struct NewExport {
    /// Whom it means.
    pub filter: UserFilter,
    /// How its file is written: NDJSON or CSV.
    pub format: UploadFormat,
    /// Tells a repeated request from a new one.
    pub key: Option<String>,
}

impl App {
    /// Begins an export: from here on it is durable. Then asks for its workflow; should that fail, the sweeper asks again.
    /// Whom it means is looked up when a worker writes the file. `body` is the request, by which a repeated one is known.
    ///
    /// # Errors
    /// `Invalid` when the key stands for another request; `Unavailable` when storage is down.
    pub async fn begin_export(&self, ctx: &Context, new: NewExport, body: &[u8]) -> Result<Submitted, AppError> {
        let NewExport { filter, format, key } = new;
        let now = self.ports.clock.now();
        let (kind, actor) = (OperationKind::UsersExport, ctx.actor.clone());
        let new =
            NewOperation { id: self.ports.ids.operation_id(), kind, format, parent: None, actor, created_at: now };
        let block = block_of(&filter)?;
        let mut uow = self.begin(ctx).await?;
        let operations = uow.operations();
        if let Some(key) = key {
            let mut digest = blake3::Hasher::new();
            digest.update(body).update(format!("\0{}", kind.name()).as_bytes());
            let (digest, expires_at) = (digest.finalize().into(), now + self.settings.key_lifetime);
            let owner = KeyOwner::Operation(new.id);
            if let Some(entry) = operations.claim_key(&key, owner, Some(digest), expires_at).await? {
                drop(uow);
                return self.replayed(ctx, entry, digest).await;
            }
        }
        let options = OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) };
        self.check_limits(operations, 0, true).await?;
        operations.insert(&new, now).await?;
        operations.append_blocks(new.id, &[block], now).await?;
        operations.queue(new.id, options, &[], 0, 1, now).await?;
        let operation = operations.find(new.id).await?.ok_or_else(|| AppError::internal("a new operation is gone"))?;
        uow.commit().await?;
        self.ask_for_workflow(&operation).await;
        Ok(Submitted { operation, replayed: false })
    }
}
