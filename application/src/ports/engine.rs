use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::operations::{Operation, OperationKind};
use muster_domain::schedules::Cadence;
use muster_domain::{
    OperationId, PartnerEventId, ReminderBatchId, ScheduleId, TenantId, WebhookDeliveryId, WelcomeBatchId,
};

/// What a workflow needs to know to carry an operation out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartOperation {
    /// Whose operation it is.
    pub tenant: TenantId,
    /// Which one.
    pub operation: OperationId,
    /// What it does, for operators.
    pub kind: OperationKind,
    /// How many blocks it has.
    pub blocks: u32,
    /// Whether something is to be seen to before the first of them.
    pub prepare: bool,
    /// Whether it has so few rows that it is not to wait for others.
    pub small: bool,
}

impl StartOperation {
    /// Of this operation.
    pub fn of(operation: &Operation) -> Self {
        let Operation { tenant, id, kind, .. } = *operation;
        let prepare = operation.needs_preparing();
        Self {
            tenant,
            operation: id,
            kind,
            blocks: operation.progress.blocks_total,
            prepare,
            small: operation.is_small(),
        }
    }
}

/// What a workflow needs to know to send a batch of welcome mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartWelcomes {
    /// Whose users they are.
    pub tenant: TenantId,
    /// Which batch.
    pub batch: WelcomeBatchId,
}

/// What a workflow needs to know to deliver something to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartWebhook {
    /// Whose endpoint it is.
    pub tenant: TenantId,
    /// What is to be delivered.
    pub delivery: WebhookDeliveryId,
}

/// What the engine needs to know of a schedule: when, not what.
#[derive(Debug, Clone, PartialEq)]
pub struct PutSchedule {
    /// Whose schedule it is.
    pub tenant: TenantId,
    /// Which one.
    pub schedule: ScheduleId,
    /// Tells a later state from an earlier one.
    pub revision: u64,
    /// When it runs.
    pub cadence: Cadence,
    /// Whether it does not.
    pub paused: bool,
}

/// What a workflow needs to know to run a schedule out of turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartScheduleRun {
    /// Whose schedule it is.
    pub tenant: TenantId,
    /// Which one.
    pub schedule: ScheduleId,
    /// Tells this run from others; a whole second.
    pub at: DateTime<Utc>,
}

/// What a workflow needs to know to see to something that a partner has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartPartnerEvent {
    /// Whose partner it is.
    pub tenant: TenantId,
    /// What it has told.
    pub event: PartnerEventId,
}

/// What became of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// The workflow runs, from this call or an earlier one.
    Running,
    /// A workflow of this operation has run and is closed.
    Closed,
}

/// The engine that carries operations out could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the workflow engine is not available")]
pub struct GatewayError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Starts workflows.
#[async_trait]
pub trait WorkflowGateway: Send + Sync {
    /// Makes sure that the operation's workflow runs. Safe to repeat: there is one workflow per operation, ever.
    /// Gives up after a few seconds.
    async fn start_operation(&self, start: &StartOperation) -> Result<Started, GatewayError>;

    /// As `start_operation`, and tells the workflow that its operation was resumed or has ended: one that waits because it
    /// was paused looks again.
    async fn wake_operation(&self, start: &StartOperation) -> Result<Started, GatewayError>;

    /// As `start_operation`, for the workflow that sends the operation's welcome mails.
    async fn start_mails(&self, start: &StartOperation) -> Result<Started, GatewayError>;

    /// As `start_operation`, for the workflow that sends a batch of welcome mails.
    async fn start_welcomes(&self, start: &StartWelcomes) -> Result<Started, GatewayError>;

    /// As `start_operation`, for the workflow that sends a batch of reminders, of whichever tenants.
    async fn start_reminders(&self, batch: ReminderBatchId) -> Result<Started, GatewayError>;

    /// As `start_operation`, for the workflow that delivers something to an endpoint.
    async fn start_webhook(&self, start: &StartWebhook) -> Result<Started, GatewayError>;

    /// Makes the engine's schedule, or changes it, so that it is as this revision says, unless it is as a later one says.
    /// Runs that it has missed by a few hours at most are made up for; one that is due while the one before still runs is
    /// left out.
    async fn put_schedule(&self, put: &PutSchedule) -> Result<(), GatewayError>;

    /// Removes the engine's schedule, if it has it.
    async fn remove_schedule(&self, tenant: TenantId, schedule: ScheduleId) -> Result<(), GatewayError>;

    /// As `start_operation`, for a run of a schedule: there is one for each of its times, ever.
    async fn start_schedule_run(&self, start: &StartScheduleRun) -> Result<Started, GatewayError>;

    /// As `start_operation`, for the workflow that sees to something that a partner has told.
    async fn start_partner_event(&self, start: &StartPartnerEvent) -> Result<Started, GatewayError>;
}
