use muster_domain::webhooks::{EndpointChanges, EndpointPatch, WebhookEndpoint};
use muster_domain::{FieldError, WebhookEndpointId};

use crate::imports::RowProblem;
use crate::{App, AppError, Context};

/// What is asked of a new endpoint, or of one that is there.
#[derive(Debug)]
pub struct UpdateEndpoint<'a> {
    /// The fields.
    pub patch: EndpointPatch<'a>,
    /// What could not be read of the request.
    pub problems: Vec<RowProblem>,
}

impl UpdateEndpoint<'_> {
    /// What was read, unless something is wrong with it or with other parts of the request.
    pub(super) fn read<T>(parsed: Result<T, Vec<FieldError>>, mut problems: Vec<RowProblem>) -> Result<T, AppError> {
        match parsed {
            Ok(read) if problems.is_empty() => Ok(read),
            Ok(_) => Err(AppError::wrong_fields(problems)),
            Err(errors) => {
                for error in errors {
                    // What has the wrong type is missing as well, which need not be said.
                    if !problems.iter().any(|problem| problem.field.as_deref() == Some(error.field)) {
                        problems.push(error.into());
                    }
                }
                Err(AppError::wrong_fields(problems))
            }
        }
    }
}

impl App {
    /// Changes an endpoint. Deliveries that are on their way go to where it is when they are sent.
    ///
    /// # Errors
    /// `Invalid` with every field that breaks a rule; `NotFound`.
    pub async fn update_webhook(
        &self,
        ctx: &Context,
        id: WebhookEndpointId,
        command: UpdateEndpoint<'_>,
    ) -> Result<WebhookEndpoint, AppError> {
        let parsed = EndpointChanges::parse(command.patch, self.ports.webhook_sender.networks());
        let changes = UpdateEndpoint::read(parsed, command.problems)?;
        let mut uow = self.begin(ctx).await?;
        let found = uow.webhooks().lock_endpoint(id).await?;
        let mut endpoint = found.ok_or_else(|| AppError::not_found("webhook endpoint"))?;
        if endpoint.change(changes, self.ports.clock.now()) {
            uow.webhooks().store_endpoint(&endpoint).await?;
            uow.commit().await?;
        }
        Ok(endpoint)
    }
}
