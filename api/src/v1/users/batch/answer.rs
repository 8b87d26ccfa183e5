use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use muster_application::{App, Context, ErrorCode};
use muster_domain::operations::{Operation, OperationFailure, OperationState, UploadFormat};

use super::created::BatchCreated;
use super::row_errors::RowErrors;
use crate::extract::Prefer;
use crate::problem::Problem;
use crate::v1::operations::head;
use crate::v1::operations::view::OperationView;
use crate::v1::tasks::batch::TasksCreated;

/// Answers a request whose upload has become an operation.
pub(crate) struct Answer<'a> {
    pub(crate) app: &'a App,
    pub(crate) ctx: &'a Context,
    pub(crate) prefer: Prefer,
    pub(crate) replayed: bool,
}

impl Answer<'_> {
    /// The result where it is known, else the operation to follow.
    pub(crate) async fn to(&self, operation: Operation) -> Result<Response, Problem> {
        let (id, has_ended) = (operation.id.get(), operation.state.is_final());
        let mut response = self.body(operation).await?;
        head::tell(&mut response, id, has_ended, self.prefer, self.replayed);
        Ok(response)
    }

    async fn body(&self, operation: Operation) -> Result<Response, Problem> {
        let is_json = operation.format == UploadFormat::Json;
        match operation.state {
            state if !state.is_final() => {
                let view = Json(OperationView::from(operation));
                Ok((StatusCode::ACCEPTED, [(RETRY_AFTER, "1")], view).into_response())
            }
            _ if !is_json || operation.options.dry_run => Ok(Json(OperationView::from(operation)).into_response()),
            OperationState::Succeeded | OperationState::PartiallySucceeded if operation.kind.is_of_tasks() => {
                let created = TasksCreated::of(self.app, self.ctx, &operation).await?;
                Ok((StatusCode::CREATED, Json(created)).into_response())
            }
            OperationState::Succeeded | OperationState::PartiallySucceeded => {
                let created = BatchCreated::of(self.app, self.ctx, &operation).await?;
                Ok((StatusCode::CREATED, Json(created)).into_response())
            }
            // A failed operation is an answer, not a failure to answer: it carries the headers of one.
            _ => Ok(self.failure(operation).await?.into_response()),
        }
    }

    async fn failure(&self, operation: Operation) -> Result<Problem, Problem> {
        let found = RowErrors::of(self.app, self.ctx, &operation).await?;
        let (status, code) = match () {
            () if found.only_duplicates => (StatusCode::CONFLICT, ErrorCode::Conflict),
            () if !found.errors.is_empty() => (StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::ValidationError),
            () if operation.state == OperationState::Cancelled => (StatusCode::CONFLICT, ErrorCode::Conflict),
            // No row is at fault: it could not be carried on.
            () => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::InternalServerError),
        };
        let detail = match operation.failure {
            Some(OperationFailure { detail, .. }) => detail,
            None => "the operation was cancelled".to_owned(),
        };
        Ok(Problem::new(status, code, detail).errors(found.errors).operation(operation.id.get()))
    }
}
