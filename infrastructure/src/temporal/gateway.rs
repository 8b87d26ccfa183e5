use async_trait::async_trait;
use muster_application::ports::{GatewayError, StartImport, Started, WorkflowGateway};
use muster_workflows::contract::imports::ImportUsersInput;
use muster_workflows::contract::mails::SendWelcomeMailsInput;
use muster_workflows::{ImportUsers, SendWelcomeMails, names, policy};
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::{Priority, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions};
use temporalio_common::search_attributes::SearchAttributes;
use tokio::time::timeout;

use super::Temporal;
use super::connect::TIMEOUT;

#[async_trait]
impl WorkflowGateway for Temporal {
    async fn start_import(&self, start: &StartImport) -> Result<Started, GatewayError> {
        let (tenant_id, operation_id) = (start.tenant.get(), start.operation.get());
        let id = names::import_workflow(tenant_id, operation_id);
        let input = ImportUsersInput {
            tenant_id,
            operation_id,
            blocks: start.blocks,
            first_block: 0,
            ranges_per_run: 0,
            has_mails: false,
        };
        let summary = format!("Import of {} blocks of users", start.blocks);
        let options = options(start, names::CONTROL_QUEUE, id, summary);
        let client = self.client().await.map_err(gateway_error)?;
        let begun = timeout(TIMEOUT, client.start_workflow(ImportUsers::run, input, options)).await;
        started(begun.map_err(gateway_error)?.map(drop))
    }

    async fn start_mails(&self, start: &StartImport) -> Result<Started, GatewayError> {
        let (tenant_id, operation_id) = (start.tenant.get(), start.operation.get());
        let id = names::mail_workflow(tenant_id, operation_id);
        let input = SendWelcomeMailsInput { tenant_id, operation_id, blocks: start.blocks };
        let options = options(start, names::MAIL_QUEUE, id, "Welcome mails of an import".to_owned());
        let client = self.client().await.map_err(gateway_error)?;
        let begun = timeout(TIMEOUT, client.start_workflow(SendWelcomeMails::run, input, options)).await;
        started(begun.map_err(gateway_error)?.map(drop))
    }
}

/// One workflow per operation, ever; the tenant shares the workers fairly with others.
fn options(start: &StartImport, queue: &str, id: String, summary: String) -> WorkflowStartOptions {
    let tenant = start.tenant.to_string();
    let mut priority = Priority::default();
    priority.fairness_key = Some(tenant.clone());
    WorkflowStartOptions::new(queue, id)
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
        .task_timeout(policy::WORKFLOW_TASK)
        .priority(priority)
        .search_attributes(SearchAttributes::new([
            names::TENANT.value_set(tenant),
            names::OPERATION.value_set(start.operation.to_string()),
            names::KIND.value_set("users.import".to_owned()),
            names::STATE.value_set("running".to_owned()),
        ]))
        .static_summary(summary)
        .build()
}

fn started(result: Result<(), WorkflowStartError>) -> Result<Started, GatewayError> {
    match result {
        Ok(()) => Ok(Started::Running),
        // With use-existing, only a closed workflow is reported as already started.
        Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(Started::Closed),
        Err(error) => Err(gateway_error(error)),
    }
}

fn gateway_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> GatewayError {
    GatewayError(error.into())
}
