use muster_application::{App, Context};
use muster_domain::operations::Operation;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::row_errors::RowErrors;
use crate::problem::{ErrorDetail, Problem};
use crate::v1::users::view::UserView;

/// What a batch made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchCreated {
    /// The new users, in the order of the request.
    created: Vec<UserView>,
    /// How many were made.
    #[schema(example = 1)]
    total: u64,
    /// The same for people.
    #[schema(example = "1 user created")]
    message: String,
    /// The operation that made them.
    operation_id: Uuid,
    /// Rows that failed; none unless `on_error` is `continue`.
    #[schema(example = 0)]
    failed: u64,
    /// Why they failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([]))]
    errors: Vec<ErrorDetail>,
}

impl BatchCreated {
    pub(super) async fn of(app: &App, ctx: &Context, operation: &Operation) -> Result<Self, Problem> {
        let (total, failed) = (operation.progress.created, operation.progress.failed);
        let limit = u32::try_from(total).unwrap_or(u32::MAX);
        let created = app.users_created_by(ctx, operation, limit).await?;
        let errors = if failed > 0 { RowErrors::of(app, ctx, operation).await?.errors } else { Vec::new() };
        let users = |count: u64| if count == 1 { "user" } else { "users" };
        let message = match failed {
            0 => format!("{total} {} created", users(total)),
            _ => format!("{total} {} created, {failed} failed", users(total)),
        };
        let created = created.into_iter().map(Into::into).collect();
        Ok(Self { created, total, message, operation_id: operation.id.get(), failed, errors })
    }
}
