use async_trait::async_trait;
use chrono::SecondsFormat;
use muster_application::ports::{
    GatewayError, PutSchedule, StartOperation, StartPartnerEvent, StartScheduleRun, StartWebhook, StartWelcomes,
    Started, WorkflowGateway,
};
use muster_domain::{ReminderBatchId, ScheduleId, TenantId};
use muster_workflows::contract::mails::{SendWelcomeMailsInput, WelcomeBatch};
use muster_workflows::contract::operations::RunOperationInput;
use muster_workflows::contract::partners::PartnerEventInput;
use muster_workflows::contract::reminders::ReminderBatch;
use muster_workflows::contract::schedules::RunScheduleInput;
use muster_workflows::contract::webhooks::DeliverWebhookInput;
use muster_workflows::{
    DeliverWebhook, ProcessPartnerEvent, RunOperation, RunSchedule, SendReminders, SendWelcomeBatch, SendWelcomeMails,
    names, policy,
};
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::tonic::Code;
use temporalio_client::{Priority, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions};
use temporalio_common::search_attributes::{SearchAttributeUpdate, SearchAttributes};
use tokio::time::timeout;

use super::Temporal;
use super::connect::TIMEOUT;
use super::tenant_schedule;

#[async_trait]
impl WorkflowGateway for Temporal {
    async fn start_operation(&self, start: &StartOperation) -> Result<Started, GatewayError> {
        let (input, options) = operation(start);
        let client = self.client().await.map_err(gateway_error)?;
        let begun = timeout(TIMEOUT, client.start_workflow(RunOperation::run, input, options)).await;
        started(begun.map_err(gateway_error)?.map(drop))
    }

    async fn wake_operation(&self, start: &StartOperation) -> Result<Started, GatewayError> {
        let (input, options) = operation(start);
        let client = self.client().await.map_err(gateway_error)?;
        let woken = client.signal_with_start_workflow(RunOperation::run, input, RunOperation::wake, (), options);
        started(timeout(TIMEOUT, woken).await.map_err(gateway_error)?.map(drop))
    }

    async fn start_mails(&self, start: &StartOperation) -> Result<Started, GatewayError> {
        let (tenant_id, operation_id) = (start.tenant.get(), start.operation.get());
        let id = names::mail_workflow(tenant_id, operation_id);
        let input = SendWelcomeMailsInput { tenant_id, operation_id, blocks: start.blocks };
        let options =
            options(start.tenant, attributes(start), names::MAIL_QUEUE, id, "Welcome mails of an import".to_owned());
        let client = self.client().await.map_err(gateway_error)?;
        let begun = timeout(TIMEOUT, client.start_workflow(SendWelcomeMails::run, input, options)).await;
        started(begun.map_err(gateway_error)?.map(drop))
    }

    async fn start_welcomes(&self, start: &StartWelcomes) -> Result<Started, GatewayError> {
        let (tenant_id, batch_id) = (start.tenant.get(), start.batch.get());
        let id = names::welcome_workflow(tenant_id, batch_id);
        let attributes = vec![names::KIND.value_set("users.welcome".to_owned())];
        let summary = "Welcome mails of users who were made one by one".to_owned();
        let options = options(start.tenant, attributes, names::MAIL_QUEUE, id, summary);
        let client = self.client().await.map_err(gateway_error)?;
        let input = WelcomeBatch { tenant_id, batch_id };
        let begun = timeout(TIMEOUT, client.start_workflow(SendWelcomeBatch::run, input, options)).await;
        started(begun.map_err(gateway_error)?.map(drop))
    }

    async fn start_reminders(&self, batch: ReminderBatchId) -> Result<Started, GatewayError> {
        let batch_id = batch.get();
        let id = names::reminder_workflow(batch_id);
        let attributes = vec![names::KIND.value_set("tasks.remind".to_owned())];
        let options = options(None, attributes, names::MAIL_QUEUE, id, "Reminders of tasks".to_owned());
        let client = self.client().await.map_err(gateway_error)?;
        let input = ReminderBatch { batch_id };
        let begun = timeout(TIMEOUT, client.start_workflow(SendReminders::run, input, options)).await;
        started(begun.map_err(gateway_error)?.map(drop))
    }

    async fn start_webhook(&self, start: &StartWebhook) -> Result<Started, GatewayError> {
        let (tenant_id, delivery_id) = (start.tenant.get(), start.delivery.get());
        let id = names::webhook_workflow(tenant_id, delivery_id);
        let attributes = vec![names::KIND.value_set("webhook".to_owned())];
        let summary = "Delivery of an event to an endpoint".to_owned();
        let options = options(start.tenant, attributes, names::WEBHOOK_QUEUE, id, summary);
        let client = self.client().await.map_err(gateway_error)?;
        let input = DeliverWebhookInput { tenant_id, delivery_id };
        let begun = timeout(TIMEOUT, client.start_workflow(DeliverWebhook::run, input, options)).await;
        started(begun.map_err(gateway_error)?.map(drop))
    }

    async fn put_schedule(&self, put: &PutSchedule) -> Result<(), GatewayError> {
        let client = self.client().await.map_err(gateway_error)?;
        let done = timeout(TIMEOUT, tenant_schedule::put(&client, self.keys(), put)).await;
        done.map_err(gateway_error)?.map_err(gateway_error)
    }

    async fn remove_schedule(&self, tenant: TenantId, schedule: ScheduleId) -> Result<(), GatewayError> {
        let client = self.client().await.map_err(gateway_error)?;
        let done = timeout(TIMEOUT, tenant_schedule::remove(&client, tenant, schedule)).await;
        done.map_err(gateway_error)?.map_err(gateway_error)
    }

    async fn start_schedule_run(&self, start: &StartScheduleRun) -> Result<Started, GatewayError> {
        let (tenant_id, schedule_id) = (start.tenant.get(), start.schedule.get());
        let at = start.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let id = names::schedule_run(tenant_id, schedule_id, &at);
        let attributes = vec![names::KIND.value_set("schedule".to_owned())];
        let summary = "Run of a schedule that somebody has asked for".to_owned();
        let options = options(start.tenant, attributes, names::CONTROL_QUEUE, id, summary);
        let client = self.client().await.map_err(gateway_error)?;
        let input = RunScheduleInput { tenant_id, schedule_id, triggered: true };
        let begun = timeout(TIMEOUT, client.start_workflow(RunSchedule::run, input, options)).await;
        started(begun.map_err(gateway_error)?.map(drop))
    }

    async fn start_partner_event(&self, start: &StartPartnerEvent) -> Result<Started, GatewayError> {
        let (tenant_id, event_id) = (start.tenant.get(), start.event.get());
        let id = names::partner_event_workflow(tenant_id, event_id);
        let attributes = vec![names::KIND.value_set("partner.event".to_owned())];
        let summary = "Event that a partner has told".to_owned();
        let options = options(start.tenant, attributes, names::CONTROL_QUEUE, id, summary);
        let client = self.client().await.map_err(gateway_error)?;
        let input = PartnerEventInput { tenant_id, event_id };
        let begun = timeout(TIMEOUT, client.start_workflow(ProcessPartnerEvent::run, input, options)).await;
        started(begun.map_err(gateway_error)?.map(drop))
    }
}

/// The workflow that carries an operation out.
fn operation(start: &StartOperation) -> (RunOperationInput, WorkflowStartOptions) {
    let (tenant_id, operation_id) = (start.tenant.get(), start.operation.get());
    let id = names::operation_workflow(tenant_id, operation_id);
    let input = RunOperationInput {
        tenant_id,
        operation_id,
        blocks: start.blocks,
        first_block: 0,
        ranges_per_run: 0,
        has_mails: false,
        prepare: start.prepare,
        small: start.small,
    };
    let summary = format!("{}, {} blocks", start.kind.name(), start.blocks);
    (input, options(start.tenant, attributes(start), names::CONTROL_QUEUE, id, summary))
}

/// What an operation's workflows can be found by.
fn attributes(start: &StartOperation) -> Vec<SearchAttributeUpdate> {
    vec![names::OPERATION.value_set(start.operation.to_string()), names::KIND.value_set(start.kind.name().to_owned())]
}

/// One workflow per id, ever; the tenant shares the workers fairly with others. Those of several tenants share them like one.
fn options(
    tenant: impl Into<Option<TenantId>>,
    attributes: Vec<SearchAttributeUpdate>,
    queue: &str,
    id: String,
    summary: String,
) -> WorkflowStartOptions {
    let tenant = tenant.into().map(|tenant| tenant.to_string());
    let mut priority = Priority::default();
    priority.fairness_key.clone_from(&tenant);
    WorkflowStartOptions::new(queue, id)
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
        .task_timeout(policy::WORKFLOW_TASK)
        .priority(priority)
        .search_attributes(SearchAttributes::new(
            tenant
                .map(|tenant| names::TENANT.value_set(tenant))
                .into_iter()
                .chain([names::STATE.value_set("running".to_owned())])
                .chain(attributes),
        ))
        .static_summary(summary)
        .build()
}

fn started(result: Result<(), WorkflowStartError>) -> Result<Started, GatewayError> {
    match result {
        Ok(()) => Ok(Started::Running),
        // With use-existing, only a closed workflow is reported as already started.
        Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(Started::Closed),
        // The SDK recognises it when it starts a workflow, but not when it signals one as well.
        Err(WorkflowStartError::Rpc(status)) if status.code() == Code::AlreadyExists => Ok(Started::Closed),
        Err(error) => Err(gateway_error(error)),
    }
}

fn gateway_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> GatewayError {
    GatewayError(error.into())
}
