use muster_domain::operations::{MatchBy, OnError, Operation, OperationKind, OperationOptions, UploadFormat};
use muster_domain::partners::SyncedEntity;

use super::AuthenticPartner;
use crate::imports::{ImportRow, NewUpload, RowProblem};
use crate::{App, AppError};

/// Synchronise entities.
#[derive(Debug, Clone)]
pub struct SyncEntities {
    /// What they are.
    pub entity: SyncedEntity,
    /// Which ones: some, as the partner has them.
    pub ids: Vec<String>,
}

impl App {
    /// Begins to note that entities are in step with a partner: an operation with a row for each. First the signature is
    /// accepted, so that nobody begins it twice with the same request.
    ///
    /// # Errors
    /// `Unauthenticated` when the signature was accepted before; `RateLimited` when the tenant has as much as it may;
    /// `Unavailable` when storage is down.
    pub async fn begin_sync(&self, partner: &AuthenticPartner, command: SyncEntities) -> Result<Operation, AppError> {
        let SyncEntities { entity, ids } = command;
        self.accept_partner_request(partner).await?;
        let new = NewUpload { kind: OperationKind::PartnersSync, format: UploadFormat::Json, key: None, parent: None };
        let mut upload = self.begin_upload(partner.ctx.clone(), new).await?;
        // What is not kept here can be said of each row at once.
        let problems: Vec<_> = (!entity.is_kept()).then(|| not_kept(entity)).into_iter().collect();
        for (line, id) in (1..).zip(&ids) {
            let problems = problems.clone();
            upload.push(&ImportRow { line, id: Some(id.into()), problems, ..ImportRow::default() })?;
        }
        let options =
            OperationOptions { send_welcome: false, match_by: MatchBy::Id, ..OperationOptions::of(OnError::Continue) };
        Ok(upload.finish(options, &[]).await?.operation)
    }
}

fn not_kept(entity: SyncedEntity) -> RowProblem {
    let detail = format!("{} are not kept here, only users are", entity.name());
    RowProblem::of("id", "ENTITY_TYPE_NOT_KEPT", detail)
}
